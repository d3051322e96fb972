"""Classes that presets name, as rl-zoo3's do: wrappers, callbacks and replay buffers, with their arguments.

A name is imported, never evaluated, and what it names must be a class of the right kind; arguments are plain values.
"""

import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from srl3.errors import UserError

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv

KINDS = {
    "env_wrapper": ("gymnasium", "Wrapper"),
    "vec_env_wrapper": ("stable_baselines3.common.vec_env", "VecEnvWrapper"),
    "callback": ("stable_baselines3.common.callbacks", "BaseCallback"),
    "replay_buffer_class": ("stable_baselines3.common.buffers", "ReplayBuffer"),
}
"""hyperparameters that name classes, and the class (module, name) of which theirs must be"""
REPLAY_BUFFERS = {
    "ReplayBuffer": "stable_baselines3.common.buffers.ReplayBuffer",
    "DictReplayBuffer": "stable_baselines3.common.buffers.DictReplayBuffer",
    "NStepReplayBuffer": "stable_baselines3.common.buffers.NStepReplayBuffer",
    "HerReplayBuffer": "stable_baselines3.her.her_replay_buffer.HerReplayBuffer",
}
"""short names, as presets of rl-zoo3 have them"""
_TAKEN = {
    "VecNormalize": "use the hyperparameter normalize",
    "VecMonitor": "every run has monitor files",
    "VecTransposeImage": "algorithms see images channels first as it is",
}
"""wrappers whose place is taken, and by what"""
_WRAPS = ("env_wrapper", "vec_env_wrapper")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")

Named = Mapping[str, Mapping[str, Any]]
"""one class: its dotted name, and its arguments by name"""


def to_classes(value: Any) -> list[dict[str, dict[str, Any]]]:
    """What YAML holds as a list of `Named`: a name, a mapping from names to arguments, or a list of these.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, str):
        if not _DOTTED.fullmatch(value):
            raise ValueError(value)
        return [{value: {}}]
    if isinstance(value, Mapping):
        return [{_dotted(name): _arguments(arguments)} for name, arguments in value.items()]
    if isinstance(value, list | tuple):
        return [each for part in value for each in to_classes(part)]
    raise ValueError(value)


def _dotted(name: Any) -> str:
    if not isinstance(name, str) or not _DOTTED.fullmatch(name):
        raise ValueError(name)
    return name


def _arguments(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(value)
    return dict(value)


def check_classes(values: Mapping[str, Any]) -> None:
    """Import every class that these hyperparameters name.

    Raises:
        UserError: naming each that can't be found, is of another kind, or does not take its arguments.
    """
    wrong = []
    for hyperparameter in ("env_wrapper", "vec_env_wrapper", "callback"):
        for each in values.get(hyperparameter) or ():
            try:
                load_class(hyperparameter, each)
            except UserError as error:
                wrong.append(str(error))
    if values.get("replay_buffer_class") is not None:
        try:
            check_replay_buffer(values["replay_buffer_class"], values.get("replay_buffer_kwargs") or {})
        except UserError as error:
            wrong.append(str(error))
    if wrong:
        raise UserError(" ".join(wrong))


def load_class(hyperparameter: str, named: Named) -> tuple[Any, dict[str, Any]]:
    """The class that a hyperparameter names, and its arguments.

    Raises:
        UserError: as `check_classes`.
    """
    ((name, arguments),) = named.items()
    found = _find(hyperparameter, name)
    if found.__name__ in _TAKEN and found.__module__.startswith("stable_baselines3."):
        raise UserError(f"{hyperparameter} can't be {name}: {_TAKEN[found.__name__]}.")
    own = _own_parameters(found, after=1 if hyperparameter in _WRAPS else 0)
    for argument in arguments:
        if own is not None and argument not in own:
            takes = f"it takes {', '.join(own)}" if own else "it takes none"
            raise UserError(f"{hyperparameter}: {name} has no argument '{argument}'; {takes}.")
    missing = _missing(found, arguments, after=1 if hyperparameter in _WRAPS else 0)
    if missing:
        raise UserError(f"{hyperparameter}: {name} needs {', '.join(missing)}; write {{{name}: {{{missing[0]}: …}}}}.")
    return found, dict(arguments)


def load_replay_buffer(name: str) -> Any:
    """The class of replay buffers of this name, which may be one of `REPLAY_BUFFERS`.

    Raises:
        UserError: when there is none.
    """
    if "." not in name and name not in REPLAY_BUFFERS:
        close = get_close_matches(name, REPLAY_BUFFERS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it is one of {', '.join(REPLAY_BUFFERS)}, or a dotted name."
        raise UserError(f"unknown replay_buffer_class '{name}'; {hint}")
    return _find("replay_buffer_class", REPLAY_BUFFERS.get(name, name))


def is_hindsight(name: str | None) -> bool:
    """Whether a ``replay_buffer_class`` relabels goals (HER)."""
    if name is None:
        return False
    from stable_baselines3 import HerReplayBuffer

    return issubclass(load_replay_buffer(name), HerReplayBuffer)


def replay_buffer_for(name: str, env: "VecEnv") -> Any:
    """The class of replay buffers of this name.

    Raises:
        UserError: when there is none, or it relabels goals and these worlds have none.
    """
    if is_hindsight(name):
        keys = set(getattr(env.observation_space, "spaces", ()))
        if not keys >= set(GOAL_KEYS):
            raise UserError(
                f"{name} relabels goals, for worlds that observe a Dict with {', '.join(GOAL_KEYS)}; "
                f"this one observes {', '.join(sorted(keys)) or env.observation_space}."
            )
        try:
            env.get_attr("compute_reward", indices=[0])
        except AttributeError:
            raise UserError(
                f"{name} asks the world compute_reward(achieved_goal, desired_goal, info), and this one has none."
            ) from None
    return load_replay_buffer(name)


def make_callbacks(hyperparams: Mapping[str, Any]) -> "list[BaseCallback]":
    """The callbacks that the hyperparameter ``callback`` names, made anew in their order.

    Raises:
        UserError: for one that can't be made of its arguments.
    """
    callbacks = []
    for named in hyperparams.get("callback") or ():
        kind, arguments = load_class("callback", named)
        try:
            callbacks.append(kind(**arguments))
        except (AssertionError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise UserError(f"callback {next(iter(named))} refuses its arguments: {reason}.") from error
    return callbacks


GOAL_KEYS = ("observation", "achieved_goal", "desired_goal")
"""what worlds with goals observe, as Gymnasium-Robotics' do"""
_STRATEGIES = ("future", "final", "episode")
_GIVEN = ("buffer_size", "observation_space", "action_space", "env", "device", "n_envs", "optimize_memory_usage")
"""arguments of replay buffers that the algorithm gives"""


