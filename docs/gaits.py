"""How well a trained robot walks: return, falls, and how it follows commands where its world gives them.

    python -m docs.gaits logs/VelocityFlatGymEnv-v0 --robots 200

One episode of each robot in MuJoCo's own engine, by the most probable actions of `best_model.zip`.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from environments.registry import find_env
from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.runs.find import find_checkpoint


def walk(checkpoint_path: Path, robots: int, seed: int) -> dict[str, Any]:
    """Figures by name: means over robots, errors over their steps too."""
    info = load_checkpoint(checkpoint_path).info
    face: Any = find_env(info.env_id).load_class()
    config = face.config_class.from_kwargs({**info.env_kwargs, "sim.impl": "batch"})
    world = face.world_class(config, robots)
    world.seed([seed + robot for robot in range(robots)])
    world.reset()
    actor = Actor.load(checkpoint_path)
    alive = np.ones(robots, dtype=bool)
    fell = np.zeros(robots, dtype=bool)
    returns = np.zeros(robots)
    errors: list[tuple[np.ndarray, np.ndarray]] = []
    starts = np.ones(robots, dtype=bool)
    while alive.any():
        step = world.step(actor.act(world.observe().numpy(), starts, deterministic=True))
        starts = np.zeros(robots, dtype=bool)
        returns[alive] += step.reward.numpy()[alive]
        if hasattr(world, "command"):
            away = (world.command[:, :2] - world.base_lin_vel[:, :2]).norm(dim=1)
            turn = (world.command[:, 2] - world.base_ang_vel[:, 2]).abs()
            errors.append((away.numpy()[alive], turn.numpy()[alive]))
        terminated, truncated = step.terminated.numpy(), step.truncated.numpy()
        fell |= alive & terminated
        alive &= ~(terminated | truncated)
    figures = {
        "return": f"{returns.mean():.2f} ± {returns.std():.2f}",
        "episodes with a fall": f"{100 * fell.mean():.1f} %",
    }
    if errors:
        away, turn = (np.concatenate(part) for part in zip(*errors, strict=True))
        figures["mean error of velocity"] = f"{away.mean():.3f} m/s"
        figures["mean error of turning"] = f"{turn.mean():.3f} rad/s"
    world.close()
    return figures


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m docs.gaits", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run folder, or a folder with runs")
    parser.add_argument("--robots", type=int, default=200, help="episodes, all at once (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the first robot (default: 0)")
    arguments = parser.parse_args(argv)
    for name, figure in walk(find_checkpoint(arguments.run), arguments.robots, arguments.seed).items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
