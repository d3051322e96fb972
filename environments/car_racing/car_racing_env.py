"""`CarRacingGymEnv`: Gymnasium's racing car with this project's actions, rewards and states."""

import os
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.error import DependencyNotInstalled

from environments.car_racing.config import CarRacingConfig
from environments.srl_env import SRLGymEnv
from environments.terms import ActionTerm, ObservationTerm, discrete_term, place_terms
from srl3.errors import UserError

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # its greeting would go to standard output
try:
    from gymnasium.envs.box2d.car_racing import FPS, CarRacing

    from environments.car_racing.drawing import CarPicture
except DependencyNotInstalled as error:
    raise UserError(
        f"{CarRacingConfig.env_id} needs Box2D and pygame, which are not installed; install the extra: "
        "pip install 'srl3[box2d]'."
    ) from error

CONTROLS = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 0, 1)], np.float32)
"""Steer (right is positive), gas and brake of discrete actions 0 to 3."""


class _Engine(CarRacing):
    """Gymnasium's car, whose steps draw nothing."""

    def _render(self, mode: str) -> None:
        """Called by every step; `CarPicture` draws instead, when a picture is wanted."""

    def free(self) -> None:
        """Destroy what is in the world: bodies refer to themselves, so the world alone would leave them behind."""
        self._destroy()


class CarRacingGymEnv(SRLGymEnv):
    """Drive over all tiles of a track, fast.

    Actions: ``Discrete(4)`` (steer right, steer left, gas, brake: full, and the other controls at rest), or a ``Box``
    of steer (1 is right), gas and brake in [-1, 1], where gas and brake below 0 are at rest.

    Reward: ``step_reward`` and, for every tile first touched, ``track_reward / number of tiles`` (those under the car
    at the start are paid in the first step); the step that leaves the playfield pays ``outside_reward`` instead, and
    ends the episode. The episode also ends, as a success, when all tiles have been touched.

    Ground truth, ``(5,) float32``: x and y relative to the target, the car's angle (radians, growing to the left),
    its speed (metres per second) and angular velocity (radians per second). With ``relative_pos=False``, ``(7,)``:
    x, y, angle, speed, angular velocity, then the target's x and y. The target is a point of the track ahead.

    Physics and tracks are Gymnasium's ``CarRacing-v3``. No window, X server or pygame display is opened.
    """

    config_class: ClassVar[type[CarRacingConfig]] = CarRacingConfig
    config: CarRacingConfig
    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": 50}

    def __init__(self, render_mode: str | None = None, **env_kwargs: Any) -> None:
        super().__init__(render_mode, **env_kwargs)
        self._engine: _Engine | None = None
        self._picture: CarPicture | None = None
        self._centres = np.zeros((0, 2))
        self._n_paid = 0

    def ground_truth_dim(self) -> int:
        return 5 if self.config.relative_pos else 7

    @property
    def control_dt(self) -> float:
        return self.config.action_repeat / FPS

    def ground_truth_terms(self) -> list[ObservationTerm]:
        place, *target = place_terms(("x", "y"), relative=self.config.relative_pos, agent="car_pos")
        motion = [
            ObservationTerm("car_yaw", 1, unit="rad", frame="world"),
            ObservationTerm("car_speed", 1, unit="m/s"),
            ObservationTerm("car_yaw_rate", 1, unit="rad/s"),
        ]
        return [place, *motion, *target]

    def action_terms(self) -> list[ActionTerm]:
        if self.config.is_discrete:
            return [discrete_term(("steer right", "steer left", "gas", "brake"))]
        return [ActionTerm(name, index) for index, name in enumerate(("steer", "gas", "brake"))]

    @property
    def track(self) -> np.ndarray:
        """``(number of tiles, 2) float64``: middle of the road at each tile, in driving order."""
        return self._centres

    def car_pose(self) -> tuple[float, float, float]:
        """The car's x, y (metres) and angle (radians; at 0 it looks along y)."""
        hull = self._car.hull
        return hull.position[0], hull.position[1], hull.angle

    def target_pos(self) -> np.ndarray:
        """``(2,) float64``, metres."""
        x, y, _ = self.car_pose()
        nearest = int(np.argmin(np.square(self._centres - (x, y)).sum(axis=1)))
        return self._centres[(nearest + self.config.tiles_ahead) % len(self._centres)].copy()

    def ground_truth(self) -> np.ndarray:
        hull = self._car.hull
        x, y, angle = self.car_pose()
        motion = (angle, hull.linearVelocity.length, hull.angularVelocity)
        target_x, target_y = self.target_pos()
        if self.config.relative_pos:
            return np.array((x - target_x, y - target_y, *motion), np.float32)
        return np.array((x, y, *motion, target_x, target_y), np.float32)

    def get_image(self) -> np.ndarray:
        if self._engine is None:
            raise RuntimeError(f"{self.config.env_id}: call reset() before drawing")
        if self._picture is None:
            self._picture = CarPicture(self._engine, self.config.img_shape)
        return self._picture.draw()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.free()
        self._engine = self._picture = None

    @property
    def _car(self) -> Any:
        assert self._engine is not None, f"{self.config.env_id}: call reset() first"
        return self._engine.car

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Discrete(len(CONTROLS)) if self.config.is_discrete else spaces.Box(-1.0, 1.0, (3,), np.float32)

    def _reset_world(self) -> None:
        self.close()
        # an engine of its own for every episode: what Box2D solves, and in which order, owes nothing to the last one
        engine = _Engine(lap_complete_percent=self.config.lap_complete_fraction)
        engine.np_random = self.np_random
        engine.reset()
        self._engine = engine
        self._centres = np.array([tile[2:4] for tile in engine.track])
        self._n_paid = 0

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        config, engine = self.config, self._engine
        assert engine is not None
        controls = CONTROLS[action] if config.is_discrete else action
        _, _, terminated, _, info = engine.step(controls)
        success = bool(info.get("lap_finished"))
        if terminated and not success:
            terms = {"step": 0.0, "tiles": 0.0, "outside": config.outside_reward}
        else:
            touched = engine.tile_visited_count - self._n_paid
            tiles = config.track_reward * touched / len(self._centres)
            terms = {"step": config.step_reward, "tiles": tiles, "outside": 0.0}
        self._n_paid = engine.tile_visited_count
        return sum(terms.values()), terms, terminated, success
