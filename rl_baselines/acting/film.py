"""``python -m rl_baselines.acting.film``: films a checkpoint; what a training starts as a process of its own."""

import argparse
import os
from pathlib import Path

from environments.config import PIXELS
from environments.registry import find_env
from srl3.errors import run_command

FILM_SHAPE = (480, 480)
"""height and width of films of policies that do not observe pixels"""
POLITENESS = 10
"""by which the process stands back behind the training"""


def film_policy(checkpoint: Path, target: Path, length: int, seed: int) -> None:
    """Write an MP4 (H.264) of so many steps of a checkpoint's policy, as its training judges it.

    Args:
        checkpoint: the file.
        target: ends in ``.mp4``.
        length: steps.
        seed: of the world and of drawn actions.

    Raises:
        UserError: when the checkpoint can't be loaded, or its world draws nothing here.
    """
    import numpy as np

    from rl_baselines.acting.actor import Actor
    from rl_baselines.acting.video import VideoRecorder
    from rl_baselines.acting.worlds import make_worlds
    from rl_baselines.checkpoints.archive import load_checkpoint

    loaded = load_checkpoint(checkpoint)
    info = loaded.info
    actor = Actor.from_checkpoint(loaded, seed=seed)
    entry = find_env(info.env_id)
    kwargs = info.env_kwargs_here
    if kwargs.get("srl_model") != PIXELS and entry.load_config().has("img_shape"):
        kwargs["img_shape"] = FILM_SHAPE
    venv = make_worlds(info, actor.encoder, kwargs, seed=seed, render_mode="rgb_array")
    try:
        with VideoRecorder(target, fps=int(entry.load_class().metadata["render_fps"])) as recorder:
            observations, starts = venv.reset(), np.ones(1, np.bool_)
            for _ in range(length):
                recorder.record(venv)
                actions = actor.act(observations, starts)  # type: ignore[arg-type]
                observations, _, starts, _ = venv.step(actions)
    finally:
        venv.close()


def main(argv: list[str] | None = None) -> int:
    """Film; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m rl_baselines.acting.film", description="Film a checkpoint.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    os.nice(POLITENESS)
    from srl3.runtime.threads import torch_threads

    with torch_threads(images=False):
        film_policy(arguments.checkpoint, arguments.target, arguments.length, arguments.seed)
    return 0


if __name__ == "__main__":
    run_command(main)
