"""``DexHandGraspGymEnv-v0``: grasp a box by touch and lift it, in three stages."""

import mujoco
import torch

from environments.batched.single import BatchedGymEnv
from environments.mujoco_gym.maths import exp, last_rows, rotate_inverse, total
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.robots.hand_postures import CONTROLS, GRASP_FROM, REACHING
from environments.mujoco_gym.robots.objects import add_cube
from environments.mujoco_gym.robots.robot import Robot
from environments.mujoco_gym.task import Terms
from environments.mujoco_gym.tasks.hands.moving_config import GRASP_CRITIC, GRASP_SEEN, DexGraspConfig
from environments.mujoco_gym.tasks.hands.moving_hand import MovingHandTask

BOX = "box"
PREGRASP, CONTACT, LIFT = range(3)
OPEN_OVER_BOX = (*GRASP_FROM, *(REACHING.get(name, 0.0) for name in CONTROLS))
"""of the controls, base and fingers, over a box in the middle"""


class DexGraspTask(MovingHandTask):
    """N hands with a box each on the ground.

    First the hand goes over the box, and must be there when the stage's time is over. Then thumb and fingers must touch
    it without a break for a while, before that stage's time is over. Then it is lifted, and must stay grasped.

    Attributes:
        phase: ``(N,) int64``: 0, 1 or 2.
        age: ``(N,) int64``: steps in this stage.
        clock: ``(N,) int64``: steps in this episode.
        touched: ``(N,) int64``: steps that thumb and another finger have touched without a break.
        lost: ``(N,) int64``: steps that fewer than two fingertips have touched, in the third stage.
        lifted: ``(N,) int64``: steps that the box has been high and held, without a break.
        done: ``(N, 2) bool``: the first, the second stage was passed in this step.
        missed: ``(N, 2) bool``: the first, the second stage was failed in this step.
    """

    config: DexGraspConfig
    replayable = True
    object_name = BOX
    task_arrays = (
        *MovingHandTask.task_arrays,
        *("phase", "age", "clock", "touched", "lost", "lifted", "done", "missed"),
    )

    def build_spec(self, robot: Robot) -> mujoco.MjSpec:
        spec = robot.spec()
        half = self.config.box_size / 2
        add_cube(spec, BOX, half, self.config.box_mass, (0.0, 0.0, half))
        return spec

    def setup(self) -> None:
        super().setup()
        count, device = self.num_envs, self.backend.device
        for name in ("phase", "age", "clock", "touched", "lost", "lifted"):
            setattr(self, name, torch.zeros(count, dtype=torch.int64, device=device))
        self.done, self.missed = (torch.zeros(count, 2, dtype=torch.bool, device=device) for _ in range(2))
        radii = [float(self.backend.model.geom(f"{name}_distal").size[0]) for name in self.finger_names]
        self._tip_radii = self.constant(radii)

    phase: torch.Tensor
    age: torch.Tensor
    clock: torch.Tensor
    touched: torch.Tensor
    lost: torch.Tensor
    lifted: torch.Tensor

    # episodes

    def place(self, draws: Draws) -> None:
        super().place(draws)
        self.put_object(self._first_box_pos(draws), self.constant([1, 0, 0, 0]).repeat(self.count, 1))

    def first_controls(self, draws: Draws) -> torch.Tensor:
        over = self.constant(OPEN_OVER_BOX).repeat(self.count, 1)
        noise = self.config.start_over_box_noise
        over[:, :2] += self._first_box_pos(draws)[:, :2] + draws.uniform("over_box.place", 2, -noise, noise)
        return torch.where(self._begins_over_box(draws)[:, None], over, super().first_controls(draws))

    def _first_box_pos(self, draws: Draws) -> torch.Tensor:
        """``(K, 3)``: on the ground, m"""
        config = self.config
        position = torch.full((self.count, 3), config.box_size / 2, device=self.backend.device)
        position[:, :2] = draws.uniform("box", 2, -config.box_noise, config.box_noise)
        return position

    def _begins_over_box(self, draws: Draws) -> torch.Tensor:
        """``(K,) bool``: these episodes begin in the second stage."""
        return draws.chance("over_box", self.config.start_over_box)

    def begin(self, draws: Draws) -> None:
        super().begin(draws)
        for name in ("phase", "age", "clock", "touched", "lost", "lifted", "done", "missed"):
            getattr(self, name).zero_()
        self.phase.copy_(self._begins_over_box(draws).long() * CONTACT)

    def update(self) -> None:
        config, zero = self.config, torch.zeros_like(self.age)
        self.age += 1
        self.clock += 1
        self.touched.copy_(torch.where(self.grasped, self.touched + 1, zero))
        held = total(self.touches.long()) >= 2
        self.lost.copy_(torch.where(held | (self.phase < LIFT), zero, self.lost + 1))
        high = held & (self.phase == LIFT) & (self.object_pos[:, 2] > config.lift_height)
        self.lifted.copy_(torch.where(high, self.lifted + 1, zero))
        judged = (self.phase == PREGRASP) & (self.age >= self.steps_of(config.pregrasp_seconds))
        closed = (self.phase == CONTACT) & (self.touched >= self.steps_of(config.contact_hold_seconds))
        late = (self.phase == CONTACT) & ~closed & (self.age >= self.steps_of(config.contact_seconds))
        self.done.copy_(torch.stack([judged & self.over_box, closed], 1))
        self.missed.copy_(torch.stack([judged & ~self.over_box, late], 1))
        passed = self.done.any(1)
        self.phase += passed.long()
        self.age.copy_(torch.where(passed, zero, self.age))

    def steps_of(self, seconds: float) -> int:
        """Control steps of so many seconds."""
        return round(seconds / self.control_dt)

    # what several terms read

    @property
    def grasped(self) -> torch.Tensor:
        """``(K,) bool``: the thumb and another finger touch something"""
        return self._cached("grasped", lambda: self.touches[:, 0] & self.touches[:, 1:].any(1))

    @property
    def middle(self) -> torch.Tensor:
        """``(K, 3)``: between the thumb's tip and the middle of the other fingertips, m"""
        tips = self.fingertip_positions
        others = sum(tips[:, finger] for finger in range(2, tips.shape[1])) + tips[:, 1]
        return (tips[:, 0] + others / (tips.shape[1] - 1)) / 2

    @property
    def off_box(self) -> torch.Tensor:
        """``(K,)``: of that middle from the box, in the plane, m"""
        return self._cached("off_box", self._off_box)

    def _off_box(self) -> torch.Tensor:
        offset = (self.middle - self.object_pos)[:, :2]
        return torch.sqrt(total(offset * offset))

    @property
    def over_box(self) -> torch.Tensor:
        """``(K,) bool``: the hand is where it can grasp the box from"""
        return (self.off_box < self.config.pregrasp_distance) & (self.palm_height < self.config.pregrasp_highest)

    @property
    def penetration(self) -> torch.Tensor:
        """``(K,)``: how deep fingertips are in the box, beyond what is free, all together, m"""
        offset = self.fingertip_positions - self.object_pos[:, None]
        count = offset.shape[1]
        inside = rotate_inverse(self.object_quat.repeat_interleave(count, 0), offset.reshape(-1, 3)).abs()
        beyond = inside - self.config.box_size / 2
        outside = beyond.clamp(min=0)
        distance = torch.sqrt(total(outside * outside)) + beyond.amax(1).clamp(max=0)
        depth = self._tip_radii - distance.reshape(-1, count)
        return total((depth - self.config.penetration_free).clamp(min=0))

    @property
    def succeeded(self) -> torch.Tensor:
        """``(K,) bool``"""
        return self.lifted >= self.steps_of(self.config.lift_hold_seconds)

    # terms

    def compute_observations(self) -> dict[str, Terms]:
        terms = {
            **self.hand_observations(),
            "stage": self.phase[:, None].float() / LIFT,
            "stage_seconds": self.age[:, None].float() * self.control_dt,
            "stage_progress": self.progress()[:, None],
            "grasp": self.grasped[:, None].float(),
            "box_pos": self.palm_frame(self.object_pos[:, None])[:, 0],
            "box_turn": last_rows(self.object_quat),
            "box_lin_vel": self.object_lin_vel,
            "box_ang_vel": self.object_ang_vel_world,
            "touch_forces": self.touch_forces,
        }
        groups = {"policy": GRASP_SEEN, "critic": GRASP_CRITIC}
        return {group: {name: terms[name] for name in names} for group, names in groups.items()}

    def progress(self) -> torch.Tensor:
        """``(K,)``: how far the present stage is, from 0 to 1: its time, the touch's time, the time in the air"""
        config = self.config
        shares = [
            self.age / self.steps_of(config.pregrasp_seconds),
            self.touched / self.steps_of(config.contact_hold_seconds),
            self.lifted / self.steps_of(config.lift_hold_seconds),
        ]
        return torch.stack(shares, 1).gather(1, self.phase[:, None])[:, 0].float().clamp(max=1)

    def compute_task_rewards(self) -> Terms:
        config, tips = self.config, self.fingertip_positions
        first, second, third = ((self.phase == stage).float() for stage in (PREGRASP, CONTACT, LIFT))
        velocity = self.control_vel[:, :3]
        still = exp(-100 * total(velocity * velocity))
        offset = (tips - self.object_pos[:, None]).reshape(-1, 3)
        near = total(torch.sqrt(total(offset * offset)).reshape(tips.shape[:2])) / tips.shape[1]
        fingers = total(tips[:, 1:, 2]) / (tips.shape[1] - 1)
        thumb = self.control_pos[:, self.number("thumb_rotation")]
        lowest = config.box_size / 2
        lift = (self.object_pos[:, 2] - lowest) / (config.lift_height - lowest)
        failed = torch.stack(list(self.failures_by_name().values())).any(0) | self.timed_out
        return {
            "pregrasp_height": first * exp(-5 * (self.palm_height - config.pregrasp_height).abs()),
            "pregrasp_centre": first * exp(-5 * self.off_box),
            "pregrasp_stability": first * still,
            "finger_height": first * exp(-10 * (fingers - config.finger_height).abs()),
            "thumb_rotation": first * exp(-(thumb - config.thumb_rotation).abs()),
            "thumb_contact": second * self.touches[:, 0].float(),
            "finger_contact": second * total(self.touches[:, 1:].float()) / (tips.shape[1] - 1),
            "grasp": second * self.grasped.float(),
            "proximity": second * exp(-10 * near),
            "base_stability": second * still,
            "lift": third * lift.clamp(0, 1),
            "maintain": third * self.grasped.float(),
            "duration": third * (self.lifted.float() / self.steps_of(config.lift_hold_seconds)).clamp(max=1),
            "pregrasp_done": self.done[:, 0].float(),
            "contact_done": self.done[:, 1].float(),
            "penetration": self.penetration,
            "success": self.succeeded.float(),
            "failure": (failed & ~self.succeeded).float(),
        }

    @property
    def timed_out(self) -> torch.Tensor:
        """``(K,) bool``"""
        return self.clock >= self.config.max_steps

    def failures_by_name(self) -> Terms:
        """``(K,) bool`` each."""
        return {
            "on_ground": self.on_ground,
            "too_high": self.object_pos[:, 2] > self.config.highest,
            "not_over_box": self.missed[:, 0],
            "no_contact": self.missed[:, 1],
            "grasp_lost": self.lost > self.steps_of(self.config.grasp_lost_seconds),
        }

    def compute_terminations(self) -> Terms:
        return {"lifted": self.succeeded, **self.failures_by_name()}

    def compute_success(self) -> torch.Tensor:
        return self.succeeded

    def observation_meaning(self, term: str) -> tuple[str, str, tuple[str, ...]]:
        axes = ("x", "y", "z")
        known = {
            "stage_seconds": ("s", "", ()),
            "box_pos": ("m", "palm", axes),
            "box_turn": ("", "world", tuple(f"row {row} {axis}" for row in (2, 3) for axis in axes)),
            "box_lin_vel": ("m/s", "world", axes),
            "box_ang_vel": ("rad/s", "world", axes),
        }
        return known.get(term) or super().observation_meaning(term)


class DexGraspGymEnv(BatchedGymEnv):
    """One hand and one box; see `DexGraspTask` for its rules and `DexGraspConfig` for its parameters.

    Actions: 6 controls of the base and 12 of the fingers, in [-1, 1]. Observation: ``(158,) float32``.
    """

    config_class = DexGraspConfig
    world_class = DexGraspTask
