"""The flags that choose and set up a world, and their checks. Imports nothing heavy: ``--help`` is quick."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environments.config import EnvConfig, flatten, parse_img_shape, read_env_config
from environments.packages import import_env_package
from environments.registry import find_env, registered_env
from srl3.errors import UserError
from srl3.flags import parse_pair, positive_number

CONTINUAL_TASKS = {
    "simple_continual_target": ("-sc", "--simple-continual"),
    "circular_continual_move": ("-cc", "--circular-continual"),
    "square_continual_move": ("-sqc", "--square-continual"),
    "eight_continual_move": ("-ec", "--eight-continual"),
    "chasing_continual_move": ("-chc", "--chasing-continual"),
    "escape_continual_move": ("-esc", "--escape-continual"),
}
"""Omnirobot's tasks: the environment parameter of each, and its two flags."""


def overridden(env_kwargs: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """``env_kwargs`` with ``overrides`` over them, among which a continual task takes the place of another one."""
    other_task = any(overrides.get(name) for name in CONTINUAL_TASKS)
    cleared = {name: False for name in CONTINUAL_TASKS if name in env_kwargs} if other_task else {}
    return {**env_kwargs, **cleared, **overrides}


def add_env_flags(parser: argparse.ArgumentParser) -> None:
    """The flags from which env_kwargs are built (`env_kwargs_from_flags`)."""
    group = parser.add_argument_group("environment")
    group.add_argument("--action-repeat", type=positive_number, default=1, help="environment steps per action")
    group.add_argument("--img-shape", metavar="HxW", help="size of the pixels, for example 64x64; else the world's own")
    group.add_argument("--shape-reward", action="store_true", help="dense reward")
    group.add_argument("-c", "--continuous-actions", action="store_true", help="continuous actions")
    group.add_argument(
        "-joints", "--action-joints", action="store_true", help="actions move the joints (arms only, needs -c)"
    )
    group.add_argument("-r", "--random-target", action="store_true", help="a new target in every episode")
    group.add_argument(
        "--impl",
        choices=("auto", "batch", "warp", "jax"),
        default="auto",
        help="engine of a MuJoCo world: batch, a CPU's threads; warp (and jax), a GPU",
    )
    group.add_argument("--multi-view", action="store_true", help="two cameras, stacked along the channels")
    for name, (short, long) in CONTINUAL_TASKS.items():
        group.add_argument(short, long, dest=name, action="store_true", help=f"Omnirobot task {name}")
    group.add_argument(
        "--env-kwargs",
        nargs="+",
        default=[],
        metavar="NAME:VALUE",
        help="any parameter of the world, such as max_steps:500; of its parts with dots: sim.timestep:0.004",
    )
    group.add_argument(
        "--env-config",
        type=Path,
        metavar="FILE",
        help="parameters of the world from a YAML file; flags win over it",
    )
    add_env_package_flag(group)


def add_env_package_flag(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """``--env-package``: packages are imported while the flags are read, so that ids can be checked afterwards."""
    parser.add_argument(
        "--env-package",
        action="append",
        type=import_env_package,
        default=[],
        metavar="PACKAGE",
        help="a package of your own that registers worlds; may be given several times",
    )


ENV_FLAGS = {
    "action_repeat": "action_repeat",
    "img_shape": "img_shape",
    "shape_reward": "shape_reward",
    "continuous_actions": "is_discrete",
    "action_joints": "action_joints",
    "random_target": "random_target",
    "multi_view": "multi_view",
    "impl": "sim.impl",
    **{name: name for name in CONTINUAL_TASKS},
}
"""Flags and the environment parameter that each sets."""


def env_kwargs_from_flags(arguments: argparse.Namespace, given: set[str]) -> dict[str, Any]:
    """The environment parameters that the user's flags set (only those written, so defaults stay the world's).

    Raises:
        UserError: for a malformed ``--env-kwargs`` or ``--env-config``, or two continual tasks.
    """
    kwargs: dict[str, Any] = {}
    from_file = read_env_config(arguments.env_config) if arguments.env_config is not None else {}
    for flag, name in ENV_FLAGS.items():
        if flag in given:
            value = getattr(arguments, flag)
            if flag == "continuous_actions":
                value = not value
            elif flag == "img_shape":
                value = parse_img_shape(value)
            kwargs[name] = value
    tasks = [name for name in CONTINUAL_TASKS if kwargs.get(name)]
    if len(tasks) > 1:
        flags = " and ".join(CONTINUAL_TASKS[task][0] for task in tasks)
        raise UserError(f"{flags} are different tasks; give one of them.")
    for item in arguments.env_kwargs:
        name, value = parse_pair(item, "--env-kwargs")
        if name in kwargs and kwargs[name] != value:
            raise UserError(f"--env-kwargs {item} contradicts the flag that sets {name}; give one of them.")
        if isinstance(value, Mapping):
            kwargs |= flatten({name: value})
        else:
            kwargs[name] = value
    return {**from_file, **kwargs}


def make_config(env_id: str, env_kwargs: Mapping[str, Any]) -> EnvConfig:
    """The configuration of ``env_id`` with these parameters, checked without loading its engine.

    Raises:
        UserError: for an unknown environment or parameter, or a mode that the world does not have.
    """
    config_class = find_env(env_id).load_config()
    for name, (short, _) in CONTINUAL_TASKS.items():
        if env_kwargs.get(name) and not hasattr(config_class, name):
            raise UserError(f"{short} is a task of OmnirobotEnv-v0; {env_id} does not have it.")
    for flag, name in ENV_FLAGS.items():
        if name in env_kwargs and not config_class.has(name.partition(".")[0]) and flag not in CONTINUAL_TASKS:
            raise UserError(f"{env_id} has no {name}; leave out --{flag.replace('_', '-')}.")
    return config_class.from_kwargs(env_kwargs)


def default_srl_model(env_id: str) -> str:
    """What a policy observes of this world where the user does not say.

    Raises:
        UserError: for an unknown environment.
    """
    return find_env(env_id).load_config().default_srl_model


def env_help() -> str:
    """The registered environments, for a flag's help."""
    return "environment: " + ", ".join(registered_env)
