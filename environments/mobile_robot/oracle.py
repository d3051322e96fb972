"""What the mobile robot can earn: a greedy policy that sees the ground truth and never chooses a bumping move.

``python -m environments.mobile_robot.oracle --episodes 200 --seed 0 [-c] [-r]`` prints its mean return over episodes
that an evaluation can repeat: episode i is the first one of an environment seeded with ``seed + i``.
"""

import argparse

import numpy as np

from environments.mobile_robot.config import MobileRobotConfig
from environments.mobile_robot.mobile_robot_env import DIRECTIONS, MobileRobotWorld
from srl3.errors import UserError, run_command


def greedy_action(world: MobileRobotWorld) -> np.ndarray:
    """The move that brings each robot nearest to its target among those that don't bump (noise left out).

    The continuous policy heads straight for the target, for the nearest place where a robot can be where the target
    lies beyond the wall's margin. Within reach of it, robots go on to that place too.

    Args:
        world: N mobile robots.

    Returns:
        ``(N,) int64``, or ``(N, 2) float32`` for continuous actions.
    """
    if world.config.is_discrete:
        places = world.position[:, None] + DIRECTIONS * world.config.step_length
        bump = ((places < world.low) | (places > world.high)).any(axis=2)
        distance = np.linalg.norm(places - world.target[:, None], axis=2)
        return np.where(bump, np.inf, distance).argmin(axis=1)
    goal = np.clip(world.target, world.low, world.high)
    action = (goal - world.position) / world.config.step_length
    # the largest component becomes 1, so that the robot keeps to the straight line at full speed
    action /= np.maximum(1.0, np.abs(action).max(axis=1, keepdims=True))
    rounded = action.astype(np.float32)
    place = world.position + rounded.astype(np.float64) * world.config.step_length
    # single precision may round a place on the margin to beyond it
    rounded[(place < world.low) | (place > world.high)] = 0
    return rounded


def greedy_returns(world: MobileRobotWorld, seed: int) -> np.ndarray:
    """``(N,) float64``: what `greedy_action` earns in one episode of each robot, robot i seeded with ``seed + i``."""
    world.seed([seed + row for row in range(world.num_envs)])
    world.reset()
    for _ in range(world.config.max_steps):
        world.step(greedy_action(world))
    return world.episode_return.copy()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m environments.mobile_robot.oracle", description=__doc__)
    parser.add_argument("--episodes", type=int, default=200, help="number of episodes")
    parser.add_argument("--seed", type=int, default=0, help="episode i is seeded with SEED + i")
    parser.add_argument("-c", "--continuous-actions", action="store_true")
    parser.add_argument("-r", "--random-target", action="store_true")
    arguments = parser.parse_args(argv)
    if arguments.seed < 0:
        raise UserError(f"--seed must not be below 0, not {arguments.seed}.")
    config = MobileRobotConfig(is_discrete=not arguments.continuous_actions, random_target=arguments.random_target)
    returns = greedy_returns(MobileRobotWorld(config, arguments.episodes), arguments.seed)
    print(f"{len(returns)} episodes - Mean reward: {returns.mean():.2f} +- {returns.std():.2f}")


if __name__ == "__main__":
    run_command(main)
