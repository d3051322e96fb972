"""The ant: Gymnasium's body with the joints and motors of IsaacGymEnvs' ``nv_ant.xml``."""

import mujoco

from environments.mujoco_gym.robots.packaged import add_force_torque_sensor, gymnasium_model
from environments.mujoco_gym.robots.robot import Robot

LEGS = (1, 2, 3, 4)
ARMATURE, DAMPING, GEAR = 0.01, 0.1, 15.0
HIP_RANGE = (-40.0, 40.0)
"""degrees"""
ANKLE_RANGE = (30.0, 100.0)
"""degrees; of the legs whose ankle turns the other way, negative"""


def ant_spec() -> mujoco.MjSpec:
    """The ant on a plane, with force-torque sensors ``foot_1`` to ``foot_4`` in its lower legs."""
    spec = gymnasium_model("ant.xml")
    for leg in LEGS:
        for name in (f"hip_{leg}", f"ankle_{leg}"):
            joint = spec.joint(name)
            joint.armature = ARMATURE
            joint.damping[0] = DAMPING
        spec.joint(f"hip_{leg}").range = HIP_RANGE
        bends_forward = spec.joint(f"ankle_{leg}").range[0] > 0
        spec.joint(f"ankle_{leg}").range = ANKLE_RANGE if bends_forward else (-ANKLE_RANGE[1], -ANKLE_RANGE[0])
        add_force_torque_sensor(spec, spec.joint(f"ankle_{leg}").parent, f"foot_{leg}")
    for actuator in spec.actuators:
        actuator.name = actuator.target
        actuator.gear[0] = GEAR
    return spec


_RAISED = 0.5235987755982988
"""the limit of an ankle nearest to straight, 30 degrees"""
ROBOT = Robot(
    spec=ant_spec,
    joints=tuple(f"{joint}_{leg}" for leg in LEGS for joint in ("hip", "ankle")),
    default_pose=(0.0, _RAISED, 0.0, -_RAISED, 0.0, -_RAISED, 0.0, _RAISED),
    base="torso",
    height=0.44,
    feet=tuple(f"foot_{leg}" for leg in LEGS),
    position_controlled=False,
)
