"""The one-file checkpoint: what is in it, and that reading it runs no code."""

import contextlib
import io
import json
import pickle
import zipfile
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from rl_baselines import enjoy
from rl_baselines.checkpoints.checkpoint import CheckpointInfo, load_checkpoint, load_model, read_info
from rl_baselines.runs.run_folder import RunFolder, find_runs
from rl_baselines.vec_envs.create import create_envs
from srl3.errors import UserError
from tests.rl_baselines.conftest import MOBILE


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A short run of the mobile robot with a learned observation scale."""
    from rl_baselines import train

    folder = tmp_path_factory.mktemp("run")
    flags = (*MOBILE, "--hyperparam", "n_steps:50", "--num-timesteps", "100", "--no-vis", "--no-progress")
    assert train.main([*flags, "--log-dir", str(folder)]) == 0
    return find_runs(folder)[-1]


def changed(source: Path, target: Path, entries: dict[str, bytes | None]) -> Path:
    """A copy of a zip with some entries replaced; None leaves one out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = entries.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def bombed_data(checkpoint: Path, crater: Path) -> bytes:
    """SB3's ``data`` entry with a bomb in the place of every pickle in it."""
    with zipfile.ZipFile(checkpoint) as archive:
        data = json.loads(archive.read("data"))
    pickles = [entry for entry in data.values() if isinstance(entry, dict) and ":serialized:" in entry]
    assert pickles
    for entry in pickles:
        entry[":serialized:"] = b64encode(pickle.dumps(Bomb(crater))).decode()
    return json.dumps(data).encode()


def test_it_says_what_it_is(run):
    info = load_checkpoint(run.latest).info
    assert (info.algo, info.policy, info.env_id, info.srl_model) == (
        "ppo2",
        "feedforward",
        "MobileRobotGymEnv-v0",
        "ground_truth",
    )
    assert (info.num_timesteps, info.total_timesteps, info.n_envs, info.num_stack, info.seed) == (100, 100, 1, 1, 0)
    assert info.env_kwargs == run.read_yaml(run.env_kwargs)
    assert info.hyperparams["n_steps"] == 50
    assert info.observation_space["shape"] == [2]
    assert info.action_space == {"type": "Discrete", "n": 4, "start": 0, "dtype": "int64"}
    assert info.format == 2
    assert info.images == set()
    assert read_info(run.latest) == info
    assert info.versions["torch"] == torch.__version__
    assert info.parent is None


def test_our_entries_hold_no_pickle_and_none_that_sb3_would_read(run):
    with zipfile.ZipFile(run.latest) as archive:
        ours = [name for name in archive.namelist() if name.startswith("srl3/")]
        assert sorted(ours) == ["srl3/arrays.npz", "srl3/info.json", "srl3/state.json"]
        json.loads(archive.read("srl3/info.json"))
        json.loads(archive.read("srl3/state.json"))
        with np.load(io.BytesIO(archive.read("srl3/arrays.npz")), allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)


def test_the_policy_acts_as_the_trained_one(run):
    env = create_envs("MobileRobotGymEnv-v0", {"srl_model": "ground_truth"}, normalize=True, training=False)
    ours = load_model(load_checkpoint(run.latest), env)
    plain = PPO.load(run.latest, device="cpu")
    observations = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    assert np.array_equal(
        ours.predict(observations, deterministic=True)[0], plain.predict(observations, deterministic=True)[0]
    )
    assert env.obs_rms.count == pytest.approx(101, abs=0.01)
    env.close()


