"""``python -m rl_baselines.pipeline``: real runs, here and on Ray, stopped and gone on with."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from rl_baselines import pipeline, train
from rl_baselines.runs.monitors import read_run
from rl_baselines.runs.run_folder import find_runs
from srl3.errors import UserError
from tests.end_to_end.conftest import environment

MOBILE = "--env MobileRobotGymEnv-v0 --srl-model ground_truth"
SMALL = "--num-cpu 1 --hyperparam n_steps:50 --env-kwargs max_steps:20"


def statuses(folder: Path) -> list[str]:
    return [run["status"] for run in json.loads((folder / "pipeline.json").read_text())["runs"].values()]


@pytest.fixture
def grid(tmp_path, monkeypatch, capsys):
    """``grid(line)`` runs the pipeline in this process and in an empty folder; gives exit status, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])

    def run(line: str) -> tuple[int, str, str]:
        status = pipeline.main(line.split())
        return status, *capsys.readouterr()

    return run


def test_a_grid_of_real_runs_of_which_one_fails(grid, tmp_path):
    broken = tmp_path / "logs" / "MobileRobotGymEnv-v0" / "ground_truth" / "a2c"
    line = f"--algo a2c ppo2 {MOBILE} {SMALL} --num-timesteps 200 --seed 7 --jobs 2"
    _, listed, _ = grid(f"{line} --dry-run")
    assert list(tmp_path.iterdir()) == []
    assert "2 runs: 2 run" in listed

    broken.parent.mkdir(parents=True)
    broken.write_text("a file where train wants to make a folder")
    status, out, err = grid(line)
    assert status == 1
    assert re.search(r"^\[\d/2\] failed: a2c on MobileRobotGymEnv-v0 from ground_truth, seed 7", err, re.MULTILINE)
    assert "a folder is wanted; choose another place" in err, "the end of its output"
    assert re.search(r"^\[\d/2\] finished: ppo2 .* seed 7, \d+:\d\d$", err, re.MULTILINE)
    assert "1 of 2 runs finished in logs\nfailed: a2c on" in out

    broken.unlink()
    status, out, err = grid(line)
    assert (status, err.count("finished: "), err.count("ppo2")) == (0, 1, 0)
    assert grid(line) == (0, "2 of 2 runs finished in logs\n", "")
    runs = find_runs(tmp_path)
    assert [run.path.parent.name for run in runs] == ["ppo2", "a2c"]

    by_hand = next(call for call in listed.splitlines() if "ppo2" in call).removeprefix("run: ")
    assert train.main([*shlex.split(by_hand)[3:], "--log-dir", "by_hand"]) == 0
    (alone,) = find_runs(tmp_path / "by_hand")
    assert np.array_equal(read_run(alone.path).returns, read_run(runs[0].path).returns), "as train alone"


