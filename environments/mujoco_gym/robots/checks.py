"""What a robot's file must be, and what must be in the model that it makes."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import mujoco

from environments.mujoco_gym.robots.robot import Robot
from srl3.errors import UserError, unknown_name

ONE_NUMBER = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))
"""joints with one number each, which a robot's file names; those of other kinds belong to bodies that move freely"""
AT_JOINTS = (int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_JOINTINPARENT))
"""actuators that act on a joint"""


def checked_robot(robot: Robot, name: str) -> Robot:
    """A robot whose ``spec`` says in a sentence what goes wrong in it.

    Raises:
        UserError: when a field is of another kind than it must be.
    """
    for field in ("joints", "passive", "feet", "fingertips"):
        value = getattr(robot, field)
        if isinstance(value, str) or not all(isinstance(each, str) for each in value):
            raise UserError(f"{field} of robot {name} must be names in brackets, not {value!r}.")
    if not robot.joints:
        raise UserError(f"robot {name} names no joints; joints are those that actions move.")
    twice = [joint for joint in robot.joints if robot.joints.count(joint) > 1]
    if twice:
        raise UserError(f"robot {name} names the joint {twice[0]} twice.")
    _check_numbers(robot.default_pose, len(robot.joints), f"default_pose of robot {name}")
    if not isinstance(robot.action_scale, int | float):
        _check_numbers(robot.action_scale, len(robot.joints), f"action_scale of robot {name}")
    for field in ("height", "action_scale"):
        value = getattr(robot, field)
        if not isinstance(value, list | tuple | int | float) or (
            isinstance(value, int | float) and not math.isfinite(value)
        ):
            raise UserError(f"{field} of robot {name} must be a number, not {value!r}.")
    if not callable(robot.spec):
        raise UserError(f"spec of robot {name} must be a function that makes a mujoco.MjSpec, not {robot.spec!r}.")
    return dataclasses.replace(robot, spec=_checked_spec(robot.spec, name))


def _check_numbers(values: Any, count: int, what: str) -> None:
    numbers = isinstance(values, list | tuple) and all(isinstance(each, int | float) for each in values)
    if not numbers or not all(map(math.isfinite, values)):
        raise UserError(f"{what} must be {count} numbers, one for each of its joints, not {values!r}.")
    if len(values) != count:
        raise UserError(f"{what} has {len(values)} numbers, and the robot has {count} joints.")


def _checked_spec(make: Callable[[], mujoco.MjSpec], name: str) -> Callable[[], mujoco.MjSpec]:
    def spec() -> mujoco.MjSpec:
        try:
            made = make()
        except (UserError, ValueError):  # of MJCF that MuJoCo can't read: the task says so
            raise
        except Exception as error:
            raise UserError(f"spec of robot {name} fails: {type(error).__name__}: {error}.") from error
        if not isinstance(made, mujoco.MjSpec):
            raise UserError(f"spec of robot {name} must make a mujoco.MjSpec, not {type(made).__name__}.")
        return made

    return spec


def check_model(model: mujoco.MjModel, robot: Robot, name: str) -> None:
    """Hold a compiled model against the robot's file.

    Raises:
        UserError: when what the file names is not in the model, or a joint has not the actuator that it needs.
    """
    _check_joints(model, robot, name)
    _check_actuators(model, robot, name)
    bodies = [model.body(index).name for index in range(1, model.nbody)]
    sites = [model.site(index).name for index in range(model.nsite)]
    for field, known, named in (
        ("base", bodies, (robot.base,)),
        ("looked_at", bodies, (robot.looked_at,)),
        ("feet", sites, robot.feet),
        ("fingertips", sites, robot.fingertips),
    ):
        for each in filter(None, named):
            if each not in known:
                kind = "body" if known is bodies else "site"
                raise unknown_name(f"{kind} in {field} of robot {name}", each, list(filter(None, known)))
    if robot.base:
        joint = int(model.body(robot.base).jntadr[0])
        if joint < 0 or model.jnt_type[joint] != mujoco.mjtJoint.mjJNT_FREE:
            raise UserError(f"base of robot {name} must be a body with a free joint; {robot.base} has none.")


def _check_joints(model: mujoco.MjModel, robot: Robot, name: str) -> None:
    joints = [model.joint(index) for index in range(model.njnt)]
    present = [joint.name for joint in joints if int(joint.type[0]) in ONE_NUMBER]
    others = [joint.name for joint in joints if int(joint.type[0]) not in ONE_NUMBER]
    named = (*robot.joints, *robot.passive)
    for joint in named:
        if joint in others:
            raise UserError(f"robot {name} names the joint {joint}, which is a ball or free joint: leave it out.")
        if joint not in present:
            raise UserError(
                f"robot {name} names the joint {joint}, which its model lacks; it has {', '.join(present)}."
            )
    for joint in present:
        if not joint:
            raise UserError(f"the model of robot {name} has a joint without a name; give it one.")
        if joint not in named:
            raise UserError(f"the model of robot {name} has the joint {joint}, which the robot's file does not name.")


def _check_actuators(model: mujoco.MjModel, robot: Robot, name: str) -> None:
    by_joint: dict[str, list[int]] = {}
    for index in range(model.nu):
        if int(model.actuator_trntype[index]) in AT_JOINTS:
            by_joint.setdefault(model.joint(int(model.actuator_trnid[index, 0])).name, []).append(index)
    for joint in robot.joints:
        actuators = by_joint.get(joint, [])
        if len(actuators) != 1:
            raise UserError(f"robot {name}: joint {joint} has {len(actuators)} actuators of its own; it needs one.")
        if robot.position_controlled and model.actuator_biastype[actuators[0]] == mujoco.mjtBias.mjBIAS_NONE:
            raise UserError(
                f"robot {name} is position_controlled, and the actuator of joint {joint} is a motor; write "
                "position_controlled=False, or give it a position actuator."
            )
