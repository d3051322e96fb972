"""Models that plain Stable-Baselines3 and rl-zoo3 saved: they act as there, and no pickle is opened unasked."""

import json
import os
import pickle
import zipfile
from inspect import signature
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import sb3_contrib
import stable_baselines3 as sb3
import torch
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

from rl_baselines import benchmark_agents, enjoy, train
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.checkpoints.foreign import data as foreign_data
from rl_baselines.checkpoints.foreign.opened import check_said, open_checkpoint
from rl_baselines.checkpoints.foreign.said import Said
from rl_baselines.play.policies.sources import find_source
from rl_baselines.plots.runs import load_runs
from rl_baselines.runs.run_folder import find_checkpoint, find_run
from srl3.errors import UserError
from tests.rl_baselines.checkpoints.zoo_files import write_zoo_run

POLE, PENDULUM = "CartPole-v1", "Pendulum-v1"
QUIET = ["--no-vis", "--no-progress"]
TRUSTED = Said(trust_pickle=True)


def observed(env_id: str, n: int = 5) -> np.ndarray:
    env = gym.make(env_id)
    env.observation_space.seed(1)
    return np.stack([env.observation_space.sample().clip(-3, 3) for _ in range(n)]).astype(np.float32)


@pytest.fixture(scope="module")
def pole(tmp_path_factory):
    """PPO with a network and schedules of its own, as one zip."""
    path = tmp_path_factory.mktemp("sb3") / "mine.zip"
    model = sb3.PPO(
        "MlpPolicy",
        make_vec_env(POLE, n_envs=2),
        n_steps=32,
        batch_size=32,
        learning_rate=LinearSchedule(1e-3, 0, 1),
        clip_range=0.1,
        seed=4,
        policy_kwargs={"net_arch": {"pi": [16], "vf": [8]}, "activation_fn": torch.nn.ReLU},
    )
    model.learn(64)
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def normalised(tmp_path_factory):
    """A run of rl-zoo3 with normalised observations."""
    return write_zoo_run(
        tmp_path_factory.mktemp("zoo"),
        "ppo",
        PENDULUM,
        sb3.PPO,
        config={"normalize": True, "gamma": 0.9, "n_steps": 16, "learning_rate": "lin_0.001"},
        normalize={"gamma": 0.9},
        n_steps=16,
        batch_size=32,
        gamma=0.9,
    )


@pytest.fixture
def no_pickle(monkeypatch):
    def refused(*_args, **_kwargs):
        raise AssertionError("a pickle was opened")

    for name in ("load", "loads"):
        monkeypatch.setattr(pickle, name, refused)


def test_a_plain_zip_acts_as_in_stable_baselines3(pole, no_pickle):
    model, path = pole
    checkpoint = open_checkpoint(path, Said("ppo", POLE))
    states = observed(POLE, 50)
    acted = Actor.from_checkpoint(checkpoint).act(states, deterministic=True)
    assert np.array_equal(acted, model.predict(states, deterministic=True)[0])
    info = checkpoint.info
    assert (info.algo, info.env_id, info.num_timesteps, info.n_envs, info.seed) == ("ppo", POLE, 64, 2, 4)
    assert info.hyperparams["learning_rate"] == "lin_0.001"
    assert info.hyperparams["clip_range"] == 0.1
    assert info.hyperparams["policy_kwargs"] == {"net_arch": {"pi": [16], "vf": [8]}, "activation_fn": "ReLU"}
    assert info.versions == {"stable_baselines3": sb3.__version__}


