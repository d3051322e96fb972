"""The world of a trained policy, in MuJoCo's own engine, for `docs.gaits`, `docs.hands` and `docs.turns`,
which judge it; and the flag for its parameters, also of `docs.films`."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from environments.config.names import flatten
from environments.registry import find_env
from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.runs.find import find_checkpoint
from srl3.errors import UserError
from srl3.flags import parse_pair, positive_number, whole_number

Policy = Callable[[Any, np.ndarray], np.ndarray]
"""from a world, and which robots begin an episode, to the actions of all"""


def judge_arguments(prog: str, description: str | None, robots: int) -> argparse.ArgumentParser:
    """The flags of a command that judges a run by one episode of each of so many robots."""
    parser = argparse.ArgumentParser(
        prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run folder, or a folder with runs")
    parser.add_argument(
        "--robots", type=positive_number, default=robots, help=f"episodes, all at once (default: {robots})"
    )
    parser.add_argument("--seed", type=whole_number, default=0, help="of the first robot (default: 0)")
    parser.add_argument("--oracle", action="store_true", help="the scripted policy in the place of the trained one")
    parser.add_argument("--drawn", action="store_true", help="drawn actions in the place of the most probable ones")
    add_parameters(parser)
    return parser


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """``--env-kwargs``, which `parameters` reads."""
    parser.add_argument(
        "--env-kwargs", nargs="+", default=[], metavar="NAME:VALUE", help="parameters that differ from the training's"
    )


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """What ``--env-kwargs`` says, by the names of the world's parameters."""
    return flatten(dict(parse_pair(item, "--env-kwargs") for item in arguments.env_kwargs))


def opened(
    arguments: argparse.Namespace, changes: Mapping[str, Any] | None = None, only: str | None = None
) -> tuple[Any, Policy]:
    """The world at the beginning of its episodes, and what ``best_model.zip``, or another policy, does in it.

    Args:
        arguments: what `judge_arguments` parsed.
        changes: parameters of the world, which those of the user come over.
        only: the world whose runs can be judged so; None: all of MuJoCo's.

    Raises:
        UserError: for a run of another world, or parameters that it lacks.
    """
    run, robots = arguments.run, arguments.robots
    checkpoint_path = find_checkpoint(run)
    info = load_checkpoint(checkpoint_path).info
    entry = find_env(info.env_id)
    if only not in (None, info.env_id):
        raise UserError(f"{checkpoint_path} was trained on {info.env_id}, and this judges runs of {only}.")
    if not entry.load_config().has("sim"):
        raise UserError(f"{checkpoint_path} was trained on {info.env_id}, and this judges robots in MuJoCo.")
    face: Any = entry.load_class()
    kwargs = {**info.env_kwargs_here, "sim.impl": "batch", **(changes or {}), **parameters(arguments)}
    world = face.world_class(face.config_class.from_kwargs(kwargs), robots)
    world.seed([arguments.seed + robot for robot in range(robots)])
    world.reset()
    if arguments.oracle:
        scripted: Any = entry.load_oracle()
        if scripted is None:
            raise UserError(f"{info.env_id} has no scripted policy; leave out --oracle.")
        return world, lambda now, _: scripted(now)
    actor = Actor.load(checkpoint_path)
    return world, lambda now, starts: actor.act(now.observe().numpy(), starts, deterministic=not arguments.drawn)
