"""``MobileRobotGymEnv-v0``: a robot that drives to a target in a walled arena."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.batched.single import BatchedGymEnv
from environments.batched.world import ALL, BatchedWorld, Outcome, Rows
from environments.mobile_robot.config import MobileRobotConfig

if TYPE_CHECKING:
    from environments.mobile_robot.drawing import MobileRobotCamera

DIRECTIONS = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
"""Discrete actions: -x, +x, -y, +y."""


class MobileRobotWorld(BatchedWorld):
    """N mobile robots. A move that would bring a robot too near a wall is a bump, and is cancelled whole.

    The sparse reward of a move is -1 for a bump, else +1 within reach of the target, else 0; the dense one
    (``shape_reward``) is minus the distance to the target. Neither ends the episode, which lasts ``max_steps``.
    Success is to be within reach of the target, so an episode succeeds if it ends there.

    The robot is kinematic and its walls' margins never turn. Its heading, the direction of the last move that it
    tried (+x at first), is only drawn.

    Attributes:
        position: ``(N, 2) float64``, metres.
        facing: ``(N, 2) float64``, the last move that was not zero.
        target: ``(N, 2) float64``, metres.
        noise: ``(N, max_steps * action_repeat) float64``, added to the lengths of the moves; no columns without noise.
    """

    config: MobileRobotConfig
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
            return spaces.Discrete(len(DIRECTIONS))
        return spaces.Box(-1.0, 1.0, (2,), np.float32)

    def ground_truth_dim(self) -> int:
        return 2 if self.config.relative_pos else 4

    def term_names(self) -> tuple[str, ...]:
        return ("distance",) if self.config.shape_reward else ("target", "bump")

    def _draw_episode(self, rng: np.random.Generator) -> np.ndarray:
        config = self.config
        draws = rng.random(4 if config.random_target else 2)
        if config.noise_std:
            draws = np.concatenate([draws, rng.normal(0, config.noise_std, self.noise.shape[1])])
        return draws

    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        config = self.config
        self.position[rows] = config.arena_size / 2 + config.start_half_width * (2 * draws[:, :2] - 1)
        self.facing[rows] = (1.0, 0.0)
        if config.random_target:
            room = config.arena_size - 2 * config.target_margin
            self.target[rows] = config.target_margin + room * draws[:, 2:4]
        if config.noise_std:
            self.noise[rows] = draws[:, draws.shape[1] - self.noise.shape[1] :]

    def _advance(self, actions: np.ndarray) -> Outcome:
        config = self.config
        length: float | np.ndarray = config.step_length
        if config.noise_std:
            length = length + self.noise[np.arange(self.num_envs), self.applied][:, None]
        moves = (DIRECTIONS[actions] if config.is_discrete else actions.astype(np.float64)) * length
        places = self.position + moves
        outside = (places < self.low) | (places > self.high)
        bump = outside[:, 0] | outside[:, 1]
        np.copyto(self.position, places, where=~bump[:, None])
        np.copyto(self.facing, moves, where=(moves[:, :1] != 0) | (moves[:, 1:] != 0))
        offset = self.position - self.target
        distance = np.sqrt(offset[:, 0] ** 2 + offset[:, 1] ** 2)
        within = distance <= config.reach
        if config.shape_reward:
            terms = -distance[None]
        else:
            terms = np.empty((2, self.num_envs))
            terms[0] = within & ~bump
            terms[1] = np.where(bump, -1.0, 0.0)
        return Outcome(terms, np.zeros(self.num_envs, np.bool_), within)

    def ground_truth(self, rows: Rows = ALL) -> np.ndarray:
        position, target = self.position[rows], self.target[rows]
        if self.config.relative_pos:
            return (position - target).astype(np.float32)
        return np.concatenate([position, target], axis=1).astype(np.float32)

    def target_pos(self, rows: Rows = ALL) -> np.ndarray:
        return self.target[rows].copy()

    def images(self, rows: Rows = ALL) -> np.ndarray:
        if self._camera is None:
            from environments.mobile_robot.drawing import MobileRobotCamera

            self._camera = MobileRobotCamera(self.config)
        return self._camera.draw(self.position[rows], self.facing[rows], self.target[rows])


class MobileRobotGymEnv(BatchedGymEnv):
    """One mobile robot; see `MobileRobotWorld` for its rules and `MobileRobotConfig` for its parameters.

    Actions: 4 discrete ones (-x, +x, -y, +y by ``step_length``), or two numbers in [-1, 1] times it.
    Ground truth: position minus the target's, ``(2,) float32``, metres.
    """

    config_class = MobileRobotConfig
    world_class = MobileRobotWorld
