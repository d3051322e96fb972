"""A policy that is trained to be recorded: ppo2 on the ground truth of a world."""

import dataclasses
from pathlib import Path

from environments.config import GROUND_TRUTH
from environments.datasets.recording.policies import TeacherRequest
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from rl_baselines.training.run import run_training


@dataclasses.dataclass(frozen=True)
class TaughtRun:
    """What became of the training."""

    path: Path | None
    status: int


def train_ppo2(request: TeacherRequest) -> TaughtRun:
    """Train as asked, in a run folder below ``logs``.

    Raises:
        UserError: for what `rl_baselines.train` refuses.
    """
    plan = resolve(
        TrainingRequest(
            algo="ppo2",
            env=request.env_id,
            env_kwargs=request.env_kwargs,
            srl_model=GROUND_TRUTH,
            seed=request.seed,
            num_timesteps=request.num_timesteps,
            suffix=request.suffix,
            no_vis=True,
            no_progress=not request.show_progress,
            command="python -m environments.dataset_generator --run-policy ppo2",
        )
    )
    result = run_training(plan)
    return TaughtRun(None if result.run is None else result.run.path, result.status)
