"""The robots whose trajectories are recorded. None is reset when its episode ends: the last moment is seen too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces

from environments.batched.world import BatchedWorld
from environments.config import PIXELS
from environments.registry import ThreadingType, find_env
from environments.scenes.parts import ScenePart
from environments.terms import ActionTerm
from rl_baselines.recordings.recording import TERMINATED, TIME_LIMIT
from rl_baselines.vec_envs.infos import REWARD_TERMS
from rl_baselines.vec_envs.monitor import make_env
from srl3.errors import UserError

Observations = np.ndarray | Mapping[str, np.ndarray]
"""of n robots, as the world gives them"""
VIEW_SHAPE = (240, 240)
"""height and width of the pictures of a world that is not observed through them"""


@dataclass(frozen=True)
class Stepped:
    """One step of n robots."""

    observations: Observations
    rewards: np.ndarray
    """``(n,) float64``"""
    terms: np.ndarray
    """``(n, K) float64``"""
    endings: dict[int, tuple[str, bool | None]]
    """of the robots whose episode ended: why, and whether they succeeded"""


class Robots(Protocol):
    """n robots that begin together."""

    count: int
    parts: Sequence[ScenePart]
    """what is drawn of each; empty in a world of pictures"""
    draws: bool
    """whether `pictures` gives some"""

    def begin(self, seed: int) -> Observations:
        """New episodes, robot i's from ``seed + i``."""
        ...

    def stay_at(self, control_steps: int) -> None:
        """Keep a curriculum where it is after so many control steps."""
        ...

    def step(self, actions: np.ndarray) -> Stepped:
        """One step of all; what those do whose episode is over means nothing."""
        ...

    def masks(self) -> np.ndarray | None:
        """``(n, actions) bool``: allowed actions, where the world has such."""
        ...

    def poses(self) -> np.ndarray:
        """``(n, parts, 7)``"""
        ...

    def pictures(self) -> Sequence[np.ndarray]:
        """One of each, ``(H, W, 3) uint8``."""
        ...

    def term_names(self) -> tuple[str, ...]:
        """K names; known after the first step."""
        ...

    def action_terms(self) -> list[ActionTerm]:
        """What the numbers of an action mean; empty where the world does not say."""
        ...

    @property
    def control_dt(self) -> float | None:
        """Seconds of simulated time in a step; None for a world without time."""
        ...

    def close(self) -> None:
        """End engines."""
        ...


class WorldRobots:
    """The robots of a batched world.

    Args:
        world: of as many as are recorded.
    """

    def __init__(self, world: BatchedWorld) -> None:
        self.world = world
        self.count = world.num_envs
        self.parts: Sequence[ScenePart] = world.scene_parts() or ()
        self.draws = not self.parts

    def begin(self, seed: int) -> Observations:
        self.world.seed([seed + row for row in range(self.count)])
        self.world.reset()
        return self.world.arrays.to_numpy(self.world.observe())

    def stay_at(self, control_steps: int) -> None:
        self.world.stay_at(control_steps)

    def step(self, actions: np.ndarray) -> Stepped:
        to_numpy = self.world.arrays.to_numpy
        step = self.world.step(actions)
        terminated, truncated = to_numpy(step.terminated), to_numpy(step.truncated)
        reasons = {name: to_numpy(flags) for name, flags in step.endings.items()}
        success = to_numpy(step.success)
        endings = {}
        for row in np.flatnonzero(terminated | truncated).tolist():
            given = [name for name, flags in reasons.items() if flags[row]]
            ending = ", ".join(given) or (TERMINATED if terminated[row] else TIME_LIMIT)
            endings[row] = ending, bool(success[row]) if self.world.reports_success else None
        rewards, terms = to_numpy(step.reward).astype(np.float64), to_numpy(step.terms).astype(np.float64)
        return Stepped(to_numpy(self.world.observe()), rewards, terms.T, endings)

    def masks(self) -> np.ndarray | None:
        return None

    def poses(self) -> np.ndarray:
        poses = self.world.scene_poses()
        assert poses is not None
        return poses

    def pictures(self) -> Sequence[np.ndarray]:
        return list(self.world.images()[..., :3])

    def term_names(self) -> tuple[str, ...]:
        return self.world.term_names()

    def action_terms(self) -> list[ActionTerm]:
        return self.world.action_terms()

    @property
    def control_dt(self) -> float | None:
        return self.world.control_dt

    def close(self) -> None:
        self.world.close()