OTHERS = {
    "a2c": (sb3.A2C, POLE, {"use_rms_prop": True}, "MlpPolicy"),
    "trpo": (sb3_contrib.TRPO, POLE, {}, "MlpPolicy"),
    "dqn": (sb3.DQN, POLE, {"policy_kwargs": {"net_arch": [8]}}, "MlpPolicy"),
    "qrdqn": (sb3_contrib.QRDQN, POLE, {"policy_kwargs": {"n_quantiles": 5}}, "MlpPolicy"),
    "sac": (sb3.SAC, PENDULUM, {"use_sde": True, "policy_kwargs": {"net_arch": [8]}}, "MlpPolicy"),
    "td3": (sb3.TD3, PENDULUM, {"policy_kwargs": {"net_arch": [8]}}, "MlpPolicy"),
    "ddpg": (sb3.DDPG, PENDULUM, {"policy_kwargs": {"net_arch": [8]}}, "MlpPolicy"),
    "tqc": (sb3_contrib.TQC, PENDULUM, {"policy_kwargs": {"n_critics": 1, "net_arch": [8]}}, "MlpPolicy"),
    "crossq": (sb3_contrib.CrossQ, PENDULUM, {"policy_kwargs": {"net_arch": [8]}}, "MlpPolicy"),
    "ars": (sb3_contrib.ARS, POLE, {"n_delta": 2}, "LinearPolicy"),
    "recurrent_ppo": (
        sb3_contrib.RecurrentPPO,
        POLE,
        {"n_steps": 8, "batch_size": 8, "policy_kwargs": {"lstm_hidden_size": 8}},
        "MlpLstmPolicy",
    ),
}


@pytest.mark.parametrize("algo", OTHERS)
def test_every_algorithm_of_theirs(algo, tmp_path, no_pickle):
    model_class, env_id, kwargs, policy = OTHERS[algo]
    buffer = {"buffer_size": 100} if "buffer_size" in signature(model_class).parameters else {}
    model = model_class(policy, gym.make(env_id), seed=9, device="cpu", **buffer, **kwargs)
    model.save(tmp_path / "mine.zip")
    checkpoint = open_checkpoint(tmp_path / "mine.zip", Said(algo, env_id))
    states = observed(env_id)
    acted = Actor.from_checkpoint(checkpoint).act(states, deterministic=True)
    assert np.array_equal(acted, model.predict(states, deterministic=True)[0])


def test_stacked_frames_are_seen_in_the_space(tmp_path, no_pickle):
    model = sb3.A2C("MlpPolicy", VecFrameStack(make_vec_env(POLE), 3), n_steps=4)
    model.save(tmp_path / "stacked.zip")
    checkpoint = open_checkpoint(tmp_path / "stacked.zip", Said("a2c", POLE))
    assert checkpoint.info.num_stack == 3
    venv, actor = VecFrameStack(make_vec_env(POLE, seed=2), 3), Actor.from_checkpoint(checkpoint)
    stacked = venv.reset()
    for _ in range(5):
        (action,) = actor.act(stacked[:, -4:], deterministic=True)
        assert action == model.predict(stacked, deterministic=True)[0][0]
        stacked = venv.step([action])[0]


def test_a_run_of_rl_zoo3_needs_its_statistics_and_they_need_trust(normalised, no_pickle):
    _, folder = normalised
    path = find_checkpoint(str(folder.parent.parent))
    assert path == folder / "best_model.zip"
    with pytest.raises(UserError, match=r"vecnormalize\.pkl holds .*can run any code.*--trust-pickle"):
        open_checkpoint(path)


def test_a_run_of_rl_zoo3_acts_as_in_stable_baselines3(normalised):
    model, folder = normalised
    checkpoint = open_checkpoint(find_checkpoint(str(folder)), TRUSTED)
    assert (checkpoint.info.algo, checkpoint.info.env_id) == ("ppo", PENDULUM)
    assert checkpoint.info.hyperparams["normalize"] == {"norm_obs": True, "norm_reward": True}
    assert checkpoint.info.hyperparams["learning_rate"] == 0.0003  # of the zip, not of the file beside it
    states = observed(PENDULUM)
    venv = VecNormalize.load(str(folder / PENDULUM / "vecnormalize.pkl"), make_vec_env(PENDULUM))
    theirs = model.predict(venv.normalize_obs(states), deterministic=True)[0]
    assert np.allclose(Actor.from_checkpoint(checkpoint).act(states, deterministic=True), theirs)


