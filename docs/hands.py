"""What a trained hand does: return, success, drops, speed or goals, and each term of the reward beside the oracle's.

    python -m docs.hands logs/ParaHandRotateZGymEnv-v0 --robots 100
    python -m docs.hands $run/latest.zip --env-kwargs success_angle:0.1

One episode of each hand in MuJoCo's own engine, by the most probable actions of `best_model.zip` (``--oracle``: by the
world's scripted policy instead). Terms are mean sums over an episode, weights included.
"""

from typing import Any

import numpy as np
import torch

from docs.trained import Policy, judge_arguments, opened
from srl3.errors import run_command


def handle(world: Any, policy: Policy) -> dict[str, str]:
    """Figures by name, means over the hands of the world.

    Args:
        world: at the beginning of its episodes.
        policy: whose.
    """
    robots = world.num_envs
    alive = torch.ones(robots, dtype=torch.bool)
    terms = torch.zeros(len(world.term_names()), robots)
    steps, succeeded, speed, goals = (torch.zeros(robots) for _ in range(4))
    reasons: dict[str, int] = {}
    starts = np.ones(robots, dtype=bool)
    while alive.any():
        step = world.step(torch.as_tensor(policy(world, starts)))
        starts = np.zeros(robots, dtype=bool)
        terms += step.terms * alive
        steps += alive
        succeeded[alive] = step.success[alive].float()
        if hasattr(world, "turned_by"):
            speed[alive] = (world.turned_by / world.seconds)[alive]
        if hasattr(world, "goals"):
            goals[alive] = world.goals[alive].float()
        for name, ended in step.endings.items():
            reasons[name] = reasons.get(name, 0) + int((ended & alive).sum())
        alive &= ~(step.terminated | step.truncated)
    returns = terms.sum(0)
    figures = {
        "return": f"{returns.mean():.2f} ± {returns.std(correction=0):.2f}",
        "seconds": f"{steps.mean() * world.control_dt:.1f}",
        "success": f"{100 * succeeded.mean():.1f} %",
    }
    figures |= {f"ended by {name}": f"{100 * count / robots:.1f} %" for name, count in reasons.items() if count}
    if hasattr(world, "turned_by"):
        figures["speed about the vertical"] = f"{speed.mean():.3f} rad/s"
    if hasattr(world, "goals"):
        figures["goals"] = f"{goals.mean():.2f}"
    return figures | {
        f"term {name}": f"{sums.mean():.2f}" for name, sums in zip(world.term_names(), terms, strict=True)
    }


def main(argv: list[str] | None = None) -> None:
    arguments = judge_arguments("python -m docs.hands", __doc__, 100).parse_args(argv)
    world, policy = opened(arguments)
    for name, figure in handle(world, policy).items():
        print(f"{name}: {figure}")
    world.close()


if __name__ == "__main__":
    run_command(main)