def test_a_bomb_in_sb3s_data_does_not_go_off_and_the_model_still_loads(run, tmp_path, capsys):
    crater = tmp_path / "crater"
    bombed = changed(run.latest, tmp_path / "bombed.zip", {"data": bombed_data(run.latest, crater)})
    assert load_checkpoint(bombed).info == load_checkpoint(run.latest).info
    assert enjoy.main(["--log-dir", str(bombed), "--num-episodes", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["episodes"] == 1
    assert not crater.exists()
    with contextlib.suppress(ValueError):
        PPO.load(bombed, device="cpu")
    assert crater.exists(), "the bomb was a dud: plain SB3 should have set it off"


@pytest.mark.parametrize("entry", ["policy.pth", "policy.optimizer.pth", "pytorch_variables.pth", "stranger.pth"])
@pytest.mark.parametrize("plain", [True, False])
def test_a_bomb_among_the_tensors_is_refused(run, tmp_path, entry, plain):
    crater = tmp_path / "crater"
    buffer = io.BytesIO()
    if plain:
        pickle.dump(Bomb(crater), buffer)
    else:
        torch.save({"weights": Bomb(crater)}, buffer)
    bombed = changed(run.latest, tmp_path / "bombed.zip", {entry: buffer.getvalue()})
    if entry == "stranger.pth":
        with zipfile.ZipFile(bombed, "a") as archive:
            archive.writestr(entry, buffer.getvalue())
    with pytest.raises(UserError, match="holds something other than tensors, and was not opened"):
        load_checkpoint(bombed)
    with pytest.raises(UserError):
        enjoy.main(["--log-dir", str(bombed)])
    assert not crater.exists()


def test_a_bomb_among_our_arrays_is_refused(run, tmp_path):
    crater = tmp_path / "crater"
    buffer = io.BytesIO()
    np.savez(buffer, a0=np.array([Bomb(crater)], dtype=object))
    bombed = changed(run.latest, tmp_path / "bombed.zip", {"srl3/arrays.npz": buffer.getvalue()})
    with pytest.raises(UserError, match="is damaged"):
        load_checkpoint(bombed)
    assert not crater.exists()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"srl3/info.json": None}, "is no SRL3 checkpoint"),
        ({"srl3/state.json": None}, "is damaged"),
        ({"srl3/arrays.npz": b"nothing"}, "is damaged"),
        ({"srl3/info.json": b"{"}, "is damaged"),
        ({"srl3/info.json": b"[]"}, "has checkpoint format None"),
        ({"srl3/info.json": b'{"format": 1}'}, "is damaged .its srl3/info.json is incomplete"),
        ({"srl3/info.json": b'{"format": 2}'}, "is damaged .its srl3/info.json is incomplete"),
        ({"srl3/info.json": b'{"format": "2"}'}, "has checkpoint format 2, and this version reads formats 1 to 2"),
        (
            {"srl3/info.json": b'{"format": 3, "versions": {"srl3": "4.1.0"}}'},
            "was written by SRL3 4.1.0 and has format 3, which this version does not know",
        ),
        (
            {"srl3/info.json": b'{"format": 2, "versions": {"srl3": "3.9.0"}, "wings": 2}'},
            "was written by SRL3 3.9.0 and has the field 'wings', which this version does not know",
        ),
        ({"srl3/state.json": b"[]"}, "is damaged"),
        ({"srl3/state.json": b'{"normalize": null}'}, "is damaged"),
        ({"policy.pth": b"nothing"}, "holds something other than tensors"),
        ({"policy.pth": b""}, "is damaged"),
    ],
)
def test_damage_is_said(run, tmp_path, entries, message):
    with pytest.raises(UserError, match=message):
        load_checkpoint(changed(run.latest, tmp_path / "damaged.zip", entries))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("algo", "acer"),
        ("algo", 5),
        ("env_id", "Mobile"),
        ("env_kwargs", []),
        ("hyperparams", 3),
        ("num_timesteps", "x"),
    ],
)
def test_nonsense_in_the_info_is_a_user_error(run, tmp_path, name, value):
    with zipfile.ZipFile(run.latest) as archive:
        info = json.loads(archive.read("srl3/info.json"))
    info[name] = value
    file = changed(run.latest, tmp_path / "odd.zip", {"srl3/info.json": json.dumps(info).encode()})
    with pytest.raises(UserError):
        enjoy.main(["--log-dir", str(file), "--num-episodes", "1"])


