"""`Task`: N robots in MuJoCo whose observations, rewards and terminations are named terms."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import mujoco
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.utils import seeding

from environments.batched.world import ALL, Rows, SubstepResult
from environments.config import PIXELS
from environments.mujoco_gym.config import TaskConfig
from environments.mujoco_gym.randomness import STARTUP, Draws
from environments.mujoco_gym.replay.watching import cant_be_recorded
from environments.mujoco_gym.robots.checks import checked_robot
from environments.mujoco_gym.robots.robot import Robot, load_robot
from environments.mujoco_gym.scene import compile_scene, make_backend
from environments.mujoco_gym.task_parts.checked_terms import check_terms
from environments.mujoco_gym.task_parts.observed import Terms
from environments.mujoco_gym.task_parts.played import Played
from environments.mujoco_gym.terms.actions import Actions
from environments.mujoco_gym.terms.events import Events
from environments.mujoco_gym.terms.meaning import joint_action_terms
from environments.mujoco_gym.terms.non_finite import FailureLog
from environments.mujoco_gym.terms.tables import term_tables
from environments.terms import POLICY, ActionTerm
from srl3.errors import UserError

if TYPE_CHECKING:
    from environments.mujoco_gym.rendering import Camera

NON_FINITE = "non_finite"
"""the termination of a robot whose state became NaN or too large"""


class Task(Played):
    """N robots of one configuration. A subclass gives the terms; their weights, noise and ranges are configuration.

    The order of a step: actions, physics, `update`, terminations, rewards, changes and pushes that are due,
    observations. Of a reset: the model's initial state, `place`, `begin`, observations. All of these see the robots of
    ``rows`` only, K of them. Terms are pure functions of the state: what a task remembers from step to step it keeps in
    tensors named in ``task_arrays``, N rows each, which only `update` and `begin` change, in place.

    Random numbers come from `Draws` by purpose, so that robot i of N behaves, to the last bit, as the single robot
    seeded with ``seed + i``; for that, a task's own functions use `environments.mujoco_gym.maths` for sums and for
    transcendental functions.

    Attributes:
        robot: what the robot's file says.
        actions: the policy's newest actions and those before.
        step_dt: seconds of a control step.
    """

    array_kind = "torch"
    config: TaskConfig
    rewards_times_dt = False
    """whether weights are per second"""

    def __new__(cls, config: TaskConfig, num_envs: int) -> Self:
        if cls.__abstractmethods__:
            raise UserError(f"{cls.__name__} lacks {', '.join(sorted(cls.__abstractmethods__))}; write it.")
        return super().__new__(cls)

    def __init__(self, config: TaskConfig, num_envs: int) -> None:
        if num_envs < 1:
            raise UserError(f"{config.env_id} needs at least 1 robot, not {num_envs}.")
        self._original = config
        self._steps = 0
        self._stays_at: int | None = None
        self.stage, self.config = config.at(0)
        self.robot = checked_robot(load_robot(config.robot), config.robot)
        self.num_envs = num_envs
        try:
            spec = self.build_spec(self.robot)
        except ValueError as error:  # what MuJoCo raises for MJCF that it can't read
            words = " ".join(str(error).split())
            if "repeated name" in words:
                words += " (the task adds one of that name itself: the robot's file must not have it)"
            raise UserError(f"the model of robot {config.robot} can't be made: {words}") from error
        model = compile_scene(spec, self.robot, config)
        self.bind_state(make_backend(model, num_envs, config), self.robot)
        self._episodes = torch.full((num_envs,), -1, device=self.backend.device)
        seeds = np.random.SeedSequence().generate_state(num_envs, np.uint64).astype(np.int64) >> 1
        self._seeds = torch.from_numpy(seeds).to(self.backend.device)
        self._fresh = torch.ones(num_envs, dtype=torch.bool, device=self.backend.device)
        self._some_fresh = True
        self._controls = torch.zeros(num_envs, model.nu, device=self.backend.device)
        self.actions = Actions(config.actions, *self.action_range(), num_envs)
        if config.randomize.push is not None and self.pushed_velocity() < 0:
            raise UserError(f"randomize.push of {config.env_id} needs a robot with a free base, or an object.")
        self.events = Events(config, self.backend)
        self.failures = FailureLog(config)
        self._camera: Camera | None = None
        self._given = torch.zeros(num_envs, len(self.actions.offsets), device=self.backend.device)
        self._failed = torch.zeros(num_envs, dtype=torch.bool, device=self.backend.device)
        self.setup()
        for name in self.task_arrays:
            values = getattr(self, name, None)
            if not isinstance(values, torch.Tensor) or values.shape[:1] != (num_envs,):
                raise UserError(
                    f"task_arrays of {config.env_id} names {name}, which must be a tensor with a row for each robot; "
                    "make it in setup()."
                )
        self.backend.forward(self._all_rows)
        self.state_changed()
        self.begin(self.draws(self.rows, torch.zeros_like(self.rows)))
        self._groups = self._make_groups()
        rewards, endings = self.compute_task_rewards(), self.compute_terminations()
        check_terms(config.env_id, "compute_task_rewards", rewards, num_envs, torch.float32)
        check_terms(config.env_id, "compute_terminations", endings, num_envs, torch.bool)
        if NON_FINITE in endings:
            raise UserError(
                f"compute_terminations of {config.env_id} has a {NON_FINITE}, which every world has; drop it."
            )
        self._reward_names = self._checked_names("rewards", rewards, config.rewards)
        self._weights_of: Mapping[str, float] | None = None
        self._ending_names = (*endings, NON_FINITE)
        super().__init__(config, num_envs, str(self.backend.device))
        self.config = config.at(0)[1]
        self._replays = self._make_replays()

    # what a task provides

    def build_spec(self, robot: Robot) -> mujoco.MjSpec:
        """The robot in its scene."""
        return robot.spec()

    def action_range(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What an action of 0 gives to `control`, and what an action of 1 adds to it, ``(A,)`` each."""
        scales = torch.broadcast_to(self.constant(self.robot.action_scale), (len(self.robot.joints),))
        return self.default_joint_pos if self.robot.position_controlled else torch.zeros_like(scales), scales

    def control(self, actions: torch.Tensor) -> torch.Tensor:
        """``(N, J)``: the controls of the joints' actuators, from actions that are averaged, scaled and offset."""
        return actions

    def pushed_velocity(self) -> int:
        """Where the six velocities that ``randomize.push`` changes begin in ``qvel``; -1: there is nothing to push."""
        return self._base[1]

    def setup(self) -> None:
        """Make the task's tensors and find what it reads by name (sensors, sites), once, before the first step."""

    @abstractmethod
    def compute_task_rewards(self) -> Terms:
        """Unweighted reward terms by name, ``(N,) float32`` each."""

    @abstractmethod
    def compute_terminations(self) -> Terms:
        """Terminations by reason, ``(N,) bool`` each."""

    def compute_success(self) -> torch.Tensor:
        """``(N,) bool``: the robot has done its task, as things stand (where the task reports success)."""
        return torch.zeros(self.count, dtype=torch.bool, device=self.backend.device)

    def place(self, draws: Draws) -> None:
        """Put the robots, which are in the model's initial state, at the start of an episode (`set_robot`)."""
        self.set_robot()

    def begin(self, draws: Draws) -> None:
        """Set what the task remembers at the start of an episode, from the state in which the robots were placed."""

    def update(self) -> None:
        """Bring what the task remembers up to date with the state after physics; terms are computed afterwards."""

    # what a task uses

    @property
    def steps(self) -> int:
        """Control steps that the world has made: what a task reads of it can't be recorded."""
        cant_be_recorded("it reads the number of steps")
        return self._steps

    @property
    def reports_success(self) -> bool:
        return type(self).compute_success is not Task.compute_success

    @property
    def control_dt(self) -> float:
        return self.config.control_dt

    def set_robot(
        self,
        joint_pos: torch.Tensor | None = None,
        joint_vel: torch.Tensor | None = None,
        base: torch.Tensor | None = None,
        base_vel: torch.Tensor | None = None,
    ) -> None:
        """Write the robots' state; what is not given is the default pose, at rest, at the robot's height.

        Args:
            joint_pos: ``(K, J)``, rad
            joint_vel: ``(K, J)``, rad/s
            base: ``(K, 7)``: position and quaternion
            base_vel: ``(K, 6)``: linear in the world, angular in the body
        """
        qpos = self.exact("qpos").clone()
        qvel = torch.zeros(self.count, self.backend.model.nv, dtype=qpos.dtype, device=qpos.device)
        position = self.default_joint_pos if joint_pos is None else joint_pos
        shape = (self.count, len(self.robot.joints))
        for name, given in (("joint_pos", joint_pos), ("joint_vel", joint_vel)):
            if given is not None and given.shape != shape:
                raise UserError(f"{name} that is set must have the shape {shape}, not {tuple(given.shape)}.")
        qpos[:, self._joint_qpos] = position.to(qpos.dtype)
        if joint_vel is not None:
            qvel[:, self._joint_qvel] = joint_vel.to(qvel.dtype)
        place, speed = self._base
        if place >= 0:
            if base is None:
                base = self.constant([0, 0, self.robot.height, 1, 0, 0, 0])
            qpos[:, place : place + 7] = base.to(qpos.dtype)
            if base_vel is not None:
                qvel[:, speed : speed + 6] = base_vel.to(qvel.dtype)
        self.backend.write("qpos", qpos, self.rows)
        self.backend.write("qvel", qvel, self.rows)

    def draws(self, rows: torch.Tensor, steps: torch.Tensor) -> Draws:
        """The random numbers of these robots in their current episodes, after so many steps of them."""
        if rows is self._all_rows:
            return Draws(self._seeds, self._episodes, steps)
        return Draws(self._seeds[rows], self._episodes[rows], steps)

    # the batched world

    def _make_action_space(self) -> spaces.Box:
        limit = self.config.actions.clip
        return spaces.Box(-limit, limit, self.actions.offsets.shape, np.float32)

    def _make_observation_spaces(self) -> dict[str, spaces.Box]:
        if self.config.srl_model == PIXELS:
            return {POLICY: spaces.Box(0, 255, self.config.image_shape, np.uint8)}
        return {name: spaces.Box(-np.inf, np.inf, (group.size,), np.float32) for name, group in self._groups.items()}

    def term_names(self) -> tuple[str, ...]:
        return self._reward_names

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed robot i with ``seeds[i]``: its next episode is the first one of that seed."""
        given = {row: seed for row, seed in enumerate(seeds) if seed is not None}
        for seed in given.values():
            seeding.np_random(seed)  # refuses what Gymnasium refuses
        rows = torch.tensor(list(given), dtype=torch.int64, device=self.backend.device)
        self._seeds[rows] = torch.tensor([seed & (2**63 - 1) for seed in given.values()], dtype=torch.int64).to(
            rows.device
        )
        self._episodes[rows] = -1
        self._fresh[rows] = True
        self._some_fresh = True

    @torch.inference_mode()
    def reset(self, rows: torch.Tensor | None = None) -> None:
        super().reset(rows)

    def _before_physics(self) -> None:
        self._follow_curriculum()
        self.failures.remember(self.backend)

    def _write_controls(self) -> None:
        self.state_changed()
        controls = self.control(self.actions.push(self._given))
        if controls.shape != (shape := (self.num_envs, len(self.robot.joints))):
            raise UserError(
                f"control of {self.config.env_id} must return {shape} numbers, not {tuple(controls.shape)}."
            )
        self._controls[:, self.actuator_of_joint] = controls
        self.backend.write("ctrl", self._controls)

    def _physics(self) -> None:
        self.backend.step(self.config.sim.decimation)
        self._failed.copy_(self.backend.failed())
        self._steps += 1
        self.state_changed()

    def _after_physics(self) -> SubstepResult:
        failed = self._failed
        self.update()
        endings = {**self.compute_terminations(), NON_FINITE: failed}
        terminated = torch.stack(list(endings.values())).any(0)
        terms = self._weighted(self.compute_task_rewards())
        success = self.compute_success()
        if bool(failed.any()):
            terms[:, failed] = 0
            success = success & ~failed
            self.failures.report(
                failed, self.actions.newest, self._controls, self.backend, self._steps, self.failures_folder
            )
        steps = self.elapsed + 1
        if self.events.due(steps):
            self.events.within_episode(steps, self.draws, self.pushed_velocity())
            self.state_changed()
        self._push_observations(steps)
        return SubstepResult(terms, terminated, success, endings)

    def _weighted(self, rewards: Terms) -> torch.Tensor:
        """``(terms, N) float32``, laid out robot by robot, so that sums over the terms have one order for any N."""
        weights = self.config.rewards
        if weights is not self._weights_of:  # a curriculum changed them
            dt = self.control_dt if self.rewards_times_dt else 1.0
            self._weights = self.constant([weights[name] * dt for name in self._reward_names])
            self._weights_of = weights
        terms = torch.empty(self.num_envs, len(rewards), device=self.backend.device)
        if self._reward_names:
            try:
                torch.stack([rewards[name] for name in self._reward_names], 1, out=terms)
            except (KeyError, RuntimeError):
                check_terms(self.config.env_id, "compute_task_rewards", rewards, self.num_envs, torch.float32)
                raise
        return terms.mul_(self._weights).T

    def _reset_rows(self, rows: torch.Tensor) -> None:
        self._follow_curriculum()
        if self._some_fresh:
            fresh = rows[self._fresh[rows]]
            if len(fresh):
                startup = torch.full_like(fresh, STARTUP)
                self.events.startup(fresh, Draws(self._seeds[fresh], startup, torch.zeros_like(fresh)))
                self._fresh[fresh] = False
            self._some_fresh = bool(self._fresh.any())
        self._reset_or_replay(rows)

    def _begin_episodes(self, rows: torch.Tensor) -> None:
        self.state_changed()
        self._episodes[rows] += 1
        draws = self.draws(rows, torch.zeros_like(rows))
        self.events.at_reset(rows, draws)
        self.backend.reset(rows)
        self.actions.begin(rows)
        with self._only(rows):
            self.place(draws)
            self.backend.forward(rows)
            self.state_changed()
            self.begin(draws)
            self._begin_observations(rows, draws)

    @contextmanager
    def _only(self, rows: torch.Tensor) -> Iterator[None]:
        """Terms and hooks see these robots only; what they change of ``task_arrays`` is put back into the whole."""
        whole = {name: getattr(self, name) for name in self.task_arrays}
        actions = self.actions
        self.rows, self.actions = rows, actions.of(rows)
        for name, values in whole.items():
            setattr(self, name, values[rows])
        self.state_changed()
        try:
            yield
        finally:
            for name, values in whole.items():
                values[rows] = getattr(self, name)
                setattr(self, name, values)
            self.rows, self.actions = self._all_rows, actions
            self.state_changed()

    def close(self) -> None:
        self._replays = None
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    # pictures and words

    def images(self, rows: Rows = ALL) -> np.ndarray:
        if self._camera is None:
            from environments.mujoco_gym.rendering import Camera

            followed = self.robot.looked_at or self.robot.base
            self._camera = Camera(self.backend.model, self.config.camera, self.config.img_shape, followed)
        return np.stack([self._camera.draw(*self.backend.data(int(row))) for row in self._all_rows[rows]])

    def action_terms(self) -> list[ActionTerm]:
        return joint_action_terms(self.actions, self.robot, self.backend.model)

    def episode_figures(self, rows: torch.Tensor) -> Terms:
        """The ``stage`` of the curriculum, where there is one."""
        if not self._original.curriculum:
            return {}
        return {"stage": torch.full((len(rows),), float(self.stage), device=self.backend.device)}

    def count_from(self, control_steps: int) -> None:
        self._steps, self._stays_at = control_steps, None
        self._follow_curriculum()

    def stay_at(self, control_steps: int) -> int:
        self._stays_at = control_steps
        self._follow_curriculum()
        return self.stage

    def term_tables(self) -> str:
        """The world's terms as tables: observations, actions, rewards, terminations, randomisation, curriculum."""
        return term_tables(self.config, self.observation_terms(), self.action_terms(), self._ending_names)

    # helpers

    def _follow_curriculum(self) -> None:
        if self._original.curriculum:
            steps = self._steps if self._stays_at is None else self._stays_at
            if self._original.stage_at(steps) != self.stage:
                self.stage, self.config = self._original.at(steps)
                self.state_changed()
