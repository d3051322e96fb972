"""How well a trained robot walks: return, falls, and how it follows commands where its world gives them.

    python -m docs.gaits logs/VelocityFlatGymEnv-v0 --robots 200

One episode of each robot in MuJoCo's own engine, by the most probable actions of `best_model.zip` (``--oracle``: by the
world's scripted policy instead).
"""

from typing import Any

import numpy as np
import torch

from docs.trained import Policy, judge_arguments, opened
from srl3.errors import run_command


def walk(world: Any, policy: Policy) -> dict[str, str]:
    """Figures by name: means over robots, errors over their steps too.

    Args:
        world: at the beginning of its episodes.
        policy: whose.
    """
    robots = world.num_envs
    alive = np.ones(robots, dtype=bool)
    fell = np.zeros(robots, dtype=bool)
    returns = np.zeros(robots)
    errors: list[tuple[np.ndarray, np.ndarray]] = []
    starts = np.ones(robots, dtype=bool)
    while alive.any():
        step = world.step(torch.as_tensor(policy(world, starts)))
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
    return figures


def main(argv: list[str] | None = None) -> None:
    arguments = judge_arguments("python -m docs.gaits", __doc__, 200).parse_args(argv)
    world, policy = opened(arguments)
    for name, figure in walk(world, policy).items():
        print(f"{name}: {figure}")
    world.close()


if __name__ == "__main__":
    run_command(main)
