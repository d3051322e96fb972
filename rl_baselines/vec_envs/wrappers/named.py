"""Worlds in the wrappers that hyperparameters name (``env_wrapper``, ``vec_env_wrapper``)."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Self

import gymnasium as gym
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from environments.terms import ActionTerm, ObservationTerm, action_terms_of, observation_terms_of
from rl_baselines.hyperparams.classes import Named, load_class
from rl_baselines.vec_envs.wrappers import state as wrapper_state
from srl3.errors import UserError

_REFUSALS = (AssertionError, TypeError, ValueError, AttributeError, KeyError, gym.error.Error)
"""what the constructors of wrappers raise where a world does not suit them"""


@dataclasses.dataclass(frozen=True)
class Wrappers:
    """What worlds are wrapped in, the innermost first."""

    env: tuple[Named, ...] = ()
    """around each single world"""
    vec_env: tuple[Named, ...] = ()
    """around all of them together"""

    @classmethod
    def of(cls, hyperparams: Mapping[str, Any]) -> Self:
        """Those that hyperparameters name; none where they are from before there were any."""
        return cls(
            tuple(hyperparams.get("env_wrapper") or ()),
            tuple(hyperparams.get("vec_env_wrapper") or ()),
        )

    def __bool__(self) -> bool:
        return bool(self.env or self.vec_env)


NONE = Wrappers()


def wrapped_env(world: Any, wrappers: tuple[Named, ...]) -> Any:
    """A single world in its wrappers; itself where there are none.

    Args:
        world: with ``resume_state`` and ``restore_state``.
        wrappers: the innermost first.

    Raises:
        UserError: when a wrapper does not suit the world.
    """
    if not wrappers:
        return world
    env = world
    for named in wrappers:
        env = _made("env_wrapper", named, env)
    return WrappedWorld(env, world)


def wrapped_vec_env(venv: VecEnv, wrappers: tuple[Named, ...]) -> VecEnv:
    """A `VecEnv` in its wrappers, which take part in `vec_env_wrappers`.

    Raises:
        UserError: when a wrapper does not suit it.
    """
    for named in wrappers:
        venv = _made("vec_env_wrapper", named, venv)
    return venv


def _made(hyperparameter: str, named: Named, inner: Any) -> Any:
    kind, arguments = load_class(hyperparameter, named)
    try:
        return kind(inner, **arguments)
    except _REFUSALS as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UserError(f"{hyperparameter} {next(iter(named))} does not suit this world: {reason}.") from error


class WrappedWorld(gym.Wrapper[Any, Any, Any, Any]):
    """A world in wrappers from elsewhere, with the state of both.

    Where a wrapper's state can't be told in plain values, an interrupted episode can't go on: it ends with the next
    step, truncated where it was interrupted, and another begins.

    Args:
        env: the outermost wrapper.
        world: what they wrap.
    """

    def __init__(self, env: Any, world: Any) -> None:
        super().__init__(env)
        self._wrapped = world
        self._wrappers = list(_between(env, world))
        self._last: Any = None
        self._lost = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._lost = False
        self._last, info = self.env.reset(seed=seed, options=options)
        return self._last, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        if self._lost:
            return self._last, 0.0, False, True, {}
        self._last, reward, terminated, truncated, info = self.env.step(action)
        return self._last, reward, terminated, truncated, info

    def observation_terms(self) -> list[ObservationTerm]:
        """The world's own, where no wrapper changes what is observed; else what the space tells."""
        changed = any(isinstance(each, gym.ObservationWrapper) for each in self._wrappers)
        if changed or self.observation_space != self._wrapped.observation_space:
            return observation_terms_of(self.observation_space)
        return list(self._wrapped.observation_terms())

    def action_terms(self) -> list[ActionTerm]:
        """The world's own, where no wrapper changes the actions; else what the space tells."""
        changed = any(isinstance(each, gym.ActionWrapper) for each in self._wrappers)
        if changed or self.action_space != self._wrapped.action_space:
            return action_terms_of(self.action_space)
        return list(self._wrapped.action_terms())

    def resume_state(self) -> dict[str, Any]:
        """What `restore_state` needs (plain values and arrays)."""
        return {
            "world": self._wrapped.resume_state(),
            "wrappers": [wrapper_state.save(each) for each in self._wrappers],
            "last": self._last,
        }

    def restore_state(self, state: Mapping[str, Any]) -> bool:
        """Go to the point at which `resume_state` was called; False when there is no way there."""
        there = self._wrapped.restore_state(state["world"]) is not False
        for each, saved in zip(self._wrappers, state["wrappers"], strict=True):
            there &= wrapper_state.load(each, saved)
        self._last, self._lost = state["last"], not there
        return there


def _between(outermost: Any, world: Any) -> Iterator[Any]:
    layer = outermost
    while layer is not world:
        yield layer
        layer = layer.env


def vec_env_wrappers(venv: VecEnv, ours: tuple[type, ...]) -> list[Any]:
    """The wrappers from elsewhere around the worlds, the outermost first.

    Args:
        venv: from `rl_baselines.vec_envs.create.create_envs`.
        ours: classes of the other layers.
    """
    found = []
    while isinstance(venv, VecEnvWrapper):
        if not isinstance(venv, ours):
            found.append(venv)
        venv = venv.venv
    return found
