"""`HandTask`: what all tasks of the hand share: targets of its controls, fingertips, touch, an object."""

import mujoco
import torch

from environments.mujoco_gym.maths import inverse, product, rotate, rotate_inverse
from environments.mujoco_gym.task import Task
from environments.mujoco_gym.tasks.hands.hand_config import HandConfig
from environments.terms import ActionTerm
from srl3.errors import UserError

POSE = ("x", "y", "z", "qw", "qx", "qy", "qz")
SLIDE = int(mujoco.mjtJoint.mjJNT_SLIDE)


class HandTask(Task):
    """A hand whose joints follow targets, which the policy moves or sets.

    A control is what an action moves: a joint, or what several joints follow (`Robot.controls`).

    Attributes:
        target: ``(N, A)``: where the controls are to be, rad (m for slides).
        control_low: ``(A,)``: their lower limits.
        control_high: ``(A,)``: their upper limits.
        object_name: of the body that the hand handles; empty without one.
    """

    config: HandConfig
    task_arrays: tuple[str, ...] = ("target",)
    object_name = ""

    # controls

    def action_range(self) -> tuple[torch.Tensor, torch.Tensor]:
        robot, joints = self.robot, list(self.robot.joints)
        if not robot.fingertips:
            raise UserError(f"{self.config.env_id} needs a robot with fingertips, which {self.config.robot} lacks.")
        controls = robot.controls or {joint: {joint: 1.0} for joint in joints}
        self.control_names = tuple(controls)
        leading = [next(iter(followers.items())) for followers in controls.values()]
        self._leads = torch.tensor([joints.index(joint) for joint, _ in leading], device=self.backend.device)
        self._lead_share = self.constant([share for _, share in leading])
        self._followed = torch.zeros(len(joints), dtype=torch.int64, device=self.backend.device)
        self._share = torch.zeros(len(joints), device=self.backend.device)
        for number, followers in enumerate(controls.values()):
            for joint, share in followers.items():
                self._followed[joints.index(joint)], self._share[joints.index(joint)] = number, share
        ends = torch.stack([self.joint_low, self.joint_high])[:, self._leads] / self._lead_share
        self.control_low, self.control_high = ends.amin(0), ends.amax(0)
        if self.config.control == "position":
            return (self.control_low + self.control_high) / 2, (self.control_high - self.control_low) / 2
        if self.config.control == "position_offset":
            pose = self.default_joint_pos[self._leads] / self._lead_share
            return pose, torch.full_like(pose, self.config.offset_scale)
        speeds = self.constant([self._speed(joint) for joint, _ in leading])
        return torch.zeros_like(speeds), speeds * self.control_dt

    def _speed(self, joint: str) -> float:
        """Of the target of a control that moves this joint."""
        if any(joint.startswith(tip.removesuffix("tip")) for tip in self.robot.fingertips):
            return self.config.finger_speed
        slides = int(self.backend.model.joint(joint).type[0]) == SLIDE
        return self.config.base_speed if slides else self.config.base_turn_speed

    def control(self, actions: torch.Tensor) -> torch.Tensor:
        moved = self.target + actions if self.config.control == "position_delta" else actions
        self.target.copy_(torch.minimum(torch.maximum(moved, self.control_low), self.control_high))
        return self.joint_targets(self.target)

    def joint_targets(self, target: torch.Tensor) -> torch.Tensor:
        """``(K, J)``: what the joints are to be, for these targets of the controls."""
        spread = target[:, self._followed] * self._share
        return torch.minimum(torch.maximum(spread, self.joint_low), self.joint_high)

    @property
    def control_pos(self) -> torch.Tensor:
        """``(K, A)``: where the controls are: the joint that leads each, by its share"""
        return self._cached("control_pos", lambda: self.joint_pos[:, self._leads] / self._lead_share)

    @property
    def control_vel(self) -> torch.Tensor:
        """``(K, A)``: how fast they move"""
        return self._cached("control_vel", lambda: self.joint_vel[:, self._leads] / self._lead_share)

    def target_where_it_is(self) -> None:
        """The hand is to stay as it is: for `begin`."""
        within = torch.minimum(torch.maximum(self.control_pos, self.control_low), self.control_high)
        self.target.copy_(within)

    # the scene

    def setup(self) -> None:
        names = tuple(tip.removesuffix("_tip") for tip in self.robot.fingertips)
        self.finger_names = names
        self.target = torch.zeros(self.num_envs, len(self.control_names), device=self.backend.device)
        self._palm = self.body_ids(("palm",))
        self._distal = self.body_ids(tuple(f"{name}_distal" for name in names))
        self._tips = self.site_ids(self.robot.fingertips)
        self._pads = self.site_ids(tuple(f"{name}_pad" for name in names))
        self._touch = self.sensor_places(tuple(f"{name}_touch" for name in names))
        if self.object_name:
            self._object = self.free_places(self.object_name)

    def pushed_velocity(self) -> int:
        return self.free_places(self.object_name)[1].start if self.object_name else -1

    def put_object(self, position: torch.Tensor, quat: torch.Tensor) -> None:
        """Write the object's pose, ``(K, 3)`` and ``(K, 4)``, at rest: for `place`."""
        qpos = self.exact("qpos").clone()
        qpos[:, self._object[0]] = torch.cat([position, quat], 1).to(qpos.dtype)
        self.backend.write("qpos", qpos, self.rows)

    # named tensors

    @property
    def object_pos(self) -> torch.Tensor:
        """``(K, 3)``: position of the object, m"""
        return self._cached("object_pos", lambda: self.field("qpos")[:, self._object[0]][:, :3])

    @property
    def object_quat(self) -> torch.Tensor:
        """``(K, 4)``: orientation of the object"""
        return self._cached("object_quat", lambda: self.field("qpos")[:, self._object[0]][:, 3:])

    @property
    def object_lin_vel(self) -> torch.Tensor:
        """``(K, 3)``: velocity of the object, m/s"""
        return self.field("qvel")[:, self._object[1]][:, :3]

    @property
    def object_ang_vel(self) -> torch.Tensor:
        """``(K, 3)``: angular velocity of the object, its own frame, rad/s"""
        return self.field("qvel")[:, self._object[1]][:, 3:]

    @property
    def object_ang_vel_world(self) -> torch.Tensor:
        """``(K, 3)``: the same in the world's frame, rad/s"""
        return self._cached("object_ang_vel_world", lambda: rotate(self.object_quat, self.object_ang_vel))

    @property
    def palm_pos(self) -> torch.Tensor:
        """``(K, 3)``: the palm's root, where the wrist is, m"""
        return self._cached("palm_pos", lambda: self.body_pos(self._palm)[:, 0])

    @property
    def palm_quat(self) -> torch.Tensor:
        """``(K, 4)``: x toward the fingers, z out of the palm"""
        return self._cached("palm_quat", lambda: self.body_quat(self._palm)[:, 0])

    @property
    def fingertip_positions(self) -> torch.Tensor:
        """``(K, F, 3)``: middles of the fingertips, m; thumb first"""
        return self._cached("fingertip_positions", lambda: self.site_pos(self._tips))

    @property
    def touch_forces(self) -> torch.Tensor:
        """``(K, F)``: normal force on each fingertip, N; thumb first"""
        return self._cached("touch_forces", lambda: self.sensors(self._touch))

    @property
    def touches(self) -> torch.Tensor:
        """``(K, F) bool``: which fingertips touch something"""
        return self._cached("touches", lambda: self.touch_forces > self.config.contact_force)

    def palm_frame(self, points: torch.Tensor) -> torch.Tensor:
        """``(K, P, 3)``: points of the world in the palm's frame, m."""
        count = points.shape[1]
        offsets = (points - self.palm_pos[:, None]).reshape(-1, 3)
        return rotate_inverse(self.palm_quat.repeat_interleave(count, 0), offsets).reshape(-1, count, 3)

    def finger_poses(self, sites: torch.Tensor, *, in_palm: bool) -> torch.Tensor:
        """``(K, 7 F)``: positions of sites of the last links and orientations of these, in the world or the palm."""
        places, quats = self.site_pos(sites), self.body_quat(self._distal)
        if in_palm:
            count = quats.shape[1]
            back = inverse(self.palm_quat).repeat_interleave(count, 0)
            places, quats = self.palm_frame(places), product(back, quats.reshape(-1, 4)).reshape(-1, count, 4)
        return torch.cat([places, quats], 2).flatten(1)

    # words

    def action_terms(self) -> list[ActionTerm]:
        """Targets of the controls, or what moves them, per second."""
        limit, sets = self.config.actions.clip, self.config.control != "position_delta"
        factor = self.config.actions.scale / (1.0 if sets else self.control_dt)
        terms = []
        for index, name in enumerate(self.control_names):
            lead = self.robot.joints[int(self._leads[index])]
            unit = "m" if int(self.backend.model.joint(lead).type[0]) == SLIDE else "rad"
            scale, offset = float(self.actions.scales[index]) * factor, float(self.actions.offsets[index])
            joint = name if name in self.robot.joints else None
            terms.append(ActionTerm(name, index, unit if sets else f"{unit}/s", scale, offset, -limit, limit, joint))
        return terms

    def observation_meaning(self, term: str) -> tuple[str, str, tuple[str, ...]]:
        poses = tuple(f"{name}_{part}" for name in self.finger_names for part in POSE)
        known = {
            "joint_error": ("rad", "", self.robot.joints),
            "actions": ("", "", self.control_names),
            "targets": ("", "", self.control_names),
            "touch": ("", "", self.finger_names),
            "touch_forces": ("N", "", self.finger_names),
            "tips_world": ("m", "world", poses),
            "pads_world": ("m", "world", poses),
            "tips_palm": ("m", "palm", poses),
            "pads_palm": ("m", "palm", poses),
        }
        return known.get(term) or super().observation_meaning(term)
