"""Does the stages: trainings as the runs of a grid, recordings beside them; goes on where it stopped."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rl_baselines.continual.stages import GO_ON, RECORD, Setup, Stage, cell_of
from rl_baselines.grid.cells import Cell
from rl_baselines.grid.executors import Executor
from rl_baselines.grid.record import FINISHED, GridRecord
from rl_baselines.grid.runner import Shown, plan, run_grid
from rl_baselines.runs.run_folder import find_checkpoint
from srl3.errors import UserError
from srl3.files import write_text
from srl3.runtime.signals import StopRequest

POLL_SECONDS = 0.5


class Stages:
    """Every stage of a continual training.

    Args:
        setup: what they share.
        stages: each after those that it needs.
        record: of the trainings, in the log folder.
        recording_flags: of ``dataset_generator``, for every teacher.
    """

    def __init__(
        self, setup: Setup, stages: Sequence[Stage], record: GridRecord, recording_flags: Sequence[str]
    ) -> None:
        self.setup = setup
        self.stages = stages
        self.record = record
        self._recording_flags = tuple(recording_flags)

    def run(self, executor: Executor, jobs: int, shown: Shown, *, show_progress: bool) -> int:
        """Do what is not done, ``jobs`` trainings at a time; returns the exit status."""
        done: set[Stage] = set()
        while len(done) < len(self.stages):
            ready = [stage for stage in self.stages if stage not in done and set(stage.needs) <= done]
            trainings = [stage for stage in ready if stage.kind != RECORD]
            if trainings:
                cells = list(dict.fromkeys(map(self.cell, trainings)))
                steps = plan(cells, self.record, _trained)
                if any(step.what != FINISHED for step in steps):
                    status = run_grid(steps, self.record, executor, jobs, shown, show_progress=show_progress)
                    if status:
                        return status
            for stage in ready:
                if stage.kind == RECORD:
                    status = self._record(stage)
                    if status:
                        return status
            done |= set(ready)
        return 0

    def checkpoint(self, stage: Stage) -> Path:
        """The policy of a training that has ended: what ``enjoy`` would take of its run."""
        folder = self.record.run_folder(self.cell(stage))
        if folder is None:
            raise UserError(f"the run of {self.cell(stage).name} is gone; the same command trains it again.")
        return find_checkpoint(str(folder))

    def cell(self, stage: Stage) -> Cell:
        """The training of a stage whose needs are done."""
        rate, before = None, []
        if stage.kind == GO_ON:
            before = [self.checkpoint(stage.needs[0])]
            rate = self.setup.new_lr or _initial_rate(before[0])
        data = [self.dataset(needed) for needed in stage.needs if needed.kind == RECORD]
        return cell_of(self.setup, stage, before, rate, data)

    def dataset(self, stage: Stage) -> Path:
        """Where the recording of a teacher lies."""
        (teacher,) = stage.needs
        return self.record.log_dir / "data" / f"task{stage.number}_{teacher.srl_model}_seed{stage.seed}"

    def _record(self, stage: Stage) -> int:
        """Record a teacher, if that has not been done; returns the exit status."""
        (teacher,) = stage.needs
        path, checkpoint = self.dataset(stage), self.checkpoint(teacher)
        note = path.with_name(f"{path.name}.recorded")
        command = [
            *(sys.executable, "-m", "environments.dataset_generator", "--env", self.setup.env_id),
            *("--run-policy", "custom", "--log-custom-policy", str(checkpoint), "--seed", str(stage.seed)),
            *("--save-path", str(path.parent), "--name", path.name, "-f", *self._recording_flags),
        ]
        made_by = " ".join(word for word in command[1:] if word != "--no-progress")
        if note.is_file() and note.read_text(encoding="utf-8") == made_by and path.is_dir():
            return 0
        path.parent.mkdir(parents=True, exist_ok=True)
        name = self.setup.tasks[stage.number].name
        print(f"recording the teacher of {name}, seed {stage.seed}", file=sys.stderr, flush=True)
        with StopRequest("ending the recording") as stop:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
            status = _wait(process, stop)
        if status == 0:
            write_text(note, made_by)
        return status


def _wait(process: "subprocess.Popen[bytes]", stop: StopRequest) -> int:
    told = False
    while True:
        try:
            status = process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if stop.requested and not told:
                told = True
                process.send_signal(signal.SIGINT)
            continue
        return stop.exit_status or (status if status >= 0 else 128 - status)


def _trained(path: Path) -> tuple[int, int]:
    from rl_baselines.checkpoints.archive import read_info

    info = read_info(path)
    return info.num_timesteps, info.total_timesteps


def _initial_rate(path: Path) -> float | None:
    """The learning rate that the training of a checkpoint began with; None of an algorithm without."""
    from rl_baselines.checkpoints.archive import read_info
    from rl_baselines.hyperparams.schedules import initial_learning_rate

    return initial_learning_rate(read_info(path).hyperparams)
