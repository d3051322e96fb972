"""``MobileRobotGymEnv-v0``: a robot that drives to a target in a walled arena."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.batched.single import BatchedGymEnv
from environments.batched.srl_world import SRLWorld
from environments.batched.world import ALL, Rows, SubstepResult
from environments.mobile_robot.config import MobileRobotConfig
from environments.terms import ActionTerm, ObservationTerm, discrete_term, place_terms

if TYPE_CHECKING:
    from environments.mobile_robot.drawing import MobileRobotCamera

DIRECTIONS = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
"""Discrete actions: -x, +x, -y, +y."""


class MobileRobotWorld(SRLWorld):
    """N mobile robots. A move that would bring a robot too near a wall is a bump, and is cancelled whole.

    The sparse reward of a move is -1 for a bump, else +1 within reach of the target, else 0; the dense one
    (``shape_reward``) is minus the distance to the target. Neither ends the episode, which lasts ``max_steps``.
    Success is to be within reach of the target, so an episode succeeds if it ends there.

    The robot is kinematic and its walls' margins never turn. Its heading, the direction of the last move that it
    tried (+x at first), is only drawn.

    The variants of this world derive from it and replace what differs: the moves, the target, the picture.

    Attributes:
        axes: along how many axes, from x on, the robot moves; along the others it stays in the middle.
        position: ``(N, 2) float64``, metres.
        facing: ``(N, 2) float64``, the last move that was not zero.
        target: ``(N, 2) float64``, metres.
        noise: ``(N, max_steps * action_repeat) float64``, added to the lengths of the moves; no columns without noise.
    """

    config: MobileRobotConfig
    axes: ClassVar[int] = 2
    state_arrays: ClassVar[tuple[str, ...]] = ("position", "facing", "target", "noise")

    def __init__(self, config: MobileRobotConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        margins = np.array([config.x_margin, config.y_margin])
        self.low, self.high = margins, config.arena_size - margins
        self.position = np.zeros((num_envs, 2))
        self.facing = np.zeros((num_envs, 2))
        self.target = np.tile(np.array(config.target), (num_envs, 1))
        self.noise = np.zeros((num_envs, config.max_steps * config.action_repeat if config.noise_std else 0))
        self._camera: MobileRobotCamera | None = None

    def _make_action_space(self) -> spaces.Space[Any]:
        if self.config.is_discrete:
            return spaces.Discrete(2 * self.axes)
        return spaces.Box(-1.0, 1.0, (2,), np.float32)

    def ground_truth_dim(self) -> int:
        return self.axes * (1 if self.config.relative_pos else 2)

    def ground_truth_terms(self) -> list[ObservationTerm]:
        names = ("x", "y")[: self.axes]
        return place_terms(names, relative=self.config.relative_pos)

    def action_terms(self) -> list[ActionTerm]:
        length = self.config.step_length
        if self.config.is_discrete:
            return [discrete_term(("-x", "+x", "-y", "+y")[: 2 * self.axes])]
        return [ActionTerm(f"d{axis}", index, unit="m", scale=length) for index, axis in enumerate("xy")]

    def term_names(self) -> tuple[str, ...]:
        return ("distance",) if self.config.shape_reward else ("target", "bump")

    def _draw_episode(self, rng: np.random.Generator) -> np.ndarray:
        config = self.config
        draws = rng.random(self.axes + (self._target_draws() if config.random_target else 0))
        if config.noise_std:
            draws = np.concatenate([draws, rng.normal(0, config.noise_std, self.noise.shape[1])])
        return draws

    def _target_draws(self) -> int:
        """How many numbers a random target takes."""
        return self.axes

    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        config, axes = self.config, self.axes
        self.position[rows] = config.arena_size / 2
        self.position[rows, :axes] += config.start_half_width * (2 * draws[:, :axes] - 1)
        self.facing[rows] = (1.0, 0.0)
        if config.random_target:
            self._place_targets(rows, draws[:, axes : axes + self._target_draws()])
        if config.noise_std:
            self.noise[rows] = draws[:, draws.shape[1] - self.noise.shape[1] :]

    def _place_targets(self, rows: np.ndarray, draws: np.ndarray) -> None:
        """Put random targets, made from ``draws (K, _target_draws)`` in [0, 1)."""
        self.target[rows, : self.axes] = self._within_margins(draws)

    def _within_margins(self, draws: np.ndarray) -> np.ndarray:
        """Numbers in [0, 1) to coordinates in the arena, ``target_margin`` from its walls."""
        config = self.config
        return config.target_margin + (config.arena_size - 2 * config.target_margin) * draws

    def _distance(self) -> np.ndarray:
        """``(N,) float64``: how far the robots are from their targets, metres."""
        offset = self.position - self.target
        return np.sqrt(offset[:, 0] ** 2 + offset[:, 1] ** 2)

    def _substep(self, actions: np.ndarray) -> SubstepResult:
        config = self.config
        length: float | np.ndarray = config.step_length
        if config.noise_std:
            length = length + self.noise[np.arange(self.num_envs), self.applied][:, None]
        moves = (np.take(DIRECTIONS, actions, axis=0) if config.is_discrete else actions.astype(np.float64)) * length
        places = self.position + moves
        outside = (places < self.low) | (places > self.high)
        bump = outside[:, 0] | outside[:, 1]
        np.copyto(self.position, places, where=~bump[:, None])
        np.copyto(self.facing, moves, where=(moves[:, :1] != 0) | (moves[:, 1:] != 0))
        distance = self._distance()
        within = distance <= config.reach
        if config.shape_reward:
            terms = -distance[None]
        else:
            terms = np.empty((2, self.num_envs))
            terms[0] = within & ~bump
            terms[1] = np.where(bump, -1.0, 0.0)
        return SubstepResult(terms, np.zeros(self.num_envs, np.bool_), within)

    def ground_truth(self, rows: Rows = ALL) -> np.ndarray:
        position, target = self.position[rows, : self.axes], self.target[rows, : self.axes]
        if self.config.relative_pos:
            return (position - target).astype(np.float32)
        return np.concatenate([position, target], axis=1).astype(np.float32)

    def target_pos(self, rows: Rows = ALL) -> np.ndarray:
        return self.target[rows, : self.axes].copy()

    def images(self, rows: Rows = ALL) -> np.ndarray:
        if self._camera is None:
            self._camera = self._make_camera()
        return self._draw(self._camera, rows)

    def _make_camera(self) -> "MobileRobotCamera":
        from environments.mobile_robot.drawing import MobileRobotCamera

        return MobileRobotCamera(self.config)

    def _draw(self, camera: "MobileRobotCamera", rows: Rows) -> np.ndarray:
        """The pictures of these robots."""
        return camera.draw(self.position[rows], self.facing[rows], self.target[rows][:, None])


class MobileRobotGymEnv(BatchedGymEnv):
    """One mobile robot; see `MobileRobotWorld` for its rules and `MobileRobotConfig` for its parameters.

    Actions: 4 discrete ones (-x, +x, -y, +y by ``step_length``), or two numbers in [-1, 1] times it.
    Ground truth: position minus the target's, ``(2,) float32``, metres.
    """

    config_class = MobileRobotConfig
    world_class = MobileRobotWorld
