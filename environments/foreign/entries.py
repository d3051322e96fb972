"""Worlds of Gymnasium's own registry (``CartPole-v1``, ``ALE/Pong-v5``, those of any installed package) as entries.

What such a world observes is called ``ground_truth``, whatever it is; the parameters of its constructor are its
``env_kwargs``, besides ``max_steps`` (its time limit; None has none) and ``action_repeat``.
"""

import dataclasses
import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Self

from environments.config import GROUND_TRUTH, EnvConfig, nest
from environments.entries import PlottingType, RegisteredEnv, ThreadingType
from srl3.errors import UserError, unknown_name

PACKAGES = {"ALE": "ale_py"}
"""packages that register worlds when they are imported, by the namespace of those"""
_OWN = {"max_steps": int, "action_repeat": int, "renders": bool, "record_data": bool}
"""parameters that all of these worlds have, and their types"""
_TOLD = ("srl_model", "is_discrete")
"""what other worlds are told, and these say themselves"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignConfig(EnvConfig):
    """Parameters of a world of Gymnasium's registry; `foreign_config` makes a class for each id."""

    default_srl_model: ClassVar[str] = GROUND_TRUTH

    max_steps: int | None = None  # type: ignore[assignment]
    """Steps after which an episode is truncated; None: never."""
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """what the world's constructor is given"""

    def __post_init__(self) -> None:
        if self.action_repeat < 1 or (self.max_steps is not None and self.max_steps < 1):
            raise UserError(f"action_repeat and max_steps of {self.env_id} must be at least 1.")
        if self.record_data:
            raise UserError(f"{self.env_id} records no frames beside its observations; leave out record_data.")

    @property
    def is_discrete(self) -> bool:
        return _is_discrete(self.env_id, tuple(sorted(self.arguments.items(), key=lambda item: item[0])))

    @classmethod
    def has(cls, name: str) -> bool:
        return name in cls.parameter_names() or name in _TOLD

    @classmethod
    def parameter_names(cls) -> list[str]:
        return ["max_steps", "action_repeat", "renders", *_constructor_parameters(cls.env_id)]

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any]) -> Self:
        import gymnasium

        values = nest(kwargs)
        told = {name: values.pop(name) for name in _TOLD if name in values}
        own: dict[str, Any] = {name: values.pop(name) for name in _OWN if name in values}
        for name, kind in _OWN.items():
            value = own.get(name)
            if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
                words = "a whole number" if kind is int else "true or false"
                raise UserError(f"parameter {name} of {cls.env_id} must be {words}, not {value!r}.")
        known = _constructor_parameters(cls.env_id)
        for name in values:
            if name not in known and not _takes_anything(cls.env_id):
                raise unknown_name(f"parameter of {cls.env_id}", name, cls.parameter_names())
            _check_kind(cls.env_id, name, values[name])
        own.setdefault("max_steps", gymnasium.spec(cls.env_id).max_episode_steps)
        config = cls(**own, arguments=values)
        if told.get("srl_model", GROUND_TRUTH) != GROUND_TRUTH:
            raise UserError(f"{cls.env_id} does not observe '{told['srl_model']}'; it observes {GROUND_TRUTH}.")
        if "is_discrete" in told and told["is_discrete"] != config.is_discrete:
            has, flag = ("discrete", "leave out -c") if config.is_discrete else ("continuous", "leave out is_discrete")
            raise UserError(f"{cls.env_id} has {has} actions; {flag}.")
        return config

    def as_dict(self) -> dict[str, Any]:
        return {
            "srl_model": GROUND_TRUTH,
            "is_discrete": self.is_discrete,
            "max_steps": self.max_steps,
            "action_repeat": self.action_repeat,
            "renders": self.renders,
            **self.arguments,
        }

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _remade, (self.env_id, self.as_dict())


@dataclasses.dataclass(frozen=True)
class ForeignEnv(RegisteredEnv):
    """The entry of a world that only Gymnasium's registry holds."""

    env_id: str = ""

    def load_config(self) -> type[EnvConfig]:
        return foreign_config(self.env_id)

    def load_class(self) -> Any:
        return importlib.import_module(self.entry_point.partition(":")[0]).foreign_world(self.env_id)


def foreign_entry(env_id: str) -> RegisteredEnv | None:
    """The entry of a world that `environments.registry` does not hold; None for an unknown id.

    Raises:
        UserError: for an id whose package is not installed.
    """
    import gymnasium

    namespace = env_id.partition("/")[0]
    if "/" in env_id and namespace in PACKAGES and env_id not in gymnasium.registry:
        _register(PACKAGES[namespace], env_id)
    try:
        gymnasium.spec(env_id)
    except (gymnasium.error.Error, ModuleNotFoundError):
        return None
    return ForeignEnv(
        entry_point="environments.foreign.world:ForeignWorld",
        config="environments.foreign.entries:ForeignConfig",
        parent=None,
        plotting=PlottingType.PLOT_2D,
        threading=ThreadingType.PROCESS,
        env_id=env_id,
    )