def test_rewards_alone_need_no_pickle(tmp_path, no_pickle):
    config = {"normalize": "dict(norm_obs=False, norm_reward=True)"}
    _, folder = write_zoo_run(
        tmp_path, "a2c", POLE, sb3.A2C, config=config, normalize={"norm_obs": False}, steps=16, best=False, n_steps=4
    )
    checkpoint = open_checkpoint(find_checkpoint(str(folder)))
    assert checkpoint.path == folder / f"{POLE}.zip"
    assert checkpoint.info.hyperparams["normalize"] == {"norm_obs": False, "norm_reward": True}
    assert Actor.from_checkpoint(checkpoint).act(observed(POLE)).shape == (5,)


def test_commands_take_them(normalised, pole, tmp_path, capsys):
    _, folder = normalised
    few = ["--num-episodes", "1"]
    assert enjoy.main(["--log-dir", str(folder), "--trust-pickle", *few]) == 0
    assert "ppo on Pendulum-v1, 64 steps trained" in capsys.readouterr().out
    said = ["--algo", "ppo", "--env", POLE]
    assert enjoy.main(["--log-dir", str(pole[1]), *said, *few]) == 0
    assert "ppo on CartPole-v1" in capsys.readouterr().out
    with pytest.raises(UserError, match="does not say of what it is; add --algo and --env"):
        enjoy.main(["--log-dir", str(pole[1])])
    with pytest.raises(UserError, match=f"was trained on {PENDULUM}, not on {POLE}"):
        enjoy.main(["--log-dir", str(folder), "--trust-pickle", "--env", POLE])
    table = tmp_path / "agents.json"
    assert benchmark_agents.main([str(folder.parent), "--trust-pickle", *few, "-o", str(table)]) == 0
    (row,) = json.loads(table.read_text())
    assert (row["world"], row["algorithm"], row["seeds"], row["steps"]) == (PENDULUM, "ppo", [3], [64])


def test_play_and_plots_take_a_run_of_rl_zoo3(tmp_path):
    _, folder = write_zoo_run(tmp_path, "a2c", POLE, sb3.A2C, steps=128, n_steps=4)
    source = find_source(str(folder), tmp_path)
    assert (source.name, source.file) == ("CartPole-v1_1", folder / "best_model.zip")
    assert {path.name for path in source.checkpoints()} == {"best_model.zip", "CartPole-v1.zip"}
    (run,) = load_runs([tmp_path])
    assert (run.env, run.arguments["algo"], run.seed) == (POLE, "a2c", 3)


def test_a_run_of_rl_zoo3_is_trained_further(normalised, tmp_path, capsys):
    _, folder = normalised
    argv = [*QUIET, "--log-dir", str(tmp_path), "--load-rl-model-path", str(folder), "--num-timesteps", "64"]
    with pytest.raises(UserError, match="--trust-pickle"):
        train.main(argv)
    assert not list(tmp_path.iterdir())
    assert train.main([*argv, "--trust-pickle"]) == 0
    latest = load_checkpoint(find_run(str(tmp_path)).latest)
    before = open_checkpoint(find_checkpoint(str(folder)), TRUSTED)
    assert latest.info.parent == str(before.path)
    assert latest.info.hyperparams["n_steps"] == 16
    assert latest.state["normalize"]["obs_count"] > before.state["normalize"]["obs_count"]
    moved = {
        name: not torch.equal(latest.parameters["policy"][name], each)
        for name, each in before.parameters["policy"].items()
    }
    assert all(moved.values())


