"""Several processes that train one model: what they exchange, and whole trainings by both starters."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_baselines import train
from rl_baselines.checkpoints.checkpoint import Checkpoint, load_checkpoint
from rl_baselines.training.ranks.shares import share_of
from srl3.errors import UserError
from srl3.runtime import ranks
from tests.end_to_end.conftest import environment
from tests.end_to_end.test_interrupts import Training

WORLD = "--env MobileRobotGymEnv-v0 --srl-model ground_truth --env-kwargs max_steps:20 --no-vis"
FLAGS = f"--algo batched_ppo {WORLD} --num-envs 8 --hyperparam n_steps:16 n_epochs:2"
STEPS = 16 * 8 * 40


def test_two_ranks_learn_as_one(tmp_path: Path) -> None:
    code = (
        "import sys; from srl3.runtime.launch import run_processes as run; "
        "sys.exit(run([sys.executable, '-m', 'tests.rl_baselines.batched_ppo.two_ranks'], 2))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "all processes need the same flags, and --seed is 0 in rank 0 and 1 in rank 1; start them alike.",
        "no",
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that torchrun started, which nothing interrupted."""
    folder = tmp_path_factory.mktemp("torchrun")
    starter = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*starter, "-m", "rl_baselines.train", *FLAGS.split(), "--num-timesteps", str(STEPS)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("8 environment(s) in 2 processes") == 1
    return folder


def test_ctrl_c_and_resume_end_where_an_uninterrupted_training_does(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = Training(tmp_path, f"{FLAGS} --num-timesteps {STEPS} --num-processes 2")
    try:
        training.wait_until_saved()
        training.send(signal.SIGINT)
        assert training.end() == 130, training.output
        run = training.run
    finally:
        training.kill()
    assert "stopped by Ctrl-C" in training.output
    stopped, saved = load_checkpoint(run.latest), run.latest.read_bytes()
    assert stopped.info.num_timesteps < STEPS
    assert stopped.info.n_envs == 8
    again = Training(tmp_path, f"--resume {run.path} --no-vis")
    try:
        assert again.end() == 0, again.output
    finally:
        again.kill()
    assert "in 2 processes" in again.output
    (other,) = whole.rglob("latest.zip")
    _assert_equal(load_checkpoint(run.latest), load_checkpoint(other))
    rows = [sorted(path.read_text().count("\n") for path in run.path.glob("*.monitor.csv"))]
    rows.append(sorted(path.read_text().count("\n") for path in other.parent.glob("*.monitor.csv")))
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2

    # another number of processes goes on too, and says what begins anew
    run.latest.write_bytes(saved)
    capsys.readouterr()
    assert train.main(["--resume", str(run.path), "--no-vis", "--num-processes", "1"]) == 0
    said = capsys.readouterr().out
    assert "the run had 2 process(es) and goes on in 1: networks, optimiser, learning rate" in said
    assert load_checkpoint(run.latest).info.num_timesteps == STEPS


def test_a_rank_that_dies_ends_the_training_and_leaves_its_checkpoint_whole(tmp_path: Path) -> None:
    training = Training(tmp_path, f"{FLAGS} --num-timesteps 10_000_000 --num-processes 2")
    try:
        training.wait_until_saved()
        second = next(pid for pid in _processes(training) if _variables(pid).get("RANK") == "1")
        os.kill(second, signal.SIGKILL)
        assert training.end() == 1, training.output
    finally:
        training.kill()
    assert "rank 1 of 2 was ended by SIGKILL" in training.output
    folder = training.run.path.relative_to(tmp_path)
    assert f"error: rank 1 of 2 ended before its time; go on with --resume {folder}" in training.output
    assert "Traceback" not in training.output
    assert load_checkpoint(training.run.latest).info.num_timesteps > 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            f"{WORLD} --num-processes 3 --num-envs 8",
            "8 environments do not divide among 3 processes; the nearest numbers that do: --num-envs 6 or 9.",
        ),
        (
            f"{WORLD} --num-processes 2 --num-envs 4 --hyperparam batch_size:7",
            "7 samples of a minibatch do not divide among 2 processes.*batch_size 6 or 8",
        ),
        (f"{WORLD} --num-processes 2 --algo ppo2", "ppo2 trains in one process; use batched_ppo"),
    ],
)
def test_what_does_not_divide_is_refused_before_anything_starts(flags: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        train.main(["--algo", "batched_ppo", *flags.split(), "--log-dir", str(tmp_path / "logs")])
    assert not (tmp_path / "logs").exists()


def test_a_share_is_of_environments_and_of_minibatches() -> None:
    assert share_of({"n_envs": 8, "batch_size": 64, "gamma": 0.9}, 2) == {"n_envs": 4, "batch_size": 32, "gamma": 0.9}
    assert share_of({"n_envs": 8, "batch_size": None}, 4) == {"n_envs": 2, "batch_size": None}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"RANK": "two", "WORLD_SIZE": "2"}, "RANK=two, WORLD_SIZE=2 give no rank below a number of processes"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "give no rank below a number of processes"),
    ],
)
def test_what_a_starter_says_must_make_sense(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=message):
        ranks.place()


def test_a_port_in_use_and_too_few_gpus_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    import torch

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
        monkeypatch.setenv("MASTER_PORT", str(taken.getsockname()[1]))
        with pytest.raises(UserError, match=rf"port {taken.getsockname()[1]} is in use"), _joined(gpus=False):
            pass
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    said = "NCCL needs a GPU for each of the 2 processes, and this machine has 1"
    with pytest.raises(UserError, match=said), _joined(gpus=True):
        pass


def _joined(*, gpus: bool) -> Any:
    return ranks.joined(ranks.Place(0, 2, 0, 2), gpus=gpus)


def _assert_equal(one: Checkpoint, other: Checkpoint) -> None:
    assert one.info.num_timesteps == other.info.num_timesteps
    for name, tensor in one.parameters["policy"].items():
        assert tensor.equal(other.parameters["policy"][name]), name
    parts = (lambda saved: [saved["model"], *saved["ranks"]])(one.state["training"])
    for mine, theirs in zip(parts, [other.state["training"]["model"], *other.state["training"]["ranks"]], strict=True):
        first, second = (part["algorithm"]["collector"]["observations"]["policy"] for part in (mine, theirs))
        np.testing.assert_array_equal(first, second)


def _processes(training: Training) -> list[int]:
    own = training.mark.encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and own in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _variables(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
