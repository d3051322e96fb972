"""A policy that is trained to be recorded: ppo2 on the ground truth of a world."""

import dataclasses
import json
from pathlib import Path

from environments.config import GROUND_TRUTH
from environments.datasets.recording.policies import TeacherRequest
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR
from srl3.entry_points import load_entry

TRAIN = "rl_baselines.train:main"
"""the command, which is above this room"""


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
    flags = {
        "--env": request.env_id,
        "--srl-model": GROUND_TRUTH,
        "--seed": request.seed,
        "--suffix": request.suffix,
        "--num-timesteps": request.num_timesteps,
    }
    argv = ["--algo", "ppo2", "--no-vis", *(str(part) for pair in flags.items() for part in pair)]
    if not request.show_progress:
        argv.append("--no-progress")
    pairs = [f"{name}:{json.dumps(value)}" for name, value in request.env_kwargs.items()]
    status = load_entry(TRAIN)([*argv, *(["--env-kwargs", *pairs] if pairs else [])]) or 0
    if status:
        return TaughtRun(None, status)
    runs = (DEFAULT_LOG_DIR / request.env_id / GROUND_TRUTH / "ppo2").glob(f"*-{request.suffix}")
    return TaughtRun(max(runs, key=lambda run: run.stat().st_mtime), status)
