"""Environments in worker processes: the trajectories of a plain loop, no deadlock, deaths that say who died."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv

from rl_baselines.vec_envs.worker_process import EnvSpec, WorkerError
from rl_baselines.vec_envs.workers import WorkerVecEnv, available_cores
from srl3.errors import UserError
from srl3.formats.damage import DamagedFile
from srl3.os_errors import in_words
from tests.rl_baselines.toy_workers import toys

ROOT = Path(__file__).parents[2]
MakeWorkers = Callable[..., WorkerVecEnv]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def workers() -> Iterator[MakeWorkers]:
    """``workers(specs, num_workers)``; all are closed, and all processes have ended, after the test."""
    made: list[WorkerVecEnv] = []

    def make(specs: list[EnvSpec], num_workers: int | None = 2) -> WorkerVecEnv:
        made.append(WorkerVecEnv(specs, num_workers))
        return made[-1]

    yield make
    for venv in made:
        processes = list(venv.processes)
        venv.close()
        assert not any(process.is_alive() for process in processes)


def kuka(count: int, folder: Path | None = None, **env_kwargs: Any) -> list[EnvSpec]:
    env_kwargs = {"srl_model": "ground_truth", **env_kwargs}
    return [
        EnvSpec("KukaButtonGymEnv-v0", env_kwargs, folder / f"{rank}.monitor.csv" if folder else None, False, None)
        for rank in range(count)
    ]


def same_infos(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    np.testing.assert_array_equal(ours["terminal_observation"], theirs["terminal_observation"])
    for key in ("TimeLimit.truncated", "is_success", "reward_terms"):
        assert ours[key] == theirs[key]
    for key in ("r", "l"):
        assert ours["episode"][key] == theirs["episode"][key]


@pytest.mark.parametrize(
    ("num_workers", "env_kwargs"),
    [(2, {}), (5, {"random_target": True}), (3, {"is_discrete": False, "srl_model": "joints_position"})],
)
def test_trajectories_are_those_of_a_plain_loop(workers, tmp_path, num_workers, env_kwargs):
    specs = kuka(5, tmp_path, max_steps=7, **env_kwargs)
    ours, plain = workers(specs, num_workers), DummyVecEnv([spec.make for spec in kuka(5, max_steps=7, **env_kwargs)])
    assert (ours.observation_space, ours.action_space) == (plain.observation_space, plain.action_space)
    ours.seed(3)
    plain.seed(3)
    np.testing.assert_array_equal(ours.reset(), plain.reset())
    ours.action_space.seed(0)
    for _ in range(16):
        actions = np.array([ours.action_space.sample() for _ in range(5)])
        for mine, theirs in zip(ours.step(actions)[:3], plain.step(actions)[:3], strict=True):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
    ours_infos, plain_infos = ours.step(actions)[3], plain.step(actions)[3]
    assert ours_infos == [{}] * 5
    assert all(info["reward_terms"] for info in plain_infos)
    for _ in range(4):
        (*_, dones, ours_infos), (*_, plain_infos) = ours.step(actions), plain.step(actions)
    assert dones.all()
    for mine, theirs in zip(ours_infos, plain_infos, strict=True):
        same_infos(mine, theirs)
    plain.close()
    ours.close()
    episodes = [row for file in tmp_path.glob("*.monitor.csv") for row in file.read_text().splitlines()[2:]]
    assert len(episodes) == 15


def test_several_environments_share_a_process_and_this_one_is_the_first(workers):
    venv = workers(toys(5), 2)
    assert [os.getpid()] * 3 + [venv.processes[0].pid] * 2 == venv.env_method("process")
    assert len(workers(toys(2), 7).processes) == 1
    assert len(workers(toys(2), None).processes) == min(2, available_cores()) - 1
    assert workers(toys(3), 1).processes == workers(toys(1)).processes == []


def test_as_many_processes_as_the_environment_says(workers, monkeypatch):
    monkeypatch.setenv("PYTHON_CPU_COUNT", "3")
    assert len(workers(toys(4), None).processes) == 2
    for none in ("default", "0", "-1", ""):
        monkeypatch.setenv("PYTHON_CPU_COUNT", none)
        assert available_cores() == len(os.sched_getaffinity(0))


def test_seeds_and_options_arrive_once(workers):
    venv = workers(toys(3))
    venv.seed(10)
    venv.set_options({"wind": 1})
    venv.reset()
    assert [info["seed"] for info in venv.reset_infos] == [10, 11, 12]
    assert [info["options"] for info in venv.reset_infos] == [{"wind": 1}] * 3
    venv.reset()
    assert [info["seed"] for info in venv.reset_infos] == [None] * 3


def test_attributes_and_methods(workers):
    venv = workers(toys(5))
    venv.reset()
    assert venv.env_method("echo", "ab", times=2, indices=[4, 0]) == ["abab", "abab"]
    venv.set_attr("label", "last", indices=4)
    assert venv.get_attr("label") == ["none"] * 4 + ["last"]
    assert venv.get_attr("label", [4, 1]) == ["last", "none"]
    assert venv.has_attr("label")
    assert not venv.has_attr("action_masks")
    with pytest.raises(AttributeError, match=r"environment 2 of .*nothing_such"):
        venv.env_method("nothing_such", indices=[2])
    assert venv.step(np.zeros(5, int))[0].max() == 1, "and the worker goes on"


@pytest.mark.parametrize(
    ("continuous", "actions", "error"),
    [
        (False, np.zeros(2, int), "shape"),
        (False, np.zeros(3), "Cannot cast"),
        (False, np.full(3, np.nan), "Cannot cast"),
        (True, np.zeros((3, 1), np.float32), "shape"),
    ],
)
def test_actions_of_the_wrong_kind_are_refused(workers, continuous, actions, error):
    venv = workers(toys(3, continuous=continuous))
    venv.reset()
    with pytest.raises((ValueError, TypeError), match=error):
        venv.step(actions)
    good = np.zeros((3, 2)) if continuous else np.zeros(3, np.int32)
    assert venv.step(good)[0].max() == 1


def test_nan_never_reaches_the_physics(workers):
    venv = workers(kuka(2, is_discrete=False))
    venv.seed(4)
    venv.reset()
    actions = np.zeros((2, 3), np.float32)
    actions[1, 2] = np.nan
    with pytest.raises(
        WorkerError, match=r"(?s)environment 1 of KukaButtonGymEnv-v0 \(seed 5\).*\[-1, 1\].*nan"
    ) as raised:
        venv.step(actions)
    assert "Traceback" in str(raised.value)


@pytest.mark.parametrize("rank", [1, 2], ids=["here", "in a worker"])
@pytest.mark.parametrize("error", ["RuntimeError", "EOFError"])
@pytest.mark.parametrize("fail_in", ["step", "reset"])
def test_an_environment_that_raises_is_named_with_seed_and_traceback(workers, fail_in, error, rank):
    specs = toys(4)
    specs[rank] = toys(1, length=6, fail_in=fail_in, fail_at=5 + (fail_in == "reset"), error=error)[0]
    venv = workers(specs)
    venv.seed(100)
    venv.reset()
    for _ in range(5):
        venv.step(np.zeros(4, int))
    with pytest.raises(WorkerError) as raised:
        venv.step(np.zeros(4, int))
    text = str(raised.value)
    assert text.startswith(
        f"environment {rank} of MobileRobotGymEnv-v0 (seed {100 + rank}) raised an error:\nTraceback"
    )
    assert f"in {fail_in}" in text
    assert text.endswith(f"{error}: the gear broke\n")
    for call in (venv.reset, lambda: venv.step(np.zeros(4, int)), lambda: venv.get_attr("label")):
        with pytest.raises(WorkerError, match="gear broke"):
            call()


@pytest.mark.parametrize("rank", [0, 2], ids=["here", "in a worker"])
def test_a_mistake_of_the_user_s_stays_one(workers, rank):
    specs = toys(3)
    specs[rank] = toys(1, fail_in="step", error="UserError")[0]
    venv = workers(specs)
    venv.reset()
    for _ in range(2):
        with pytest.raises(UserError, match=r"^the gear is missing; fetch one\.$"):
            venv.step(np.zeros(3, int))


def test_an_environment_that_can_not_be_made_is_named(workers):
    with pytest.raises(WorkerError, match=r"(?s)environment 2 of .*\(seed not set\).*gear broke"):
        workers(toys(3, fail_in="make", trainer=os.getpid()))


def test_an_environment_that_can_not_be_made_here_raises_its_own_error(workers):
    with pytest.raises(RuntimeError, match=r"^the gear broke$"):
        workers(toys(3, fail_in="make"))


@pytest.mark.parametrize("rank", [0, 2], ids=["here", "in a worker"])
def test_a_full_disk_is_an_oserror(workers, rank):
    specs = toys(3)
    specs[rank] = toys(1, fail_in="step", fail_at=2, error="full")[0]
    venv = workers(specs)
    venv.reset()
    for _ in range(2):
        venv.step(np.zeros(3, int))
    with pytest.raises(OSError, match="No space left") as raised:
        venv.step(np.zeros(3, int))
    assert raised.value.filename == "somewhere.csv"
    with pytest.raises(OSError, match="No space left"):
        venv.reset()


@pytest.mark.parametrize("rank", [0, 2], ids=["here", "in a worker"])
@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        ("damaged", DamagedFile, "gear.npz is damaged (it is cut short); fetch it again."),
        ("locked", PermissionError, "gear.npz may not be read or written; check its permissions, or choose another"),
        ("crowded", OSError, "too many files are open at once; raise the limit (ulimit -n)"),
    ],
)
def test_what_the_file_system_refuses_stays_one_sentence(workers, error, kind, sentence, rank):
    specs = toys(3)
    specs[rank] = toys(1, fail_in="step", error=error)[0]
    venv = workers(specs)
    venv.reset()
    with pytest.raises(kind) as raised:
        venv.step(np.zeros(3, int))
    said = in_words(raised.value) if isinstance(raised.value, OSError) else str(raised.value)
    assert said is not None
    assert said.startswith(sentence)


@pytest.mark.parametrize("idle", [True, False])
def test_a_worker_that_dies_is_named(workers, idle):
    venv = workers(toys(5, slow=0.0 if idle else 0.2), 2)
    venv.seed(7)
    venv.reset()
    victim = venv.processes[0]
    if not idle:
        venv.step_async(np.zeros(5, int))
    os.kill(victim.pid, signal.SIGKILL)
    if idle:
        victim.join()
    with pytest.raises(WorkerError, match=r"environments 3, 4 of .* \(seeds 10, 11\) was ended by SIGKILL$"):
        venv.step(np.zeros(5, int)) if idle else venv.step_wait()


@pytest.mark.parametrize("side", [224, 500])
def test_large_messages_never_deadlock(workers, side):
    """Twelve terminal observations at once, of up to 0.75 MB, where a pipe holds 0.2 MB."""
    venv = workers(toys(12, side=side, length=2), 3)
    venv.reset()
    for step in range(1, 13):
        observations, _, dones, infos = venv.step(np.zeros(12, int))
        assert dones.all() == (step % 2 == 0)
        assert (observations == step % 2).all()
        if step % 2 == 0:
            assert all((info["terminal_observation"] == 2).all() for info in infos)
    large = bytes(5_000_000)
    assert venv.env_method("echo", large) == [large] * 12


def test_frames_of_every_step_arrive(workers):
    venv = workers(kuka(3, record_data=True, img_shape=(224, 224), max_steps=3))
    venv.reset()
    assert all(info["frame"].shape == (224, 224, 3) for info in venv.reset_infos)
    kept = []
    for step in range(1, 4):
        *_, dones, infos = venv.step(np.zeros(3, int))
        kept.append([info["frame"] for info in infos])
        assert dones.all() == (step == 3)
    frames = np.array(kept)
    assert frames[0].any(axis=(1, 2, 3)).all()
    assert (frames[0] != frames[2]).any(axis=(1, 2, 3)).all(), "a frame that was given out stays as it is"


@pytest.mark.parametrize("side", [1, 500])
def test_closing_in_the_middle_of_a_step(workers, side):
    """Workers that are stepping, or that wait for their large messages to be read, end at once."""
    venv = workers(toys(4, side=side, length=1))
    venv.reset()
    venv.step_async(np.zeros(4, int))
    processes = list(venv.processes)
    time.sleep(0.2)  # most have filled their pipe by then; those that have not must end too
    venv.close()
    assert {process.exitcode for process in processes} == {0}, "none had to be killed"
    with pytest.raises(WorkerError, match="closed"):
        venv.reset()


def test_nothing_is_left_open(workers):
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    workers(toys(2)).close()
    before = descriptors()
    for _ in range(3):
        workers(toys(4)).close()
    assert descriptors() <= before


def test_workers_outlive_the_trainer_by_seconds_only():
    code = (
        "import time\n"
        "from rl_baselines.vec_envs.workers import WorkerVecEnv\n"
        "from tests.rl_baselines.toy_workers import toys\n"
        "if __name__ == '__main__':\n"
        "    venv = WorkerVecEnv(toys(3), 3)\n"
        "    venv.reset()\n"
        "    print(*[process.pid for process in venv.processes], flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as trainer:
        assert trainer.stdout is not None
        pids = [int(pid) for pid in trainer.stdout.readline().split()]
        assert len(pids) == 2
        trainer.kill()
    deadline = time.monotonic() + 100
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.1)