class EngineRobot:
    """One robot of an engine, or of Gymnasium's registry.

    Args:
        env: with spaces that algorithms take.
    """

    count = 1

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self.env = env
        self.parts: Sequence[ScenePart] = self._ask("scene_parts") or ()
        self.draws = not self.parts and env.render_mode == "rgb_array"
        self._names: tuple[str, ...] = ()

    def begin(self, seed: int) -> Observations:
        observation, _ = self.env.reset(seed=seed)
        return self._of_one(observation)

    def stay_at(self, control_steps: int) -> None:
        """Engines have no curriculum."""

    def step(self, actions: np.ndarray) -> Stepped:
        action = np.asarray(actions[0]).astype(self.env.action_space.dtype)[()]
        observation, reward, terminated, truncated, info = self.env.step(action)
        terms = info.get(REWARD_TERMS, {})
        self._names = self._names or tuple(terms)
        values = np.array([[float(terms.get(name, 0.0)) for name in self._names]], np.float64)
        endings = {}
        if terminated or truncated:
            success = bool(info["is_success"]) if "is_success" in info else None
            endings[0] = TERMINATED if terminated else TIME_LIMIT, success
        return Stepped(self._of_one(observation), np.array([float(reward)]), values, endings)

    def masks(self) -> np.ndarray | None:
        masks = self._ask("action_masks")
        return None if masks is None else np.asarray(masks)[None]

    def poses(self) -> np.ndarray:
        return np.asarray(self._ask("scene_poses"))[None]

    def pictures(self) -> Sequence[np.ndarray]:
        return [np.asarray(self.env.render())]

    def term_names(self) -> tuple[str, ...]:
        return self._names

    def action_terms(self) -> list[ActionTerm]:
        return list(self._ask("action_terms") or [])

    @property
    def control_dt(self) -> float | None:
        seconds = self._ask("control_dt")
        return float(seconds) if seconds else None

    def close(self) -> None:
        self.env.close()

    def _ask(self, name: str) -> Any:
        """What the world's attribute or method of that name gives; None without."""
        try:
            value = self.env.get_wrapper_attr(name)
        except AttributeError:
            return None
        return value() if callable(value) else value

    def _of_one(self, observation: Any) -> Observations:
        space = self.env.observation_space
        if isinstance(space, spaces.Dict):
            return {name: np.asarray(observation[name], leaf.dtype)[None] for name, leaf in space.items()}
        return np.asarray(observation, space.dtype)[None]


def make_robots(env_id: str, env_kwargs: Mapping[str, Any], count: int) -> Robots:
    """Robots to be recorded: ``count`` of a batched world at once, or one, which begins again, of an engine.

    A world without a scene draws pictures, where it can.

    Args:
        env_id: key of ``registered_env``.
        env_kwargs: fields of the world's configuration.
        count: how many at once, where the world steps them as arrays.

    Raises:
        UserError: when the world can't be made.
    """
    entry = find_env(env_id)
    kwargs = {**env_kwargs, "renders": False}
    seen = dict(kwargs)
    if kwargs.get("srl_model") != PIXELS and entry.load_config().has("img_shape"):
        seen["img_shape"] = VIEW_SHAPE
    if entry.threading is ThreadingType.BATCHED:
        from environments.batched import make_batched_vec_env

        return WorldRobots(make_batched_vec_env(env_id, num_envs=count, **seen).world)
    robot = EngineRobot(make_env(env_id, kwargs))
    if robot.parts or "rgb_array" not in entry.load_class().metadata["render_modes"]:
        return robot
    robot.close()
    robot = EngineRobot(make_env(env_id, seen, "rgb_array"))
    try:
        robot.begin(0)
        robot.pictures()
    except UserError:
        raise
    except Exception as error:  # of whichever library draws there
        robot.close()
        raise UserError(
            f"{env_id} draws no pictures on this machine ({type(error).__name__}: {' '.join(str(error).split())}); "
            "leave out --record-trajectories, or set MUJOCO_GL=egl where its engine is MuJoCo's."
        ) from None
    return robot
