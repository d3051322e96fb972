"""``ParaHandReorientGymEnv-v0``: turn a cube in the hand to a shown orientation, goal after goal."""

import math
from collections.abc import Sequence

import mujoco
import numpy as np
import torch

from environments.batched.single import BatchedGymEnv
from environments.batched.world import ALL, Rows
from environments.config import EnvConfig
from environments.mujoco_gym.maths import (
    angle_of,
    angles_of,
    last_rows,
    normalised,
    product,
    quat_of_angles,
    total,
    turned,
    turning_of,
)
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.robots.objects import add_shown_cube
from environments.mujoco_gym.robots.robot import Robot
from environments.mujoco_gym.rows import put, those
from environments.mujoco_gym.task import Terms
from environments.mujoco_gym.tasks.hands.in_hand import FOR_CRITIC, InHandTask, turn_between, uniform_turn
from environments.mujoco_gym.tasks.hands.in_hand_config import ReorientConfig
from environments.mujoco_gym.tasks.hands.routes import spin_and_roll
from environments.terms import CommandTerm

POLICY = ("joint_pos", "joint_error", "cube_pos", "cube_faces", "turn_to_goal", "turn_vector", "actions")
SEEN = {"policy": POLICY, "critic": (*POLICY, *FOR_CRITIC)}
"""terms by group"""
ANYWHERE = 3.0
"""a ``goal_axis_spread`` from which on axes count as all equally likely"""


