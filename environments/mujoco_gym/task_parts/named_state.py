"""`NamedState`: a robot's state as tensors with names, which terms read."""

from collections.abc import Callable

import mujoco
import numpy as np
import torch

from environments.mujoco_gym.backends.base import PhysicsBackend
from environments.mujoco_gym.maths import GRAVITY, entries, rotate_inverse
from environments.mujoco_gym.robots.checks import AT_JOINTS
from environments.mujoco_gym.robots.robot import Robot
from srl3.errors import UserError, unknown_name


class NamedState:
    """Tensors of K robots, float32, on the world's device; each is computed once in a step, when it is asked for.

    K is N, the number of robots, in a step, and fewer while those whose episode ended are reset: terms are written for
    any number of rows (`rows` says which).

    Frames: the world's unless a docstring says "body frame". Quaternions are (w, x, y, z). What a name stands for is
    found when the world is built, so a name that the model lacks is an error there.
    """

    def bind_state(self, backend: PhysicsBackend, robot: Robot) -> None:
        """Find the addresses of the robot's joints and announce what is read."""
        self.backend = backend
        self.robot = robot
        model = backend.model
        self._cache: dict[str, torch.Tensor] = {}
        self.rows = torch.arange(backend.num_envs, device=backend.device)
        """``(K,) int64``: the robots that terms are computed for"""
        self._all_rows = self.rows
        backend.read("qpos"), backend.read("qvel")
        joints = [model.joint(name) for name in robot.joints]
        self._joint_qpos = self._places([int(joint.qposadr[0]) for joint in joints])
        self._joint_qvel = self._places([int(joint.dofadr[0]) for joint in joints])
        self.joint_low = self.constant([joint.range[0] for joint in joints])
        """``(J,)``: lower limits of the joints"""
        self.joint_high = self.constant([joint.range[1] for joint in joints])
        """``(J,)``: upper limits of the joints"""
        self.default_joint_pos = self.constant(robot.default_pose)
        """``(J,)``: the robot's default pose"""
        by_joint = {
            int(model.actuator_trnid[index, 0]): index
            for index in range(model.nu)
            if int(model.actuator_trntype[index]) in AT_JOINTS
        }
        driven = [by_joint[joint.id] for joint in joints]
        self.actuator_of_joint = self._places(driven)
        """``(J,)``: places of the joints' actuators in ``ctrl``"""
        self.gears = self.constant(model.actuator_gear[driven, 0])
        """``(J,)``: torque of each joint's motor for a control of 1, N m"""
        self._base = self._base_addresses(model, robot)

    def constant(self, values: object) -> torch.Tensor:
        """A float32 tensor on the world's device."""
        return torch.as_tensor(np.asarray(values, np.float32), device=self.backend.device)

    @property
    def count(self) -> int:
        """K"""
        return len(self.rows)

    def field(self, name: str) -> torch.Tensor:
        """``(K, …)``: a field of ``MjData`` that `PhysicsBackend.read` was asked for when the world was built"""
        values = self.backend.read(name)
        if self.rows is self._all_rows:
            return values
        return self._cached(f"field.{name}", lambda: values[self.rows])

    def exact(self, name: str) -> torch.Tensor:
        """``(K, …)``: a field of the state in the engine's own precision"""
        values = self.backend.exact(name)
        return values if self.rows is self._all_rows else values[self.rows]

    # joints

    @property
    def joint_pos(self) -> torch.Tensor:
        """``(K, J)``: positions of the robot's joints, in the order of its file, rad (m for slides)"""
        return self._cached("joint_pos", lambda: self.field("qpos")[:, self._joint_qpos])

    @property
    def joint_vel(self) -> torch.Tensor:
        """``(K, J)``: their velocities, rad/s (m/s)"""
        return self._cached("joint_vel", lambda: self.field("qvel")[:, self._joint_qvel])

    # the base

    @property
    def base_pos(self) -> torch.Tensor:
        """``(K, 3)``: position of the base, m"""
        return self._cached("base_pos", lambda: self.field("qpos")[:, self._free_base[0] : self._free_base[0] + 3])

    @property
    def base_quat(self) -> torch.Tensor:
        """``(K, 4)``: orientation of the base"""
        return self._cached("base_quat", lambda: self.field("qpos")[:, self._free_base[0] + 3 : self._free_base[0] + 7])

    @property
    def base_lin_vel(self) -> torch.Tensor:
        """``(K, 3)``: velocity of the base, body frame, m/s"""
        return self._cached(
            "base_lin_vel",
            lambda: rotate_inverse(self.base_quat, self.field("qvel")[:, self._free_base[1] : self._free_base[1] + 3]),
        )

    @property
    def base_lin_vel_world(self) -> torch.Tensor:
        """``(K, 3)``: velocity of the base, m/s"""
        return self.field("qvel")[:, self._free_base[1] : self._free_base[1] + 3]

    @property
    def base_ang_vel(self) -> torch.Tensor:
        """``(K, 3)``: angular velocity of the base, body frame, rad/s"""
        return self.field("qvel")[:, self._free_base[1] + 3 : self._free_base[1] + 6]

    @property
    def projected_gravity(self) -> torch.Tensor:
        """``(K, 3)``: the direction of gravity, body frame, a unit vector"""
        return self._cached("projected_gravity", lambda: entries(self.base_quat, GRAVITY))

    # by name; to be called when the world is built

    def sensor_places(self, names: tuple[str, ...]) -> slice | torch.Tensor:
        """Places of sensors' numbers, for `sensors`; announces that they are read."""
        model = self.backend.model
        known = [model.sensor(index).name for index in range(model.nsensor)]
        places: list[int] = []
        for name in names:
            if name not in known:
                raise unknown_name("sensor", name, known)
            start = int(model.sensor(name).adr[0])
            places += range(start, start + int(model.sensor(name).dim[0]))
        self.backend.read("sensordata")
        return self._places(places)

    def sensors(self, places: slice | torch.Tensor) -> torch.Tensor:
        """``(K, numbers)``: what sensors measure, one after the other, of the state before the last substep"""
        return self.field("sensordata")[:, places]

    def site_ids(self, names: tuple[str, ...]) -> torch.Tensor:
        """Indices of sites, for `site_pos`; announces that they are read."""
        model = self.backend.model
        known = [model.site(index).name for index in range(model.nsite)]
        for name in names:
            if name not in known:
                raise unknown_name("site", name, known)
        self.backend.read("site_xpos")
        return torch.tensor([model.site(name).id for name in names], device=self.backend.device)

    def site_pos(self, ids: torch.Tensor) -> torch.Tensor:
        """``(K, sites, 3)``: positions of sites, m, of the state before the last substep"""
        return self.field("site_xpos")[:, ids]

    def body_ids(self, names: tuple[str, ...]) -> torch.Tensor:
        """Indices of bodies, for `body_pos` and `body_quat`; announces that they are read."""
        model = self.backend.model
        known = [model.body(index).name for index in range(model.nbody)]
        for name in names:
            if name not in known:
                raise unknown_name("body", name, known)
        self.backend.read("xpos"), self.backend.read("xquat")
        return torch.tensor([model.body(name).id for name in names], device=self.backend.device)

    def body_pos(self, ids: torch.Tensor) -> torch.Tensor:
        """``(K, bodies, 3)``: positions of bodies, m, of the state before the last substep"""
        return self.field("xpos")[:, ids]

    def body_quat(self, ids: torch.Tensor) -> torch.Tensor:
        """``(K, bodies, 4)``: orientations of bodies, of the state before the last substep"""
        return self.field("xquat")[:, ids]

    def free_places(self, body: str) -> tuple[slice, slice]:
        """Where the seven numbers of a free body's pose are in ``qpos``, and the six of its velocity in ``qvel``."""
        joint = self.backend.model.joint(int(self.backend.model.body(body).jntadr[0]))
        pose, velocity = int(joint.qposadr[0]), int(joint.dofadr[0])
        return slice(pose, pose + 7), slice(velocity, velocity + 6)

    # caching

    def _cached(self, name: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        found = self._cache.get(name)
        if found is None:
            found = self._cache[name] = compute()
        return found

    def state_changed(self) -> None:
        """Forget what was computed from the state before."""
        self._cache.clear()

    def forget(self, *names: str) -> None:
        """The same of these values alone, because what they are made of beside the state has changed."""
        for name in names:
            self._cache.pop(name, None)

    def _places(self, addresses: list[int]) -> slice | torch.Tensor:
        """A slice where the addresses follow one another: it copies nothing."""
        if not addresses:
            raise UserError(
                "the task reads something of its robot's (feet, fingertips, sensors) of which this robot names none; "
                "choose one that fits the task."
            )
        if addresses == list(range(addresses[0], addresses[0] + len(addresses))):
            return slice(addresses[0], addresses[0] + len(addresses))
        return torch.tensor(addresses, device=self.backend.device)

    @property
    def _free_base(self) -> tuple[int, int]:
        if self._base[0] < 0:
            raise UserError("the task reads the base of its robot, whose file names none: write base= there.")
        return self._base

    def _base_addresses(self, model: mujoco.MjModel, robot: Robot) -> tuple[int, int]:
        """Places of the base's free joint in ``qpos`` and ``qvel``; (-1, -1) for a robot that is fixed."""
        if not robot.base:
            return -1, -1
        body = model.body(robot.base)
        joint = int(body.jntadr[0])
        return int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])