def foreign_ids() -> list[str]:
    """All ids of Gymnasium's registry, of which some may lack their packages."""
    import gymnasium

    return list(gymnasium.registry)


def escaped_id(env_id: str) -> str:
    """An id as a part of a path or of a section's name: ``ALE/Pong-v5`` is ``ALE-Pong-v5``."""
    return env_id.replace("/", "-")


@cache
def foreign_config(env_id: str) -> type[ForeignConfig]:
    """The configuration class of this id."""
    return type("ForeignConfig", (ForeignConfig,), {"env_id": env_id, "__module__": __name__})


def make_foreign(env_id: str, render_mode: str | None, arguments: Mapping[str, Any], max_steps: int | None) -> Any:
    """The world, in Gymnasium's own wrappers.

    Raises:
        UserError: when a package that it needs is not there, or it refuses the arguments.
    """
    import gymnasium

    if render_mode == "rgb_array" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # else SDL says that it finds no screen, as an error
    try:
        return gymnasium.make(
            env_id,
            max_episode_steps=-1 if max_steps is None else max_steps,
            disable_env_checker=True,
            **({} if render_mode is None else {"render_mode": render_mode}),
            **arguments,
        )
    except (ImportError, gymnasium.error.DependencyNotInstalled, gymnasium.error.DeprecatedEnv) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        path = str(gymnasium.spec(env_id).entry_point)
        group = path.split(".")[2].replace("_", "-") if path.startswith("gymnasium.envs.") else ""
        advice = f"; pip install 'gymnasium[{group}]'" if group and isinstance(error, ImportError) else ""
        raise UserError(f"{env_id} can't be made here: {reason}{advice}.") from error
    except TypeError as error:
        if "'render_mode'" not in str(error):
            raise
        raise UserError(f"{env_id} does not draw; leave out --render and --video.") from error
    except gymnasium.error.Error as error:
        raise UserError(f"{env_id} can't be made so: {' '.join(str(error).split())}") from error
    except (AssertionError, ValueError) as error:
        if not arguments:
            raise
        said = ", ".join(f"{name}:{value}" for name, value in arguments.items())
        raise UserError(f"{env_id} can't be made with {said}: {' '.join(str(error).split()).rstrip('.')}.") from error


@cache
def _is_discrete(env_id: str, arguments: tuple[tuple[str, Any], ...]) -> bool:
    from gymnasium import spaces

    env = make_foreign(env_id, None, dict(arguments), None)
    try:
        return not isinstance(env.action_space, spaces.Box)
    finally:
        env.close()


def _remade(env_id: str, content: Mapping[str, Any]) -> ForeignConfig:
    return foreign_config(env_id).from_kwargs(content)


def _register(package: str, env_id: str) -> None:
    import gymnasium

    try:
        module = importlib.import_module(package)
    except ImportError:
        raise UserError(f"{env_id} needs {package}, which is not installed; pip install {package}.") from None
    gymnasium.register_envs(module)


@cache
def _signature(env_id: str) -> inspect.Signature | None:
    import gymnasium

    entry_point = gymnasium.spec(env_id).entry_point
    try:
        creator = (
            gymnasium.envs.registration.load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
        )
        return None if creator is None else inspect.signature(creator)
    except (ImportError, gymnasium.error.Error, ValueError, TypeError):
        return None


def _constructor_parameters(env_id: str) -> list[str]:
    import gymnasium

    signature = _signature(env_id)
    written = (
        []
        if signature is None
        else [
            name
            for name, parameter in signature.parameters.items()
            if name != "render_mode" and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        ]
    )
    return list(dict.fromkeys([*written, *(name for name in gymnasium.spec(env_id).kwargs if name != "render_mode")]))


def _check_kind(env_id: str, name: str, value: Any) -> None:
    """Refuse a word where the constructor's default is a number, which many worlds would notice in their first step."""
    import gymnasium

    signature = _signature(env_id)
    parameter = None if signature is None else signature.parameters.get(name)
    default = gymnasium.spec(env_id).kwargs.get(name, None if parameter is None else parameter.default)
    if isinstance(default, int | float) and isinstance(value, str):
        words = "true or false" if isinstance(default, bool) else "a number"
        raise UserError(f"parameter {name} of {env_id} must be {words}, not {value!r}.")


def _takes_anything(env_id: str) -> bool:
    signature = _signature(env_id)
    return signature is None or any(part.kind is part.VAR_KEYWORD for part in signature.parameters.values())
