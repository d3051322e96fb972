"""Flags that several commands share, and their checks. Imports nothing heavy: ``--help`` is quick."""

import argparse
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

import yaml

from environments.config import EnvConfig, parse_img_shape
from environments.registry import find_env, registered_env
from srl3.errors import UserError, unknown_name

CONTINUAL_TASKS = {
    "simple_continual_target": ("-sc", "--simple-continual"),
    "circular_continual_move": ("-cc", "--circular-continual"),
    "square_continual_move": ("-sqc", "--square-continual"),
    "eight_continual_move": ("-ec", "--eight-continual"),
    "chasing_continual_move": ("-chc", "--chasing-continual"),
    "escape_continual_move": ("-esc", "--escape-continual"),
}
"""Omnirobot's tasks: the environment parameter of each, and its two flags."""


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults that say something, and keeps the line breaks of the examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        silent = action.default is None or action.default == [] or action.default is False
        return action.help if silent else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UserError`, with close matches for a misspelt flag."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(formatter_class=HelpFormatter, allow_abbrev=False, usage="%(prog)s [flags]", **kwargs)

    def error(self, message: str) -> NoReturn:
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if unknown:
            flag = unknown.group(1).split("=")[0]
            if flag.startswith("-"):
                close = get_close_matches(flag, self._option_string_actions, n=2, cutoff=0.5)
                hint = f"did you mean {' or '.join(close)}?" if close else f"see {self.prog} --help."
                raise UserError(f"unknown flag '{flag}'; {hint}")
            raise UserError(f"unexpected argument '{flag}'; flags begin with -, see {self.prog} --help.")
        raise UserError(f"{message}; see {self.prog} --help.")

    def parse_with_given(self, argv: Sequence[str] | None) -> tuple[argparse.Namespace, set[str]]:
        """The arguments, and the names of those that the user wrote."""
        arguments = self.parse_args(argv)
        defaults = {action.dest: action.default for action in self._actions}
        for action in self._actions:
            action.default = argparse.SUPPRESS
        try:
            given = set(vars(self.parse_args(argv)))
        finally:
            for action in self._actions:
                action.default = defaults[action.dest]
        return arguments, given


def whole_number(text: str) -> int:
    """``1000``, ``1e6``, ``100_000``; a whole number of at least 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not number.is_integer() or number < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 0")
    return int(number)


def positive_number(text: str) -> int:
    """A whole number of at least 1, written as for `whole_number`."""
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not at least 1")
    return number


def seed_number(text: str) -> int:
    """A seed from 0 to 2**32 - 1, or -1 to draw one."""
    if text.strip() == "-1":
        return -1
    number = whole_number(text)
    if number >= 2**32:
        raise argparse.ArgumentTypeError(f"'{text}' is too large; seeds go up to 2**32 - 1")
    return number


def positive_float(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number


def port_number(text: str) -> int:
    """A TCP port that a user may open: 1024 to 65535."""
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 1024 to 65535")
    return int(text)


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
    group.add_argument("--multi-view", action="store_true", help="two cameras, stacked along the channels")
    for name, (short, long) in CONTINUAL_TASKS.items():
        group.add_argument(short, long, dest=name, action="store_true", help=f"Omnirobot task {name}")
    group.add_argument(
        "--env-kwargs",
        nargs="+",
        default=[],
        metavar="NAME:VALUE",
        help="any parameter of the world, for example max_steps:500",
    )


ENV_FLAGS = {
    "action_repeat": "action_repeat",
    "img_shape": "img_shape",
    "shape_reward": "shape_reward",
    "continuous_actions": "is_discrete",
    "action_joints": "action_joints",
    "random_target": "random_target",
    "multi_view": "multi_view",
    **{name: name for name in CONTINUAL_TASKS},
}
"""Flags and the environment parameter that each sets."""


def env_kwargs_from_flags(arguments: argparse.Namespace, given: set[str]) -> dict[str, Any]:
    """The environment parameters that the user's flags set (only those written, so defaults stay the world's).

    Raises:
        UserError: for a malformed ``--env-kwargs`` or two continual tasks.
    """
    kwargs: dict[str, Any] = {}
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
        kwargs[name] = value
    return kwargs


def parse_pair(item: str, flag: str) -> tuple[str, Any]:
    """``name:value`` with a YAML value; numbers such as ``1e-4`` and ``100_000`` are numbers too.

    Raises:
        UserError: when it is not of that form.
    """
    name, colon, text = item.partition(":")
    if not (name and colon and text):
        raise UserError(f"{flag} takes name:value, for example max_steps:500, not '{item}'.")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"the value in {flag} {item} can't be read; write a number, a text or a list [a, b].") from None
    if isinstance(value, str):
        try:
            value = float(value.replace("_", ""))
        except ValueError:
            return name, value
        if value.is_integer() and "." not in text:
            value = int(value)
    return name, value


def make_config(env_id: str, env_kwargs: Mapping[str, Any]) -> EnvConfig:
    """The configuration of ``env_id`` with these parameters, checked without loading its engine.

    Raises:
        UserError: for an unknown environment or parameter, or a mode that the world does not have.
    """
    config_class = find_env(env_id).load_config()
    for name, (short, _) in CONTINUAL_TASKS.items():
        if env_kwargs.get(name) and not hasattr(config_class, name):
            raise UserError(f"{short} is a task of OmnirobotEnv-v0; {env_id} does not have it.")
    return config_class.from_kwargs(env_kwargs)


def check_srl_model(srl_model: str, env_id: str, config_class: type[EnvConfig]) -> None:
    """Raise `UserError` unless ``env_id`` can be observed as ``srl_model``."""
    from state_representation.registry import SRLType, find_srl, registered_srl

    if srl_model not in registered_srl:
        raise unknown_name("representation (--srl-model)", srl_model, registered_srl)
    if registered_srl[srl_model].srl_type is SRLType.SRL:
        find_srl(srl_model, [name for name in (env_id, find_env(env_id).parent) if name])
    elif srl_model not in config_class.modes.states:
        raise UserError(f"{env_id} does not observe '{srl_model}'; it observes {', '.join(config_class.modes.states)}.")


def env_help() -> str:
    """The registered environments, for a flag's help."""
    return "environment: " + ", ".join(registered_env)
