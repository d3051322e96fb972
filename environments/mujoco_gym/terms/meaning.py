"""What a policy's numbers mean at the robot: joints, units, gains, limits."""

from typing import Any

import mujoco

from environments.mujoco_gym.robots.robot import Robot
from environments.mujoco_gym.terms.actions import Actions
from environments.terms import ActionTerm

OWN_TERMS = ("actions", "command")
"""observations that no sensor measures: what the policy chose last, and what a user asks of it"""


def joint_action_terms(actions: Actions, robot: Robot, model: mujoco.MjModel) -> list[ActionTerm]:
    """One term for each joint of ``robot``, where each has an action of its own."""
    config = actions.config
    scales, offsets = actions.scales.tolist(), actions.offsets.tolist()
    return [
        ActionTerm(
            joint,
            index,
            unit=joint_unit(model, joint) if robot.position_controlled else "",
            scale=scales[index] * config.scale,
            offset=offsets[index],
            low=-config.clip,
            high=config.clip,
            joint=joint,
            moving_average=config.moving_average,
            delay=config.delay,
            default_pos=robot.default_pose[index],
            **joint_properties(model, joint, robot.position_controlled),
        )
        for index, joint in enumerate(robot.joints)
    ]


def joint_unit(model: mujoco.MjModel, joint: str) -> str:
    """``m`` for a slide, ``rad`` for a hinge."""
    return "m" if int(model.joint(joint).type[0]) == int(mujoco.mjtJoint.mjJNT_SLIDE) else "rad"


def joint_properties(model: mujoco.MjModel, joint: str, position_controlled: bool) -> dict[str, Any]:
    """A joint's limits, and the gains of its actuator: fields of `ActionTerm`.

    Damping is the actuator's and the joint's own together.
    """
    of_joint = model.joint(joint)
    limited = bool(model.jnt_limited[of_joint.id])
    found: dict[str, Any] = {"joint_limits": tuple(map(float, of_joint.range)) if limited else None}
    actuator = next(index for index in range(model.nu) if int(model.actuator_trnid[index, 0]) == of_joint.id)
    gear = float(model.actuator_gear[actuator, 0])
    if not position_controlled:
        return {**found, "gear": gear * float(model.actuator_gainprm[actuator, 0])}
    own = float(model.dof_damping[int(of_joint.dofadr[0])])
    return {
        **found,
        "stiffness": float(model.actuator_gainprm[actuator, 0]) * gear**2,
        "damping": own - float(model.actuator_biasprm[actuator, 2]) * gear**2,
    }
