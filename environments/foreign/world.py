"""One world of Gymnasium's registry, as commands make, show and resume it."""

import copy
from functools import cache
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import load_env_creator

from environments.boundary.checks import check_observation, check_reward, interface_is_todays
from environments.foreign.entries import ForeignConfig, foreign_config, make_foreign
from environments.terms import ActionTerm, ObservationTerm, action_terms_of, observation_terms_of

KEPT = ("is_success", "reward_terms", "TimeLimit.truncated")
"""of an info, what passes on: the rest may be large, or unable to leave the process"""
RENDER_FPS = 30


class ForeignWorld(gym.Wrapper[Any, Any, Any, Any]):
    """A world of Gymnasium's registry in Gymnasium's own wrappers, with action repeat, and resumed by replaying.

    Keyword arguments are those of its configuration. An episode in progress is saved as its reset and its actions.
    Where replaying them does not lead to the same observation, the world can't be resumed: its episode then ends with
    the next step, truncated where it was interrupted, and another begins.
    """

    env_id: ClassVar[str] = ""
    engine_window: ClassVar[bool] = True
    """``human`` opens a window of its own"""
    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["human", "rgb_array"],
        "render_fps": RENDER_FPS,
    }

    def __init__(self, render_mode: str | None = None, **env_kwargs: Any) -> None:
        self.config: ForeignConfig = foreign_config(self.env_id).from_kwargs(env_kwargs)
        mode = "human" if self.config.renders else render_mode
        super().__init__(make_foreign(self.env_id, mode, self.config.arguments, self.config.max_steps))
        self._begun: dict[str, Any] | None = None
        self._actions: list[Any] = []
        self._last: Any = None
        self._lost = False
        self._reset_checked = self._step_checked = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        rng = copy.deepcopy(self.unwrapped.np_random.bit_generator.state) if seed is None else None
        self._begun = {"seed": seed, "options": options, "rng": rng}
        self._actions = []
        self._lost = False
        with interface_is_todays(self.env_id, "reset"):
            given = self.env.reset(seed=seed, options=options)
            if isinstance(given, np.ndarray):  # one of two numbers would be taken for an observation and an info
                raise ValueError("cannot unpack an observation alone")
            self._last, info = given
        if not self._reset_checked:
            check_observation(self.env_id, _as_arrays(self._last), self.observation_space)
            self._reset_checked = True
        return self._last, _kept(info)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self._lost:
            return self._last, 0.0, False, True, {}
        action = copy.deepcopy(action)
        self._actions.append(action)
        return self._advance(action)

    def observation_terms(self) -> list[ObservationTerm]:
        """What the numbers of an observation mean, as far as the space tells."""
        return observation_terms_of(self.observation_space)

    def action_terms(self) -> list[ActionTerm]:
        """What the numbers of an action mean, as far as the space tells."""
        return action_terms_of(self.action_space)

    @property
    def control_dt(self) -> float | None:
        """Seconds of simulated time in one step, where the world tells (as ``dt``, or as ``tau``)."""
        for name in ("dt", "tau"):
            seconds = getattr(self.unwrapped, name, None)
            if isinstance(seconds, int | float) and seconds > 0:
                return float(seconds) * self.config.action_repeat
        return None

    def resume_state(self) -> dict[str, Any]:
        """What `restore_state` needs (plain values and arrays)."""
        return {
            "begun": self._begun,
            "actions": np.asarray(self._actions),
            "last": self._last,
            "rng": self.unwrapped.np_random.bit_generator.state,
        }

    def restore_state(self, state: dict[str, Any]) -> bool:
        """Go to the point at which `resume_state` was called; False when replaying does not lead there."""
        begun = state["begun"]
        if begun is None:
            return True
        if begun["rng"] is not None:
            self.unwrapped.np_random.bit_generator.state = begun["rng"]
        self._begun, self._actions = begun, [np.array(action)[()] for action in state["actions"]]
        self._last, _ = self.env.reset(seed=begun["seed"], options=begun["options"])
        for action in self._actions:
            self._advance(action)
        if _same(self._last, state["last"]):
            self.unwrapped.np_random.bit_generator.state = state["rng"]
            return True
        self._last, self._lost = state["last"], True
        return False

    def _advance(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        total = 0.0
        for _ in range(self.config.action_repeat):
            with interface_is_todays(self.env_id, "step"):
                self._last, reward, terminated, truncated, info = self.env.step(action)
            if not self._step_checked:
                check_observation(self.env_id, _as_arrays(self._last), self.observation_space)
                check_reward(self.env_id, reward, info.get("reward_terms", {}))
                self._step_checked = True
            total += float(reward)
            if terminated or truncated:
                break
        return self._last, total, terminated, truncated, _kept(info)


@cache
def foreign_world(env_id: str) -> type[ForeignWorld]:
    """The class of this id; its ``metadata`` is that of the world, where it can be imported."""
    entry_point = gym.spec(env_id).entry_point
    try:
        creator = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
        metadata = dict(getattr(creator, "metadata", {}))
    except (ImportError, gym.error.Error):
        metadata = {}
    told = {**ForeignWorld.metadata, **metadata}
    return type("ForeignWorld", (ForeignWorld,), {"env_id": env_id, "metadata": told, "__module__": __name__})


def _kept(info: dict[str, Any]) -> dict[str, Any]:
    return {name: info[name] for name in KEPT if name in info}


def _as_arrays(observation: Any) -> Any:
    """Numbers and lists of numbers, which Gymnasium takes for arrays, as arrays, also within a dictionary or tuple."""
    if isinstance(observation, dict):
        return {name: _as_arrays(part) for name, part in observation.items()}
    if isinstance(observation, tuple):
        return tuple(_as_arrays(part) for part in observation)
    return np.asarray(observation) if isinstance(observation, list | float | np.floating) else observation


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return (
            isinstance(other, dict) and one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
        )
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return np.array_equal(one, other)
