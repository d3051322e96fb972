"""Running a grid: what comes first, what follows a failure, what a signal does. Jobs are made up here."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rl_baselines.grid.cells import Cell, product
from rl_baselines.grid.child import Result, write_result
from rl_baselines.grid.executors import Ended, Job
from rl_baselines.grid.record import FAILED, FINISHED, INTERRUPTED, GridRecord
from rl_baselines.grid.runner import BEGIN, RESUME, Shown, Step, plan, run_grid

CELLS = product(["A-v0"], ["ground_truth"], ["ppo2"], range(4), [])
SHOWN = Shown(Path("logs"), ("--no-vis",))


class FakeExecutor:
    """Jobs that leave a run folder and end in the order of their start.

    Attributes:
        started: the jobs, in order.
        most: how many ran at once.
        signals: what they were sent; the second one ends them.
        stubborn: only SIGKILL ends them.
    """

    def __init__(self, log_dir: Path, status: Callable[[Cell], int], on_wait: Callable[[int], None]) -> None:
        self.started: list[Job] = []
        self.signals: list[int] = []
        self.stubborn = False
        self.most = 0
        self._running: list[Job] = []
        self._log_dir, self._status, self._on_wait = log_dir, status, on_wait
        self._waits = 0

    def start(self, job: Job) -> None:
        self.started.append(job)
        self._running.append(job)
        self.most = max(self.most, len(self._running))
        if "--resume" not in job.arguments:
            folder = self._log_dir / "A-v0/ground_truth/ppo2" / f"{job.cell.seed}_{len(self.started)}"
            folder.mkdir(parents=True)
            (folder / "latest.zip").touch()
            job.log.parent.mkdir(exist_ok=True)
            write_result(job.result, Result(str(folder)))
            with job.log.open("a") as file:
                file.write(f"run folder: {folder}\nthe last words\n")

    def wait(self, seconds: float) -> list[Ended]:
        self._waits += 1
        self._on_wait(self._waits)
        if signal.SIGKILL in self.signals:
            ended, self._running = self._running, []
            return [Ended(job, -9) for job in ended]
        if len(self.signals) == 1 or (self.signals and self.stubborn):
            return []
        return [Ended(job, 130 if self.signals else self._status(job.cell)) for job in [self._running.pop(0)]]

    def interrupt(self, number: int) -> None:
        self.signals.append(number)


@pytest.fixture
def run(tmp_path):
    """``run(…)`` runs `CELLS` once; gives the exit status and the executor."""

    def go(status=lambda cell: 0, jobs=1, on_wait=lambda count: None, trained=lambda path: (5, 10), stubborn=False):
        record = GridRecord(tmp_path)
        record.logs.mkdir(exist_ok=True)
        executor = FakeExecutor(tmp_path, status, on_wait)
        executor.stubborn = stubborn
        steps = plan(CELLS, record, trained)
        return run_grid(steps, record, executor, jobs, SHOWN, show_progress=False), executor

    return go


def statuses(folder: Path) -> list[str]:
    entries = [GridRecord(folder).entry(cell) for cell in CELLS]
    return [entry.status if entry else "-" for entry in entries]


def test_jobs_at_a_time(run, tmp_path):
    status, executor = run(jobs=3)
    assert (status, executor.most, len(executor.started)) == (0, 3, 4)
    assert executor.started[0].arguments == (
        *("--algo", "ppo2", "--env", "A-v0", "--srl-model", "ground_truth", "--seed", "0"),
        *("--log-dir", "logs", "--no-vis"),
    )
    assert statuses(tmp_path) == [FINISHED] * 4


def test_a_failure_is_told_and_the_rest_goes_on(run, tmp_path, capsys):
    status, executor = run(lambda cell: 1 if cell.seed == 1 else 0)
    shown = capsys.readouterr()
    assert (status, len(executor.started)) == (1, 4)
    assert statuses(tmp_path) == [FINISHED, FAILED, FINISHED, FINISHED]
    assert "[2/4] failed: ppo2 on A-v0 from ground_truth, seed 1" in shown.err
    assert "exit status 1; the end of its output:\n    run folder: " in shown.err
    assert "    the last words\n[3/4] finished" in shown.err
    assert "3 of 4 runs finished" in shown.out
    assert "failed: ppo2 on A-v0 from ground_truth, seed 1; its output: " in shown.out


def test_the_same_command_goes_on(run, tmp_path):
    run(lambda cell: 1 if cell.seed == 1 else 0)
    status, executor = run()
    (job,) = executor.started
    assert (status, job.cell.seed) == (0, 1)
    assert job.arguments == ("--resume", str(tmp_path / "A-v0/ground_truth/ppo2/1_2"), "--no-vis")
    assert run()[1].started == []


def test_a_run_that_saved_nothing_begins_again(run, tmp_path):
    run(lambda cell: 1 if cell.seed == 1 else 0)
    folder = tmp_path / "A-v0/ground_truth/ppo2/1_2"
    (folder / "latest.zip").unlink()
    _, executor = run()
    assert "--resume" not in executor.started[0].arguments
    assert not folder.exists(), "it would count as a run"


def test_what_is_planned(run, tmp_path):
    run(lambda cell: 1 if cell.seed in (1, 2) else 0)
    record = GridRecord(tmp_path)
    at = tmp_path / "A-v0/ground_truth/ppo2"
    trained = {at / "1_2/latest.zip": (10, 10), at / "2_3/latest.zip": (9, 10)}
    another = Cell("A-v0", "ground_truth", "ppo2", 9, ())
    assert plan([*CELLS, another], record, trained.__getitem__) == [
        Step(CELLS[0], FINISHED, at / "0_1"),
        Step(CELLS[1], FINISHED, at / "1_2"),
        Step(CELLS[2], RESUME, at / "2_3"),
        Step(CELLS[3], FINISHED, at / "3_4"),
        Step(another, BEGIN),
    ]


def test_ctrl_c_stops_what_runs_and_begins_nothing(run, tmp_path, capsys):
    def press(count: int) -> None:
        if count in (1, 2):
            os.kill(os.getpid(), signal.SIGINT)

    status, executor = run(jobs=2, on_wait=press)
    assert status == 130
    assert executor.signals == [signal.SIGINT] * 2
    assert len(executor.started) == 2
    assert statuses(tmp_path) == [FINISHED, INTERRUPTED, "-", "-"]
    shown = capsys.readouterr()
    assert "stopping 1 run(s), which save first" in shown.err
    assert "the same command goes on with the others" in shown.out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_third_time_they_are_killed(run, tmp_path):
    def press(count: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    status, executor = run(jobs=2, on_wait=press, stubborn=True)
    assert status == 143
    assert executor.signals == [signal.SIGINT, signal.SIGINT, signal.SIGKILL]
    assert statuses(tmp_path) == [FINISHED, INTERRUPTED, "-", "-"]
