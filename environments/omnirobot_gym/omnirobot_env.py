"""``OmnirobotEnv-v0``: a small robot that moves in any direction on a square floor, with seven tasks."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.batched.single import BatchedGymEnv
from environments.batched.srl_world import SRLWorld
from environments.batched.world import ALL, Rows, SubstepResult
from environments.omnirobot_gym import tasks
from environments.omnirobot_gym.config import PATHS, OmnirobotConfig, Task
from environments.terms import ActionTerm, ObservationTerm, discrete_term, place_terms

if TYPE_CHECKING:
    from environments.omnirobot_gym.drawing import OmnirobotCamera

DIRECTIONS = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
"""Discrete actions: forward (+x), backward (-x), left (+y), right (-y); the robot itself never turns."""
SIZES = 5
"""Sizes of markers that are told apart: 1 + ``marker_size_noise`` times -2, -1, 0, 1, 2."""


class OmnirobotWorld(SRLWorld):
    """N Omnirobots. `environments.omnirobot_gym.tasks` has the rewards, `OmnirobotConfig` the parameters.

    A robot is commanded to a place, and ends up near it: at the place plus noise, which does not add up over moves.
    A move that would bring it from where it is to the bound is a bump, and is refused. The chased target moves before
    the reward is given, the hunting one afterwards. Episodes last ``max_steps``, or, with ``contacts_to_end``, until
    the target has been reached for so many steps.

    Success is to be, at the end, at the target, at the right distance of the chased target, or apart from the hunting
    one. The tasks around the centre report no success.

    Attributes:
        position: ``(N, 2) float64``, metres.
        command: ``(N, 2) float64``, where the moves would have brought the robots without noise.
        yaw: ``(N,) float64``, radians; only drawn.
        target: ``(N, 2) float64``, metres.
        target_yaw: ``(N,) float64``, radians; only drawn.
        sizes: ``(N, 2) int64``, of the robot's and the target's marker, below `SIZES`; only drawn.
        contacts: ``(N,) int64``, steps at the target in the current episodes.
        recent: ``(N, history, 2) float64``, place m % history is the position after move m; only for tasks around the
            centre.
        noise: ``(N, moves of an episode + 1, 4) float64``, standard normal: x, y, yaw, luminosity; the first is the
            start's. No columns without noise.
        overshoot: ``(N, moves of an episode) float64``, in [0, 1), of the hunting target; else no columns.
    """

    config: OmnirobotConfig
    state_arrays: ClassVar[tuple[str, ...]] = (
        "position",
        "command",
        "yaw",
        "target",
        "target_yaw",
        "sizes",
        "contacts",
        "recent",
        "noise",
        "overshoot",
    )

    def __init__(self, config: OmnirobotConfig, num_envs: int) -> None:
        super().__init__(config, num_envs)
        moves = config.max_steps * config.action_repeat
        noisy = any((config.position_noise, config.yaw_noise, config.marker_size_noise, config.luminosity_noise))
        self.position = np.zeros((num_envs, 2))
        self.command = np.zeros((num_envs, 2))
        self.yaw = np.zeros(num_envs)
        self.target = np.tile(np.array(config.target), (num_envs, 1))
        self.target_yaw = np.zeros(num_envs)
        self.sizes = np.full((num_envs, 2), SIZES // 2, np.int64)
        self.contacts = np.zeros(num_envs, np.int64)
        self.recent = np.zeros((num_envs, config.history if config.task in PATHS else 0, 2))
        self.noise = np.zeros((num_envs, moves + 1 if noisy else 0, 4))
        self.overshoot = np.zeros((num_envs, moves if config.task is Task.ESCAPE else 0))
        self._rows = np.arange(num_envs)
        angles = np.pi * (2 * np.arange(config.chase_period) / config.chase_period - 1)
        self._round = config.target_step * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self._camera: OmnirobotCamera | None = None

    @property
    def reports_success(self) -> bool:
        return self.config.task not in PATHS

    def _make_action_space(self) -> spaces.Space[Any]:
        if self.config.is_discrete:
            return spaces.Discrete(len(DIRECTIONS))
        return spaces.Box(-1.0, 1.0, (2,), np.float32)

    def ground_truth_dim(self) -> int:
        return 2 if self._observes_relative else 4

    @property
    def _observes_relative(self) -> bool:
        return self.config.relative_pos and self.config.task is not Task.ESCAPE

    def ground_truth_terms(self) -> list[ObservationTerm]:
        return place_terms(("x", "y"), relative=self._observes_relative)

    def action_terms(self) -> list[ActionTerm]:
        if self.config.is_discrete:
            return [discrete_term(("+x", "-x", "+y", "-y"))]
        return [
            ActionTerm(f"d{axis}", index, unit="m", scale=self.config.step_length) for index, axis in enumerate("xy")
        ]

    def term_names(self) -> tuple[str, ...]:
        return tasks.term_names(self.config)

    # episodes

    def _draw_episode(self, rng: np.random.Generator) -> np.ndarray:
        uniform = rng.random(5 + self.overshoot.shape[1])
        if not self.noise.shape[1]:
            return uniform
        return np.concatenate([uniform, rng.standard_normal(2 + 4 * self.noise.shape[1])])

    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        config, uniform = self.config, 5 + self.overshoot.shape[1]
        self.command[rows] = config.start_half_width * (2 * draws[:, :2] - 1)
        self.position[rows] = self.command[rows]
        self.yaw[rows] = 0
        if config.draws_target:
            self.target[rows] = config.target_half_width * (2 * draws[:, 2:4] - 1)
        self.target_yaw[rows] = np.pi * (2 * draws[:, 4] - 1)
        self.overshoot[rows] = draws[:, 5:uniform]
        if self.noise.shape[1]:
            sizes, self.noise[rows] = draws[:, uniform : uniform + 2], draws[:, uniform + 2 :].reshape(len(rows), -1, 4)
            self.sizes[rows] = np.clip(np.rint(sizes), -(SIZES // 2), SIZES // 2) + SIZES // 2
            self.position[rows] += config.position_noise * self.noise[rows, 0, :2]
            self.yaw[rows] = config.yaw_noise * self.noise[rows, 0, 2]
        self.contacts[rows] = 0
        self.recent[rows] = self.position[rows, None]

    # moves

    def _substep(self, actions: np.ndarray) -> SubstepResult:
        config, task = self.config, self.config.task
        bump = self._move(actions)
        terminated = np.zeros(self.num_envs, np.bool_)
        if task in PATHS:
            displacement = self._displacement()
            return SubstepResult(tasks.path_terms(config, self.position, displacement, bump), terminated, terminated)
        if task is Task.CHASE:
            self.target = self.next_chased_target()
        offset = self.target - self.position
        distance = np.sqrt(offset[:, 0] ** 2 + offset[:, 1] ** 2)
        if task is Task.CHASE:
            near = (distance > config.chase_near) & (distance < config.chase_far)
            return SubstepResult(tasks.target_terms(near, bump), terminated, near)
        if task is Task.ESCAPE:
            apart = distance >= config.escape_distance
            self._move_hunting_target(-offset)
            return SubstepResult(tasks.escape_terms(apart, bump), terminated, apart)
        within = distance < config.reach
        if config.contacts_to_end:
            self.contacts += within
            terminated = self.contacts >= config.contacts_to_end
        terms = -distance[None] if config.shape_reward else tasks.target_terms(within, bump)
        return SubstepResult(terms, terminated, within)

    def _move(self, actions: np.ndarray) -> np.ndarray:
        """Move the robots; ``(N,) bool``: which bumped, and stayed."""
        config = self.config
        if config.is_discrete:
            moves = config.step_length * np.take(DIRECTIONS, actions, axis=0)
        else:
            moves = actions.astype(np.float64)
            length = np.sqrt(moves[:, 0] ** 2 + moves[:, 1] ** 2)
            moves *= (config.step_length / np.maximum(length, 1))[:, None]
        # a robot that noise put beyond a bound can still go along it
        outside = (np.abs(self.position + moves) >= config.bound) & (moves != 0)
        bump = outside[:, 0] | outside[:, 1]
        free = ~bump
        moves *= free[:, None]
        self.command += moves
        if not self.noise.shape[1]:
            self.position[:] = self.command
            return bump
        noise = self.noise[self._rows, self.applied + 1]
        np.copyto(self.position, self.command + config.position_noise * noise[:, :2], where=free[:, None])
        np.copyto(self.yaw, config.yaw_noise * noise[:, 2], where=free)
        return bump

    def _displacement(self) -> np.ndarray:
        """``(N,)``: how far the robots are from where they were ``history`` moves ago, or started; remembers them."""
        place = (self.applied + 1) % self.config.history
        # until it is overwritten for the first time, every place holds the start
        offset = self.position - self.recent[self._rows, place]
        self.recent[self._rows, place] = self.position
        return np.sqrt(offset[:, 0] ** 2 + offset[:, 1] ** 2)

    def next_chased_target(self) -> np.ndarray:
        """``(N, 2)``: where the chased targets go with their next move; they stay where it would reach the bound."""
        places = self.target + self._round[(self.applied + 1) % self.config.chase_period]
        outside = np.abs(places) >= self.config.bound
        np.copyto(places, self.target, where=(outside[:, :1] | outside[:, 1:]))
        return places

    def _move_hunting_target(self, offset: np.ndarray) -> None:
        """One move along the axis on which the robots are farther away (at ``offset (N, 2)``), within the bounds."""
        config = self.config
        axis = (np.abs(offset[:, 1]) > np.abs(offset[:, 0])).astype(np.intp)
        length = config.target_step * (1 + config.escape_overshoot * self.overshoot[self._rows, self.applied])
        places = self.target[self._rows, axis] + np.sign(offset[self._rows, axis]) * length
        self.target[self._rows, axis] = np.clip(places, -config.bound, config.bound)

    # what is seen

    def ground_truth(self, rows: Rows = ALL) -> np.ndarray:
        position, target = self.position[rows], self.target[rows]
        if self._observes_relative:
            return (position - target).astype(np.float32)
        return np.concatenate([position, target], axis=1).astype(np.float32)

    def target_pos(self, rows: Rows = ALL) -> np.ndarray:
        return self.target[rows].copy()

    def images(self, rows: Rows = ALL) -> np.ndarray:
        if self._camera is None:
            from environments.omnirobot_gym.drawing import OmnirobotCamera

            self._camera = OmnirobotCamera(self.config, SIZES)
        frames = self._camera.draw(
            self.position[rows], self.yaw[rows], self.target[rows], self.target_yaw[rows], self.sizes[rows]
        )
        if self.config.luminosity_noise:
            noise = self.noise[self._rows[rows], self.applied[rows], 3]
            self._camera.brighten(frames, 1 + self.config.luminosity_noise * noise)
        return frames


class OmnirobotEnv(BatchedGymEnv):
    """One Omnirobot; see `OmnirobotWorld` for its rules and `OmnirobotConfig` for its parameters and tasks.

    Actions: 4 discrete ones (+x, -x, +y, -y by ``step_length``), or two numbers in [-1, 1] times ``step_length``,
    shortened to that length where they are longer. (The S-RL Toolbox's "RingBox" meant the same disc of |a| ≤ 0.1 m.)
    Ground truth: position minus the target's, ``(2,) float32``, metres; the robot's and the target's, ``(4,)``, in the
    escape task or without ``relative_pos``.
    """

    config_class = OmnirobotConfig
    world_class = OmnirobotWorld