class ReorientTask(InHandTask):
    """N hands that turn a cube to goals. A reached goal turns on by itself for a few steps, and is the next one.

    Attributes:
        goal: ``(N, 4)``: the orientation that is wanted.
        goal_turn: ``(N, 3)``: how far the goal turns in the next step, about the world's axes, rad.
        last_angle: ``(N,)``: from the cube to its goal at the end of the last step, after the goal's own turn, rad.
        last_cost: ``(N,)``: the same along the route: `cost_of_way` then.
        turning_speed: ``(N,)``: how fast the cube came nearer to its goal along its route, the goal's own turn left
            out, rad/s.
        goal_axis: ``(N, 3)``: about which a goal that stays ahead is ahead, in the world's frame.
        goal_lead: ``(N,)``: how far it is ahead, rad.
        reached: ``(N,) bool``: a goal was reached in this step.
        away: ``(N,) bool``: the cube was farther from its goal than ``success_angle`` since it reached the last one.
        goals: ``(N,) int64``: goals reached in this episode.
        told: ``(4,)``: the goal that a person set for all hands, which stays when it is reached; None: goals are drawn.
    """

    config: ReorientConfig
    replayable = True
    task_arrays = (
        *InHandTask.task_arrays,
        "goal",
        "goal_turn",
        "last_angle",
        "last_cost",
        "turning_speed",
        "goal_axis",
        "goal_lead",
        "reached",
        "away",
        "goals",
    )

    def build_spec(self, robot: Robot) -> mujoco.MjSpec:
        spec = super().build_spec(robot)
        add_shown_cube(spec, "goal", self.config.cube_size / 2, self.config.shown_at)
        return spec

    def setup(self) -> None:
        super().setup()
        count, device = self.num_envs, self.backend.device
        self.goal = torch.tensor([[1.0, 0, 0, 0]], device=device).repeat(count, 1)
        self.goal_turn = torch.zeros(count, 3, device=device)
        self.last_angle, self.last_cost, self.turning_speed, self.goal_lead = (
            torch.zeros(count, device=device) for _ in range(4)
        )
        self.goal_axis = torch.zeros(count, 3, device=device)
        self.reached = torch.zeros(count, dtype=torch.bool, device=device)
        self.away = torch.ones(count, dtype=torch.bool, device=device)
        self.goals = torch.zeros(count, dtype=torch.int64, device=device)
        self.told: torch.Tensor | None = None
        self._told_reached = torch.zeros(count, dtype=torch.bool, device=device)

    def begin(self, draws: Draws) -> None:
        super().begin(draws)
        turn = self._first_turn_to_goal(draws)
        self.goal.copy_(normalised(product(turn, self.object_quat)) if self.told is None else self.told)
        self.goal_axis.copy_(self._axis(draws))
        self.goal_lead.copy_(self._lead(draws))
        if self._stays_ahead:
            self.goal.copy_(self._ahead())
        self._told_reached[self.rows] = False
        self.goal_turn.zero_()
        self._note_goal()
        self.turning_speed.zero_()
        self.reached.zero_()
        self.away.fill_(True)
        self.goals.zero_()
        self._show_goal()

    def update(self) -> None:
        self.turning_speed.copy_((self.last_cost - self.cost_of_way) / self.control_dt)
        if self._stays_ahead:
            self._keep_ahead()
        else:
            self._turn_on()
        self._show_goal()

    def _turn_on(self) -> None:
        """Goals turn on, and those that are reached begin to; one that a person set stays, and is reached once."""
        self.goal.copy_(normalised(product(turned(self.goal_turn), self.goal)))
        self.goal_turn.mul_(self.config.goal_turn_decay)
        self._note_goal()
        near = self.last_angle < self.config.success_angle
        self.reached.copy_(near & self.away & ~self.dropped)  # a goal that turns on slowly is not reached twice
        self.away.copy_(~near | (self.away & ~self.reached))
        if self.told is not None:
            self.reached &= ~self._told_reached
            self._told_reached |= self.reached
            self.goals += self.reached
            return
        rows, chosen = those(self.reached)
        if len(rows):
            draws = self.draws(rows, self.elapsed[rows] + 1)
            put(self.goal_turn, rows, draws.uniform("goal_turn", 3, *self.config.goal_turn_range), chosen)
            self.goals += self.reached

    def _note_goal(self) -> None:
        """Goals have moved: what was computed of the former ones is forgotten."""
        self.forget("turn_to_goal", "angle_to_goal", "route")
        self.last_angle.copy_(self.angle_to_goal)
        self.last_cost.copy_(self.cost_of_way)

    @property
    def _stays_ahead(self) -> bool:
        return self.config.goal_ahead_range[1] > 0 and self.told is None

    def _axis(self, draws: Draws) -> torch.Tensor:
        """``(K, 3)``: axes about which goals are turned from cubes."""
        config = self.config
        middles = self.constant(config.goal_axes)
        middles = middles / torch.linalg.norm(middles, dim=1, keepdim=True)
        which = draws.integers("goal_axes", 1, 0, len(middles))[:, 0]
        axis = middles[which] + config.goal_axis_spread * draws.normal("goal_axis", 3)
        return axis / torch.sqrt(total(axis * axis)).clamp(min=1e-6)[:, None]

    def _first_turn_to_goal(self, draws: Draws) -> torch.Tensor:
        largest = self.config.first_goal_angle
        if largest >= math.pi and self.config.goal_axis_spread >= ANYWHERE:
            return uniform_turn(draws, "goal")
        return turned(self._axis(draws) * draws.uniform("goal.angle", 1, 0.0, largest))

    def _lead(self, draws: Draws) -> torch.Tensor:
        return draws.uniform("goal_lead", 1, *self.config.goal_ahead_range)[:, 0]

    def _ahead(self) -> torch.Tensor:
        return normalised(product(turned(self.goal_axis * self.goal_lead[:, None]), self.object_quat))

    def lead_about(self, axes: torch.Tensor) -> None:
        """Goals that stay ahead are from here on ahead about these axes, ``(N, 3)`` of length 1, in the world."""
        self.goal_axis.copy_(axes)
        self.goal.copy_(self._ahead())
        self._note_goal()

    def _keep_ahead(self) -> None:
        """Goals to which cubes came nearer go on by as much, but never back: a cube that rocks to and fro is paid and
        charged the same. Some axes are drawn anew."""
        nearer = (self.goal_lead - self.angle_to_goal).clamp(min=0)
        self.goal.copy_(normalised(product(turned(self.goal_axis * nearer[:, None]), self.goal)))
        every = max(1, round(self.config.axis_seconds / self.control_dt))
        rows, chosen = those((self.elapsed + 1) % every == 0)
        if len(rows):
            draws = self.draws(rows, self.elapsed[rows] + 1)
            put(self.goal_axis, rows, self._axis(draws), chosen)
            put(self.goal_lead, rows, self._lead(draws), chosen)
            put(self.goal, rows, self._ahead()[rows], chosen)
        self._note_goal()
        self.reached.zero_()

    def _show_goal(self) -> None:
        shown = self.exact("mocap_quat").clone()
        shown[:, 0] = self.goal.to(shown.dtype)
        self.backend.write("mocap_quat", shown, self.rows)

    def most_like(self, configs: Sequence[EnvConfig]) -> torch.Tensor:
        """Those about one of whose ``goal_axes`` cubes are nearest to having to be turned."""
        near = [
            (self.way_to_goal @ torch.nn.functional.normalize(self.constant(config.flat()["goal_axes"])).T).amax(1)
            for config in configs
        ]
        return torch.stack(near).argmax(0)

    def observe_as(self, config: EnvConfig) -> torch.Tensor:
        """Who was taught by straight routes is shown the leg of another route as its goal."""
        observed = super().observe_as(config)
        if self.config.goal_route == "straight" or getattr(config, "goal_route", "") != "straight":
            return observed
        group = self._groups[self.group_as(config)]
        term = group.terms["turn_to_goal"]
        leg = last_rows(turned(self.way_to_goal)) * term.scale
        observed[:, group.places["turn_to_goal"]] = leg.repeat(1, term.history)
        return observed

    # what a person may command

    def command_terms(self) -> list[CommandTerm]:
        return [
            CommandTerm("roll", -180.0, 180.0, "°", 1.0),
            CommandTerm("pitch", -90.0, 90.0, "°", 1.0),
            CommandTerm("yaw", -180.0, 180.0, "°", 1.0),
        ]

    def commands(self, rows: Rows = ALL) -> np.ndarray:
        return torch.rad2deg(angles_of(self.goal[rows])).cpu().numpy()

    def set_command(self, values: Sequence[float] | None) -> None:
        """Let this be the goal of all hands: its roll, pitch and yaw, degrees, about the world's x, y and z."""
        told = None if values is None else quat_of_angles(torch.deg2rad(self.constant([values])))[0]
        if told is not None and self.told is not None:
            self.told.copy_(told)  # in place: a recorded step goes on
        else:
            self.told = told
        self._told_reached.zero_()
        if self.told is not None:
            self.goal[:] = self.told
            self.goal_turn.zero_()
            self._note_goal()
            self.away.fill_(True)
            self._show_goal()
            self.state_changed()

    # what several terms read

    @property
    def turn_to_goal(self) -> torch.Tensor:
        """``(K, 4)``: the turn, in the world's frame, from the cube's orientation to the wanted one"""
        return self._cached("turn_to_goal", lambda: turn_between(self.object_quat, self.goal))

    @property
    def angle_to_goal(self) -> torch.Tensor:
        """``(K,)``: how far that is, rad"""
        return self._cached("angle_to_goal", lambda: angle_of(self.turn_to_goal))

    @property
    def way_to_goal(self) -> torch.Tensor:
        """``(K, 3)``: the turn that the cube is to make now, its axis in the world, as long as its angle: the shortest
        to its goal, or the first leg of another route."""
        return self._route[:, :3]

    @property
    def cost_of_way(self) -> torch.Tensor:
        """``(K,)``: what is left of the route to the goal, rad; of a straight one the angle"""
        return self._route[:, 3]

    @property
    def _route(self) -> torch.Tensor:
        return self._cached("route", self._routed)

    def _routed(self) -> torch.Tensor:
        if self.config.goal_route == "straight" or self._stays_ahead:
            return torch.cat([turning_of(self.turn_to_goal), self.angle_to_goal[:, None]], 1)
        leg, cost = spin_and_roll(self.turn_to_goal)
        return torch.cat([leg, cost[:, None]], 1)

    # terms

    def compute_observations(self) -> dict[str, Terms]:
        shown = {"turn_to_goal": last_rows(self.turn_to_goal), "turn_vector": self.way_to_goal}
        terms = {**self.cube_observations(), **shown}
        return {group: {name: terms[name] for name in names} for group, names in SEEN.items()}

    def compute_task_rewards(self) -> Terms:
        config = self.config
        return {
            **super().compute_task_rewards(),
            "orientation": self.falling_off(self.angle_to_goal, config.orientation_free, math.pi),
            "turning": self.turning_speed.clamp(*config.paid_speed_range),
            "success": self.reached.float() / self.control_dt,
        }

    def compute_success(self) -> torch.Tensor:
        return self.goals >= self.config.goals_for_success


class ReorientGymEnv(BatchedGymEnv):
    """One hand that turns a cube to goals; see `ReorientTask` for its rules and `ReorientConfig` for its parameters.

    Actions: 22 joints, [-1, 1] times their speed. Observation: ``(87,) float32``.
    """

    config_class = ReorientConfig
    world_class = ReorientTask