def test_ctrl_c_saves_and_the_same_command_resumes(grid, tmp_path):
    line = f"--env KukaButtonGymEnv-v0 --srl-model ground_truth {SMALL} --num-timesteps 3000"
    call = [sys.executable, "-m", "rl_baselines.pipeline", *line.split()]
    with subprocess.Popen(call, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 200
        while not list(tmp_path.glob("logs/*/*/*/*/latest.zip")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(200) == 130
        assert process.stderr is not None
        assert "stopping 1 run(s), which save first" in process.stderr.read()
    assert statuses(tmp_path / "logs") == ["interrupted"]
    assert at_work_in(tmp_path) == []
    (run,) = find_runs(tmp_path)
    before = read_run(run.path).count
    assert grid(line)[0] == 0
    assert [run.path for run in find_runs(tmp_path)] == [run.path], "no new run"
    episodes = read_run(run.path)
    assert episodes.count > before
    assert 3000 - 20 < episodes.timesteps[-1] <= 3050
    assert "resuming ppo2" in run.log.read_text()


def at_work_in(folder: Path) -> list[str]:
    """Processes, besides this one, that were started in a folder."""
    others = [path for path in Path("/proc").glob("[0-9]*/cwd") if path.parent.name != str(os.getpid())]
    return [path.parent.name for path in others if _is(path, folder)]


def _is(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder)
    except OSError:
        return False  # it has just ended


@pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray, the extra [ray]")
def test_the_same_grid_on_ray(grid, tmp_path):
    line = f"--algo ppo2 {MOBILE} {SMALL} --num-timesteps 200"
    try:
        status, out, _ = grid(f"{line} --executor ray")
    except UserError as error:
        if "timed out" in str(error):
            pytest.skip(f"this machine is too busy: {error}")
        raise
    assert status == 0
    assert "1 of 1 runs finished in logs" in out
    (run,) = find_runs(tmp_path)
    assert run.latest.is_file()
    assert statuses(tmp_path / "logs") == ["finished"]
    assert at_work_in(tmp_path) == []
    assert grid(line) == (0, "1 of 1 runs finished in logs\n", ""), "the same grid here"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f"{MOBILE} --num-timestep 5", "unknown flag '--num-timestep'; did you mean --num-timesteps"),
        (f"{MOBILE} --algo ppo3", "unknown algorithm 'ppo3'; did you mean"),
        (
            f"{MOBILE} --algo dqn ppo2 -c",
            "dqn on MobileRobotGymEnv-v0 from ground_truth: dqn takes no continuous actions",
        ),
        (
            "--srl-model ground_truth joints --env MobileRobotGymEnv-v0",
            "from joints: MobileRobotGymEnv-v0 does not observe",
        ),
        (f"{MOBILE} -sc", "-sc is a task of OmnirobotEnv-v0"),
        (f"{MOBILE} --hyperparam n_steps:many", "n_steps must be a whole number"),
        (f"{MOBILE} --resume logs", "--resume is not for a grid"),
        (f"{MOBILE} --suffix x", "--suffix is not for a grid"),
        (f"{MOBILE} --seed -1", "a grid counts its seeds up"),
        (f"{MOBILE} --seed 4294967295 --num-iteration 2", "a grid counts its seeds up"),
        (f"{MOBILE} --num-iteration 0", "'0' is not at least 1"),
        (f"{MOBILE} --ray-address here", "--ray-address is for --executor ray"),
        (f"{MOBILE} --executor ray --ray-address nowhere:1", "can't join the Ray cluster at nowhere:1"),
        (f"{MOBILE} --log-dir {{file}}", "is a file, not a folder"),
    ],
)
def test_mistakes_are_one_sentence_and_nothing_is_written(tmp_path, monkeypatch, line, sentence):
    if "--executor ray" in line:
        pytest.importorskip("ray", reason="needs Ray, the extra [ray]")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=re.escape(sentence)) as raised:
        pipeline.main(line.format(file=tmp_path / "file").split())
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.rglob("*.json"))
    assert not find_runs(tmp_path)


def test_what_is_not_possible_can_be_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = (
        "--srl-model ground_truth joints --env MobileRobotGymEnv-v0 KukaButtonGymEnv-v0 --dry-run --skip-incompatible"
    )
    assert pipeline.main(line.split()) == 0
    out = capsys.readouterr().out
    assert "left out: ppo2 on MobileRobotGymEnv-v0 from joints: MobileRobotGymEnv-v0 does not observe 'joints'" in out
    assert "3 runs: 3 run" in out
    assert list(tmp_path.iterdir()) == []


def test_without_ray(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=re.escape("needs Ray; install the extra: pip install 'srl3[ray]'")):
        pipeline.main(f"{MOBILE} --executor ray".split())


def test_threads_are_shared_out(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("PYTHON_CPU_COUNT", raising=False)
    assert pipeline._threads(3) == {"OMP_NUM_THREADS": "3", "PYTHON_CPU_COUNT": "3"}
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert pipeline._threads(3) == {"PYTHON_CPU_COUNT": "3"}, "what the user has set stays"