def test_weights_of_another_shape_are_said(run, tmp_path):
    with zipfile.ZipFile(run.latest) as archive:
        weights = torch.load(io.BytesIO(archive.read("policy.pth")), weights_only=True)
    weights["action_net.weight"] = torch.zeros(7, 64)
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    odd = load_checkpoint(changed(run.latest, tmp_path / "odd.zip", {"policy.pth": buffer.getvalue()}))
    env = create_envs("MobileRobotGymEnv-v0", {"srl_model": "ground_truth"})
    with pytest.raises(UserError, match=r"its policy\.action_net\.weight is 7x64, and here it is 4x\d+; leave out"):
        load_model(odd, env)
    env.close()


def test_files_that_are_no_checkpoints(tmp_path):
    for path, message in ((tmp_path / "none.zip", "does not exist"), (tmp_path, "is a folder, not a checkpoint")):
        with pytest.raises(UserError, match=message):
            load_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("observation_space", {"type": "Box"}),
        ("action_space", {"type": "Tuple"}),
        ("action_space", {"type": "Discrete", "n": -1, "start": 0, "dtype": "int64"}),
    ],
)
def test_spaces_that_are_none_are_damage(run, tmp_path, name, value):
    with zipfile.ZipFile(run.latest) as archive:
        info = json.loads(archive.read("srl3/info.json"))
    entry = json.dumps({**info, name: value}).encode()
    with pytest.raises(UserError, match=r"is damaged \(spaces in its srl3/info.json"):
        read_info(changed(run.latest, tmp_path / "odd.zip", {"srl3/info.json": entry}))


def test_fields_that_came_later_have_defaults(run, tmp_path):
    with zipfile.ZipFile(run.latest) as archive:
        info = json.loads(archive.read("srl3/info.json"))
    for name in ("parent", "observation_groups"):
        del info[name]
    file = changed(run.latest, tmp_path / "early.zip", {"srl3/info.json": json.dumps(info).encode()})
    assert read_info(file) == read_info(run.latest)


def test_the_info_is_read_alone(run, tmp_path):
    """Also of a file whose tensors are no good."""
    assert read_info(changed(run.latest, tmp_path / "odd.zip", {"policy.pth": b""})) == read_info(run.latest)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"is_discrete": False}, r"action space Discrete\(4\), but this environment has Box\(2, float32, -1 to 1\)"),
        (
            {"srl_model": "raw_pixels", "img_shape": (36, 40)},
            r"space Box\(2, float32, -inf to inf\), but this environment has Box\(36x40x3, uint8, 0 to 255\)",
        ),
    ],
)
def test_other_spaces_are_refused_naming_both(run, kwargs, words):
    env = create_envs("MobileRobotGymEnv-v0", {"srl_model": "ground_truth", **kwargs})
    with pytest.raises(UserError, match=words):
        load_model(load_checkpoint(run.latest), env)
    env.close()


def test_normalised_and_not_are_not_mixed(run, tmp_path):
    checkpoint = load_checkpoint(run.latest)
    env = create_envs("MobileRobotGymEnv-v0", {"srl_model": "ground_truth"}, normalize=False)
    with pytest.raises(UserError, match="was trained on normalised observations, and can't go on without"):
        load_model(checkpoint, env)
    env.close()
    checkpoint.state["normalize"] = None
    env = create_envs("MobileRobotGymEnv-v0", {"srl_model": "ground_truth"}, normalize=True)
    with pytest.raises(UserError, match="observations that were not normalised, and can't go on with others"):
        load_model(checkpoint, env)
    env.close()


def test_the_info_is_json():
    info = CheckpointInfo("ppo2", "feedforward", "E", {}, "ground_truth", 1, 1, 0, {}, 10, {}, {}, {})
    assert json.loads(json.dumps(info.__dict__))["num_timesteps"] == 0
