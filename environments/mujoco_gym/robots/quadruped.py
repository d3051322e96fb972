"""A quadruped of primitive shapes with twelve position-controlled joints, of the size and mass of Unitree's Go1.

Lengths (m), masses (kg), ranges (rad) and torques (N m) are those of the public description of the Go1. Its trunk's
frame has x forward and y to the left; legs are FR, FL, RR, RL (front right and so on).
"""

import mujoco

from environments.mujoco_gym.robots.robot import Robot

LEGS = {"FR": (1, -1), "FL": (1, 1), "RR": (-1, -1), "RL": (-1, 1)}
"""signs of the hip's x and y"""
PARTS = ("hip", "thigh", "calf")
HIP_PLACE = (0.1881, 0.04675)
HIP_OFFSET, THIGH, CALF, FOOT_RADIUS = 0.08, 0.213, 0.213, 0.023
TRUNK_HALF = (0.188, 0.0468, 0.057)
MASSES = {"trunk": 5.204, "hip": 0.68, "thigh": 1.009, "calf": 0.136, "foot": 0.060}
RANGES = {"hip": (-0.863, 0.863), "thigh": (-0.686, 4.501), "calf": (-2.818, -0.888)}
TORQUES = {"hip": 23.7, "thigh": 23.7, "calf": 35.55}
HOME = {"hip": 0.1, "thigh": 0.9, "calf": -1.8}
"""default pose; the hip's is outwards"""
STIFFNESS, DAMPING, ARMATURE, FRICTION_LOSS = 80.0, 2.0, 0.01, 0.2
GROUND_GROUP = 1
FRICTION = (0.8, 0.02, 0.01)
GREY, DARK = (0.55, 0.57, 0.60, 1.0), (0.16, 0.17, 0.19, 1.0)


def quadruped_spec() -> mujoco.MjSpec:
    """The quadruped without ground; its feet and its trunk touch geoms of ``GROUND_GROUP``.

    Sensors: ``<leg>_touch`` (N) and ``<leg>_velocity`` (m/s, world frame) of the feet; sites ``<leg>_foot``.
    """
    spec = mujoco.MjSpec()
    spec.modelname = "quadruped"
    spec.compiler.degree = False
    spec.compiler.autolimits = True
    trunk = spec.worldbody.add_body(name="trunk", pos=[0, 0, ROBOT.height])
    trunk.add_freejoint(name="root")
    touching = {"contype": GROUND_GROUP, "conaffinity": 0, "friction": FRICTION}
    shape = mujoco.mjtGeom
    trunk.add_geom(name="trunk", type=shape.mjGEOM_BOX, size=TRUNK_HALF, mass=MASSES["trunk"], rgba=GREY, **touching)
    free = {"contype": 0, "conaffinity": 0}
    trunk.add_geom(
        name="head", type=shape.mjGEOM_BOX, pos=[0.22, 0, 0.02], size=[0.03, 0.045, 0.04], mass=0, rgba=DARK, **free
    )
    for leg, (x, y) in LEGS.items():
        hip = trunk.add_body(name=f"{leg}_hip", pos=[x * HIP_PLACE[0], y * HIP_PLACE[1], 0])
        thigh = hip.add_body(name=f"{leg}_thigh", pos=[0, y * HIP_OFFSET, 0])
        calf = thigh.add_body(name=f"{leg}_calf", pos=[0, 0, -THIGH])
        for body, part, axis in ((hip, "hip", (1, 0, 0)), (thigh, "thigh", (0, 1, 0)), (calf, "calf", (0, 1, 0))):
            _add_joint(spec, body, f"{leg}_{part}", part, axis)
        hip.add_geom(
            name=f"{leg}_hip",
            type=shape.mjGEOM_CYLINDER,
            fromto=[0, y * 0.025, 0, 0, y * 0.065, 0],
            size=[0.046, 0, 0],
            mass=MASSES["hip"],
            rgba=DARK,
            **free,
        )
        for body, part, end, radius in ((thigh, "thigh", -THIGH, 0.02), (calf, "calf", -CALF + 0.03, 0.012)):
            body.add_geom(
                name=f"{leg}_{part}",
                type=shape.mjGEOM_CAPSULE,
                fromto=[0, 0, 0, 0, 0, end],
                size=[radius, 0, 0],
                mass=MASSES[part],
                rgba=GREY,
                **free,
            )
        calf.add_geom(
            name=f"{leg}_foot",
            type=shape.mjGEOM_SPHERE,
            pos=[0, 0, -CALF],
            size=[FOOT_RADIUS, 0, 0],
            mass=MASSES["foot"],
            rgba=DARK,
            **touching,
        )
        site = calf.add_site(name=f"{leg}_foot", pos=[0, 0, -CALF], size=[FOOT_RADIUS + 0.004] * 3, group=4)
        for name, kind in (("touch", mujoco.mjtSensor.mjSENS_TOUCH), ("velocity", mujoco.mjtSensor.mjSENS_FRAMELINVEL)):
            spec.add_sensor(name=f"{leg}_{name}", type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site.name)
    return spec


def _add_joint(spec: mujoco.MjSpec, body: "mujoco.MjsBody", name: str, part: str, axis: tuple[int, int, int]) -> None:
    body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=axis,
        range=RANGES[part],
        armature=ARMATURE,
        damping=DAMPING,
        frictionloss=FRICTION_LOSS,
    )
    actuator = spec.add_actuator(
        name=name,
        target=name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        ctrlrange=RANGES[part],
        forcerange=(-TORQUES[part], TORQUES[part]),
    )
    actuator.set_to_position(kp=STIFFNESS)


ROBOT = Robot(
    spec=quadruped_spec,
    joints=tuple(f"{leg}_{part}" for leg in LEGS for part in PARTS),
    default_pose=tuple(y * HOME["hip"] if part == "hip" else HOME[part] for _, y in LEGS.values() for part in PARTS),
    action_scale=0.3,
    base="trunk",
    height=0.30,
    feet=tuple(f"{leg}_foot" for leg in LEGS),
)