class Marker:
    """A pickle that runs code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_what_only_pickles_say(tmp_path):
    noise = NormalActionNoise(np.zeros(1), np.full(1, 0.2))
    model = sb3.TD3("MlpPolicy", make_vec_env(PENDULUM), train_freq=(3, "step"), action_noise=noise)
    path = tmp_path / "td3.zip"
    model.save(path)
    notes: list[str] = []
    untrusted = open_checkpoint(path, Said("td3", PENDULUM), note=notes.append).info.hyperparams
    assert (untrusted["noise_type"], untrusted["noise_std"]) == ("normal", 0.2)
    assert "train_freq" not in untrusted
    assert notes == [
        f"train_freq of {path} can only be read from a pickle (--trust-pickle), and will be as they are by default."
    ]
    trusted = open_checkpoint(path, Said("td3", PENDULUM, trust_pickle=True), note=notes.append).info.hyperparams
    assert trusted["train_freq"] == [3, "step"]
    assert len(notes) == 1


def test_code_in_pickles_runs_only_if_trusted(pole, tmp_path):
    with zipfile.ZipFile(pole[1]) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    content = json.loads(entries["data"])
    content["policy_kwargs"] = {
        foreign_data.TYPE: "<class 'object'>",
        foreign_data.PICKLED: foreign_data.base64.b64encode(pickle.dumps(Marker(tmp_path / "ran"))).decode(),
    }
    entries["data"] = json.dumps(content).encode()
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    with pytest.raises(UserError, match="has its policy_kwargs in a pickle, and opening a pickle can run any code"):
        open_checkpoint(path, Said("ppo", POLE))
    assert not (tmp_path / "ran").exists()
    open_checkpoint(path, Said("ppo", POLE, trust_pickle=True))
    assert (tmp_path / "ran").is_dir()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (Said("ppo", PENDULUM), "observes numbers of shape 4, and this world shows Box"),
        (Said("ppo", "Acrobot-v1"), "observes numbers of shape 4"),
        (Said("sac", POLE), "SAC takes no discrete actions|does not fit|unknown"),
        (Said("batched_ppo", POLE), "which has no batched_ppo; --algo is one of ppo2"),
        (Said("pppo", POLE), "unknown algorithm 'pppo'"),
        (Said("ppo"), "add --env"),
    ],
)
def test_wrong_words_are_one_sentence(pole, said, sentence):
    with pytest.raises(UserError, match=sentence):
        Actor.from_checkpoint(open_checkpoint(pole[1], said))


def test_wrappers_and_damage_are_refused(tmp_path):
    wrapper = {"env_wrapper": ["gymnasium.wrappers.RescaleAction"]}
    _, folder = write_zoo_run(tmp_path, "a2c", POLE, sb3.A2C, config=wrapper, steps=8, best=False, n_steps=4)
    with pytest.raises(UserError, match=r"was trained with env_wrapper .*RescaleAction"):
        open_checkpoint(find_checkpoint(str(folder)))
    model = folder / f"{POLE}.zip"
    model.write_bytes(model.read_bytes()[:-200])
    with pytest.raises(UserError, match="only part of one"):
        open_checkpoint(model)


def test_wrappers_of_rl_zoo3_are_put_around_the_world(tmp_path):
    wrapper = {"env_wrapper": [{"gymnasium.wrappers.ClipReward": {"min_reward": 0.0, "max_reward": 0.25}}]}
    _, folder = write_zoo_run(tmp_path, "a2c", POLE, sb3.A2C, config=wrapper, steps=8, best=False, n_steps=4)
    checkpoint = open_checkpoint(find_checkpoint(str(folder)))
    assert checkpoint.info.hyperparams["env_wrapper"] == wrapper["env_wrapper"]
    worlds = make_worlds(checkpoint.info, None, checkpoint.info.env_kwargs)
    worlds.reset()
    assert worlds.step(np.zeros(1, np.int64))[1].tolist() == [0.25]
    worlds.close()


def test_a_file_of_our_own_says_itself_what_it_is(tmp_path):
    argv = [*QUIET, "--log-dir", str(tmp_path), "--env", POLE, "--algo", "a2c", "--num-timesteps", "10"]
    assert train.main(argv) == 0
    own = open_checkpoint(find_checkpoint(str(tmp_path)))
    check_said(own, Said("a2c", POLE))
    with pytest.raises(UserError, match="was trained with a2c, not with ppo"):
        check_said(own, Said("ppo"))
