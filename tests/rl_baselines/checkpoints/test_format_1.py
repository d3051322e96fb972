"""Runs of the first checkpoint format still open, act, go on and are retrained."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from rl_baselines import enjoy
from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.checkpoint import load_checkpoint, read_info
from rl_baselines.checkpoints.upgrade import upgrade
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from tests.rl_baselines.conftest import Train

KEPT = Path(__file__).parents[2] / "data" / "format_1"
RETURNS = {"ppo2": [20.0, 11.0, 5.0, 6.0, 26.0, 31.0], "dqn": None}
"""of ``enjoy --num-episodes 6`` by the version that wrote them"""


@pytest.fixture(params=["ppo2", "dqn"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    """A copy of a kept run."""
    folder = tmp_path / "logs" / request.param
    shutil.copytree(KEPT / request.param, folder)
    return RunFolder(folder)


def shorten(file: Path, total_timesteps: int) -> None:
    """As if the run had been meant to be shorter."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    info = {**json.loads(entries["srl3/info.json"]), "total_timesteps": total_timesteps}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**entries, "srl3/info.json": json.dumps(info).encode()}.items():
            archive.writestr(name, content)


def test_it_opens(run: RunFolder) -> None:
    with zipfile.ZipFile(run.latest) as archive:
        assert json.loads(archive.read("srl3/info.json"))["format"] == 1
    info = read_info(run.latest)
    assert info == load_checkpoint(run.latest).info
    assert info.format == 2
    assert info.action_space["start"] == 0
    assert (info.observation_space["low"], info.observation_space["high"]) == ("-inf", "inf")


def test_it_acts_as_its_weights_say(run: RunFolder) -> None:
    checkpoint = load_checkpoint(run.latest)
    raw = np.random.default_rng(0).normal(size=(50, checkpoint.info.observation_space["shape"][0])).astype(np.float32)
    with zipfile.ZipFile(run.latest) as archive:
        weights = torch.load(io.BytesIO(archive.read("policy.pth")), weights_only=True)
    layers = ["mlp_extractor.policy_net.0", "action_net"]
    activation = torch.tanh
    if "action_net.weight" not in weights:
        layers, activation = (
            sorted({name.rpartition(".")[0] for name in weights if name.startswith("q_net.")}),
            torch.relu,
        )
    hidden, statistics = torch.as_tensor(raw), checkpoint.state["normalize"]
    if statistics is not None:
        scaled = (raw - statistics["obs_mean"]) / np.sqrt(statistics["obs_var"] + 1e-8)
        hidden = torch.as_tensor(np.clip(scaled, -10, 10), dtype=torch.float32)
    for layer in layers[:-1]:
        hidden = activation(hidden @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"])
    scores = hidden @ weights[f"{layers[-1]}.weight"].T + weights[f"{layers[-1]}.bias"]
    assert np.array_equal(Actor.load(run.latest).act(raw, deterministic=True), scores.argmax(1).numpy())


def test_enjoy_earns_what_it_earned(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    expected = RETURNS[run.path.name]
    assert enjoy.main(["--log-dir", str(run.path), "--num-episodes", "6" if expected else "1", "--json"]) == 0
    returns = json.loads(capsys.readouterr().out)["returns"]
    assert returns == expected if expected else len(returns) == 1


def test_it_goes_on(run: RunFolder, small_train: Train) -> None:
    before = read_info(run.latest)
    shorten(run.latest, before.num_timesteps + 64)
    small_train("--resume", str(run.path), log_dir=run.path.parent)
    after = read_info(run.latest)
    assert after.num_timesteps >= before.num_timesteps + 64
    assert after.format == 2
    assert "outermost" not in after.observation_space


def test_it_is_retrained(run: RunFolder, small_train: Train, tmp_path: Path) -> None:
    flags = ["--load-rl-model-path", str(run.path), "--num-timesteps", "64"]
    retrained = small_train(*flags, log_dir=tmp_path / "retrained")
    assert read_info(retrained.latest).parent is not None


def format_1(shape: list[int], srl_model: str = "raw_pixels") -> dict[str, object]:
    box = {"type": "Box", "shape": shape, "dtype": "uint8", "low": 0.0, "high": 255.0}
    return {"format": 1, "srl_model": srl_model, "observation_space": box, "action_space": {"type": "Discrete", "n": 2}}


@pytest.mark.parametrize(
    ("shape", "image"), [([84, 84, 3], True), ([64, 64, 12], True), ([40, 64, 48], False), ([48, 48, 48], False)]
)
def test_images_are_those_that_were_transposed(shape: list[int], image: bool) -> None:
    """Stable-Baselines3 took images whose first side was the smallest for channels first, and left them so."""
    upgraded = upgrade(format_1(shape))
    assert upgraded["observation_space"].get("image", False) is image
    assert (upgraded["observation_space"]["low"], upgraded["observation_space"]["high"]) == (0, 255)


def test_states_are_no_images() -> None:
    assert "image" not in upgrade(format_1([5], "ground_truth"))["observation_space"]


def taken_for_channels_first(file: Path) -> None:
    """As the checkpoint was when Stable-Baselines3 guessed: format 1 knows no images."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    info = json.loads(entries["srl3/info.json"])
    box, action = info["observation_space"], info["action_space"]
    old = {name: box[name] for name in ("type", "shape", "dtype")} | {"low": 0.0, "high": 255.0}
    info |= {"format": 1, "observation_space": old, "action_space": {"type": "Discrete", "n": action["n"]}}
    del info["observation_groups"]
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**entries, "srl3/info.json": json.dumps(info).encode()}.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("how", ["--resume", "--load-rl-model-path"])
def test_images_that_were_taken_for_channels_first_are_said(small_train: Train, how: str, tmp_path: Path) -> None:
    """36x36 images of 12 frames have as many channels as rows, so the weights alone would fit."""
    world = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "raw_pixels", "--img-shape", "36x36", "--num-stack", "12")
    run = small_train(*world, "--env-kwargs", "max_steps:4", "--algo", "a2c", "--num-timesteps", "5")
    shorten(run.latest, 50)
    for file in (run.latest, run.best_model):
        if file.is_file():
            taken_for_channels_first(file)
    assert enjoy.main(["--log-dir", str(run.path), "--num-episodes", "1"]) == 0
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=r"took the first side of its images \(Box\(36x36x36, uint8.*train anew\.$"):
        small_train(how, str(run.path))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_window_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cv2.getBuildInformation", lambda: "  GUI:  NONE\n")
    with pytest.raises(UserError, match="shows pictures through OpenCV"):
        enjoy.main(["--log-dir", str(KEPT / "ppo2" / "latest.zip"), "--render"])
