"""What a trained hand does: return, success, drops, speed or goals, and each term of the reward beside the oracle's.

    python -m docs.hands logs/ParaHandRotateZGymEnv-v0 --robots 100

One episode of each hand in MuJoCo's own engine, by the most probable actions of `best_model.zip` (``--oracle``: by the
world's scripted policy instead). Terms are mean sums over an episode, weights included.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from environments.registry import find_env
from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.runs.find import find_checkpoint

Policy = Callable[[Any, np.ndarray], np.ndarray]
"""from a world, and which robots begin an episode, to the actions of all"""


def handle(world: Any, policy: Policy, seed: int) -> dict[str, str]:
    """Figures by name, means over the hands of the world."""
    robots = world.num_envs
    world.seed([seed + robot for robot in range(robots)])
    world.reset()
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
    parser = argparse.ArgumentParser(
        prog="python -m docs.hands", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run folder, or a folder with runs")
    parser.add_argument("--robots", type=int, default=100, help="episodes, all at once (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the first hand (default: 0)")
    parser.add_argument("--oracle", action="store_true", help="the scripted policy in the place of the trained one")
    arguments = parser.parse_args(argv)
    checkpoint_path = find_checkpoint(arguments.run)
    info = load_checkpoint(checkpoint_path).info
    entry = find_env(info.env_id)
    face: Any = entry.load_class()
    kwargs = {**info.env_kwargs, "sim.impl": "batch", "curriculum": []}
    world = face.world_class(face.config_class.from_kwargs(kwargs), arguments.robots)
    if arguments.oracle:
        oracle: Any = entry.load_oracle()
        figures = handle(world, lambda now, _: oracle(now), arguments.seed)
    else:
        actor = Actor.load(checkpoint_path)
        figures = handle(
            world, lambda now, starts: actor.act(now.observe().numpy(), starts, deterministic=True), arguments.seed
        )
    world.close()
    for name, figure in figures.items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