def check_replay_buffer(name: str, options: Mapping[str, Any]) -> None:
    """Refuse arguments that a replay buffer does not take.

    Raises:
        UserError: naming what it takes.
    """
    known = list(_all_parameters(load_replay_buffer(name)))
    taken = [each for each in known if each not in (*_GIVEN, "args", "kwargs", "copy_info_dict")]
    for option, value in options.items():
        if option not in taken:
            raise UserError(f"replay_buffer_kwargs of {name} takes {', '.join(taken)}, not '{option}'.")
        if option == "goal_selection_strategy" and value not in _STRATEGIES:
            raise UserError(f"goal_selection_strategy is one of {', '.join(_STRATEGIES)}, not {value!r}.")
        whole = isinstance(value, int) and not isinstance(value, bool)
        if option in ("n_sampled_goal", "n_steps") and not (whole and value >= 1):
            raise UserError(f"{option} in replay_buffer_kwargs must be a whole number of at least 1, not {value!r}.")
        if option == "handle_timeout_termination" and not isinstance(value, bool):
            raise UserError(f"{option} in replay_buffer_kwargs must be true or false, not {value!r}.")


def _all_parameters(kind: type) -> dict[str, inspect.Parameter]:
    """Those of a class's constructor and, where it passes on what it does not know, of its parents'."""
    found: dict[str, inspect.Parameter] = {}
    for each in kind.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = dict(inspect.signature(each.__init__).parameters)  # type: ignore[misc]
        found = {**{name: value for name, value in parameters.items() if name != "self"}, **found}
        if not any(value.kind is inspect.Parameter.VAR_KEYWORD for value in parameters.values()):
            break
    return found


def _find(hyperparameter: str, name: str) -> Any:
    module_name, _, attribute = name.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if module_name == missing or module_name.startswith(f"{missing}."):
            raise UserError(
                f"{hyperparameter} {name}: there is no module '{missing}'; install it, or leave {hyperparameter} out."
            ) from None
        raise UserError(f"{hyperparameter} {name}: {module_name} needs '{missing}', which is not installed.") from None
    except Exception as error:
        raise UserError(
            f"{hyperparameter} {name}: {module_name} can't be imported ({type(error).__name__}: {error})."
        ) from error
    found = getattr(module, attribute, None)
    base_module, base_name = KINDS[hyperparameter]
    base = getattr(importlib.import_module(base_module), base_name)
    if found is None:
        classes = [each for each, value in vars(module).items() if isinstance(value, type) and issubclass(value, base)]
        close = get_close_matches(attribute, classes, n=1)
        hint = f"did you mean {module_name}.{close[0]}?" if close else f"it is to be a {base_name} there."
        raise UserError(f"{hyperparameter}: {module_name} has no '{attribute}'; {hint}")
    if not isinstance(found, type) or not issubclass(found, base):
        raise UserError(f"{hyperparameter} takes classes derived from {base_module}.{base_name}, and {name} is none.")
    return found


def _own_parameters(kind: type, after: int) -> list[str] | None:
    """Names of a constructor's parameters; None where it takes any."""
    parameters = list(_all_parameters(kind).values())
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return None
    named = [each.name for each in parameters if each.kind is not inspect.Parameter.VAR_POSITIONAL]
    return named[after:]


def _missing(kind: type, given: Mapping[str, Any], after: int) -> Sequence[str]:
    """Names of parameters that have no default and were not given."""
    parameters = list(_all_parameters(kind).values())[after:]
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    needed = [each for each in parameters if each.default is inspect.Parameter.empty and each.kind not in variable]
    return [each.name for each in needed if each.name not in given]
