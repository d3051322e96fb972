"""The humanoid: Gymnasium's body with ankles, and the joints and motors of IsaacGymEnvs' ``nv_humanoid.xml``."""

import math

import mujoco

from environments.mujoco_gym.robots.packaged import add_force_torque_sensor, gymnasium_model
from environments.mujoco_gym.robots.robot import Robot

SIDES = ("right", "left")
KINDS = {
    "plain": (0.1, 5.0, 0.007),
    "small": (1.0, 2.0, 0.006),
    "big": (5.0, 10.0, 0.01),
    "bigger_stiff": (5.0, 20.0, 0.01),
    "big_stiff": (5.0, 20.0, 0.02),
}
"""damping (N m s/rad), stiffness (N m/rad) and armature (kg m²) of a kind of joint"""
JOINTS = {
    "abdomen_z": ("big_stiff", (-45, 45), 67.5),
    "abdomen_y": ("bigger_stiff", (-75, 30), 67.5),
    "abdomen_x": ("big", (-35, 35), 67.5),
    **{
        f"{side}_{name}": values
        for side in SIDES
        for name, values in {
            "hip_x": ("big", (-45, 15), 45.0),
            "hip_z": ("big", (-60, 35), 45.0),
            "hip_y": ("bigger_stiff", (-120, 45), 135.0),
            "knee": ("plain", (-160, 2), 90.0),
            "ankle_y": ("small", (-50, 50), 22.5),
            "ankle_x": ("small", (-50, 50), 22.5),
        }.items()
    },
    **{
        f"{side}_{name}": values
        for side in SIDES
        for name, values in {
            "shoulder1": ("big", (-90, 70), 67.5),
            "shoulder2": ("big", (-90, 70), 67.5),
            "elbow": ("small", (-90, 50), 45.0),
        }.items()
    },
}
"""kind, range (degrees) and gear (N m) of each joint, in the order of the actions"""
ANKLE_AXES = {"ankle_y": (0.0, 1.0, 0.0), "ankle_x": (1.0, 0.0, 0.5)}
SHANK, ANKLE_HEIGHT = 0.39, 0.08
"""from the knee down to the foot, and of the ankle above the foot, metres"""
SOLE_RADIUS = 0.027


def humanoid_spec() -> mujoco.MjSpec:
    """The humanoid on a plane, with force-torque sensors ``right_foot`` and ``left_foot`` in its ankles."""
    spec = gymnasium_model("humanoid.xml")
    for actuator in list(spec.actuators):
        spec.delete(actuator)
    for tendon in list(spec.tendons):
        spec.delete(tendon)
    for side in SIDES:
        _replace_foot(spec, side)
    spec.joint("left_shoulder1").axis = [-2, 1, -1]
    spec.joint("left_shoulder2").axis = [0, -1, -1]
    for name, (kind, limits, gear) in JOINTS.items():
        joint = spec.joint(name)
        joint.damping[0], joint.stiffness[0], joint.armature = KINDS[kind]
        joint.range = limits
        spec.add_actuator(
            name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, gear=[gear, 0, 0, 0, 0, 0], ctrlrange=[-1, 1]
        )
    return spec


def _replace_foot(spec: mujoco.MjSpec, side: str) -> None:
    """Two bars on an ankle of two hinges, in the place of a ball without joints."""
    shin = spec.body(f"{side}_shin")
    spec.delete(spec.body(f"{side}_foot"))
    foot = shin.add_body(name=f"{side}_foot", pos=[0, 0, -SHANK])
    for name, axis in ANKLE_AXES.items():
        foot.add_joint(
            name=f"{side}_{name}",
            type=mujoco.mjtJoint.mjJNT_HINGE,
            pos=[0, 0, ANKLE_HEIGHT],
            axis=axis,
            limited=mujoco.mjtLimited.mjLIMITED_TRUE,
        )
    outwards = -1 if side == "right" else 1
    for name, heel, toe in (("outer", 0.02, 0.04), ("inner", 0.0, -0.02)):
        foot.add_geom(
            name=f"{side}_foot_{name}",
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            fromto=[-0.07, outwards * heel, 0, 0.14, outwards * toe, 0],
            size=[SOLE_RADIUS, 0, 0],
            condim=3,
            friction=[1.0, 0.05, 0.05],
            material="geom",
        )
    add_force_torque_sensor(spec, foot, f"{side}_foot")


ROBOT = Robot(
    spec=humanoid_spec,
    joints=tuple(JOINTS),
    default_pose=tuple(
        math.radians(low) if low > 0 else math.radians(high) if high < 0 else 0.0
        for _, (low, high), _ in JOINTS.values()
    ),
    base="torso",
    height=1.34,
    feet=("right_foot", "left_foot"),
    position_controlled=False,
)
