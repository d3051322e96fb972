"""A five-finger right hand of primitive shapes: on a wrist with its palm up, or on a base that moves in six degrees.

Twenty finger joints: four in each finger (abduction, and flexion at knuckle, middle and end joint) and four in the
thumb (opposition, and flexion at root, knuckle and end joint). Lengths of the bones are means of adult hands (Buryanov
and Kotiuk, Int. J. Morphol. 28 (2010) 755-758); ranges, gains and torques are those of the robot hands of that size.

The palm's frame has x toward the fingers, y toward the little finger and z out of the palm. Lengths are in metres,
angles in radians, masses in kilograms, torques in newton metres.
"""

from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np

Base = Literal["wrist", "six"]
"""``wrist``: two wrist joints on a fixed forearm, palm up. ``six``: three slides and three hinges, palm down."""

MM = 1e-3
HAND_GROUP, OBJECT_GROUP, FLOOR_GROUP = 1, 2, 4
"""bits of ``contype`` and ``conaffinity``: the hand touches objects and, where it moves, the floor; never itself"""
SKIN, PAD = (0.85, 0.87, 0.90, 1.0), (0.16, 0.17, 0.19, 1.0)


@dataclass(frozen=True)
class Joint:
    """A hinge and its position actuator.

    Args:
        low: lower limit, radians.
        high: upper limit, radians.
        stiffness: gain of the position actuator, N m/rad.
        torque: largest torque, N m.
    """

    low: float
    high: float
    stiffness: float
    torque: float


KINDS = {
    "abd": Joint(-0.35, 0.35, 2.0, 0.8),
    "mcp": Joint(-0.20, 1.60, 2.0, 1.0),
    "pip": Joint(0.00, 1.75, 1.5, 0.7),
    "dip": Joint(0.00, 1.40, 1.0, 0.5),
    "opp": Joint(-0.20, 2.00, 3.0, 1.2),
    "cmc": Joint(-0.35, 1.20, 3.0, 1.2),
    "tmcp": Joint(-0.20, 1.10, 2.0, 0.9),
    "ip": Joint(-0.10, 1.40, 1.5, 0.6),
}
"""abduction, knuckle, middle and end joint of a finger; opposition, root, knuckle and end joint of the thumb"""
WRIST = {"wrist_flexion": Joint(-0.6, 0.6, 30.0, 8.0), "wrist_deviation": Joint(-0.4, 0.4, 30.0, 8.0)}
ARMATURE, DAMPING, FRICTION_LOSS, ACTUATOR_DAMPING = 0.001, 0.05, 0.005, 0.02


@dataclass(frozen=True)
class Finger:
    """A finger of three links.

    Args:
        knuckle: x and y of its root in the palm's frame, millimetres.
        splay: angle of the finger at rest in the palm's plane, degrees, toward the little finger.
        lengths: of the three links, the last with its pad, millimetres.
        radii: of the three links, millimetres.
    """

    knuckle: tuple[float, float]
    splay: float
    lengths: tuple[float, float, float]
    radii: tuple[float, float, float]


FINGERS = {
    "index": Finger((92.0, -27.0), -4.0, (40.0, 22.5, 20.0), (9.5, 8.5, 8.0)),
    "middle": Finger((95.0, -5.0), 0.0, (44.5, 26.5, 21.5), (9.5, 8.5, 8.0)),
    "ring": Finger((90.0, 16.0), 4.0, (41.5, 25.5, 21.0), (9.5, 8.5, 8.0)),
    "little": Finger((82.0, 35.0), 9.0, (32.5, 18.0, 19.5), (8.5, 7.5, 7.0)),
}
THUMB_ROOT = (26.0, -30.0, 6.0)
"""of the thumb in the palm's frame, millimetres"""
THUMB_YAW, THUMB_PRONATION = -50.0, 50.0
"""how the thumb is turned in the palm's plane, and about its own length, degrees"""
THUMB = Finger((THUMB_ROOT[0], THUMB_ROOT[1]), 0.0, (46.0, 31.5, 27.5), (12.0, 10.5, 9.5))
FINGER_PARTS = ("proximal", "middle", "distal")
THUMB_PARTS = ("meta", "proximal", "distal")
PALM_MASS = 0.25
LINK_MASSES = (0.025, 0.015, 0.010)
THUMB_MASSES = (0.040, 0.025, 0.015)
PALM_HALF = (46.0, 42.0, 11.0)
"""half the sizes of the palm, millimetres"""

TIPS = ("thumb", *FINGERS)
"""fingers in the order of every array of fingertips"""
FINGER_JOINTS = (
    "thumb_opp",
    "thumb_cmc",
    "thumb_mcp",
    "thumb_ip",
    *(f"{finger}_{joint}" for finger in FINGERS for joint in ("abd", "mcp", "pip", "dip")),
)
"""the twenty joints of the fingers, in the order of the actuators"""
WRIST_JOINTS = tuple(WRIST)
BASE_JOINTS = ("base_x", "base_y", "base_z", "base_yaw", "base_pitch", "base_roll")
"""the six joints of the moving base: metres, then radians"""
BASE_LOW = (-0.4, -0.4, 0.0, -3.1, -1.6, -3.1)
BASE_HIGH = (0.4, 0.4, 0.6, 3.1, 1.6, 3.1)

COUPLED: dict[str, dict[str, float]] = {
    "thumb_rotation": {"thumb_opp": 1.0},
    "thumb_angle": {"thumb_cmc": 1.0},
    "thumb_flexion": {"thumb_mcp": 1.0, "thumb_ip": 1.0},
    "spread": {"index_abd": -1.0, "ring_abd": 1.0, "little_abd": 2.0},
    **{
        f"{finger}_{part}": joints
        for finger in FINGERS
        for part, joints in (
            ("knuckle", {f"{finger}_mcp": 1.0}),
            ("curl", {f"{finger}_pip": 1.0, f"{finger}_dip": 0.8}),
        )
    },
}
"""Twelve controls that drive the fingers as tendons would, and the share of each that its joints follow."""


def joint_kind(name: str) -> Joint:
    """What a finger's or the wrist's joint is like."""
    if name in WRIST:
        return WRIST[name]
    finger, _, kind = name.partition("_")
    return KINDS["tmcp" if (finger, kind) == ("thumb", "mcp") else kind]


def hand_spec(base: Base) -> mujoco.MjSpec:
    """The hand alone, over a floor, with a light and sensors; physics options are the task's.

    Bodies ``palm`` and ``<finger>_<part>``; sites ``palm``, ``grasp``, ``<finger>_tip`` and ``<finger>_pad``; sensors
    ``<finger>_touch`` (N, the sum of the normal forces on a fingertip).
    """
    spec = mujoco.MjSpec()
    spec.modelname = f"hand_{base}"
    spec.compiler.degree = False
    spec.compiler.autolimits = True
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    _add_room(spec, moving=base == "six")
    palm = _add_wrist(spec) if base == "wrist" else _add_moving_base(spec)
    _add_shape(
        palm,
        "palm",
        mujoco.mjtGeom.mjGEOM_BOX,
        size=[half * MM for half in PALM_HALF],
        pos=[PALM_HALF[0] * MM, 4 * MM, 0],
        mass=PALM_MASS,
        floor=base == "six",
    )
    palm.add_site(name="palm", pos=[55 * MM, 4 * MM, 11 * MM], size=[3 * MM] * 3, group=4)
    palm.add_site(name="grasp", pos=[70 * MM, 0, 40 * MM], size=[3 * MM] * 3, group=4)
    _add_thumb(spec, palm, floor=base == "six")
    for name, finger in FINGERS.items():
        _add_finger(spec, palm, name, finger, floor=base == "six")
    for tip in TIPS:
        spec.add_sensor(
            name=f"{tip}_touch",
            type=mujoco.mjtSensor.mjSENS_TOUCH,
            objtype=mujoco.mjtObj.mjOBJ_SITE,
            objname=f"{tip}_tip",
        )
    return spec


def joint_names(base: Base) -> tuple[str, ...]:
    """The joints in the order of the actuators: wrist or base first, then the fingers."""
    return (*(WRIST_JOINTS if base == "wrist" else BASE_JOINTS), *FINGER_JOINTS)


# parts


def _add_room(spec: mujoco.MjSpec, *, moving: bool) -> None:
    world = spec.worldbody
    world.add_light(pos=[0.3, -0.4, 1.2], dir=[-0.25, 0.3, -1], castshadow=True)
    spec.add_texture(
        name="checker",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.28, 0.32, 0.36],
        rgb2=[0.22, 0.26, 0.30],
        width=256,
        height=256,
    )
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.55, 0.62, 0.70],
        rgb2=[0.20, 0.24, 0.28],
        width=64,
        height=384,
    )
    material = spec.add_material(name="floor", texrepeat=[8, 8], reflectance=0.05)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "checker"
    world.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[1, 1, 0.1],
        material="floor",
        contype=FLOOR_GROUP,
        conaffinity=FLOOR_GROUP | (HAND_GROUP if moving else 0),
    )


def _add_wrist(spec: mujoco.MjSpec) -> "mujoco.MjsBody":
    """A forearm 12 cm above the floor that the palm, turned up and a little toward the viewer, moves on."""
    forearm = spec.worldbody.add_body(name="forearm", pos=[0, 0, 0.12], quat=_turn((0, 1, 0), -12))
    forearm.add_geom(
        name="forearm",
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[-0.16, 0.004, 0, -0.035, 0.004, 0],
        size=[0.026, 0, 0],
        rgba=PAD,
        contype=0,
        conaffinity=0,
        mass=0.5,
    )
    palm = forearm.add_body(name="palm")
    for name, axis in zip(WRIST_JOINTS, ((0, -1, 0), (0, 0, 1)), strict=True):
        _add_joint(spec, palm, name, axis)
    return palm


def _add_moving_base(spec: mujoco.MjSpec) -> "mujoco.MjsBody":
    """Three slides and three hinges, one after the other, that carry the palm without its weight, fingers forward."""
    body = spec.worldbody.add_body(name="base_x_link")
    axes = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1), (0, 1, 0), (1, 0, 0))
    for name, axis, low, high in zip(BASE_JOINTS, axes, BASE_LOW, BASE_HIGH, strict=True):
        if name != BASE_JOINTS[0]:
            body = body.add_body(name=f"{name}_link")
        body.mass, body.inertia, body.explicitinertial = 0.05, [1e-4] * 3, True
        body.gravcomp = 1.0
        slides = name in BASE_JOINTS[:3]
        body.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_SLIDE if slides else mujoco.mjtJoint.mjJNT_HINGE,
            axis=axis,
            range=[low, high],
            armature=0.2 if slides else 0.01,
            damping=10.0 if slides else 0.5,
        )
        force = 60.0 if slides else 6.0
        actuator = spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            ctrlrange=[low, high],
            forcerange=[-force, force],
        )
        actuator.set_to_position(kp=600.0 if slides else 20.0, dampratio=1.0)
    palm = body.add_body(name="palm", quat=_turn((1, 0, 0), 180))
    palm.gravcomp = 1.0
    return palm


def _add_thumb(spec: mujoco.MjSpec, palm: "mujoco.MjsBody", *, floor: bool) -> None:
    """Opposition about the palm's length, then three flexions about axes that the thumb's pronation turns."""
    root = palm.add_body(name="thumb_base", pos=[part * MM for part in THUMB_ROOT])
    _add_joint(spec, root, "thumb_opp", (-1, 0, 0))
    root.mass, root.inertia, root.explicitinertial = 0.02, [4e-6] * 3, True
    turned = np.zeros(4)
    mujoco.mju_mulQuat(turned, _turn((0, 0, 1), THUMB_YAW), _turn((1, 0, 0), THUMB_PRONATION))
    body = root.add_body(name="thumb_meta", quat=turned)
    for index, (part, joint) in enumerate(zip(THUMB_PARTS, ("cmc", "mcp", "ip"), strict=True)):
        if index:
            body = body.add_body(name=f"thumb_{part}", pos=[THUMB.lengths[index - 1] * MM, 0, 0])
        _add_joint(spec, body, f"thumb_{joint}", (0, 0, 1))
        _add_link(body, "thumb", part, THUMB.lengths[index], THUMB.radii[index], THUMB_MASSES[index], floor=floor)


def _add_finger(spec: mujoco.MjSpec, palm: "mujoco.MjsBody", name: str, finger: Finger, *, floor: bool) -> None:
    x, y = finger.knuckle
    body = palm.add_body(name=f"{name}_base", pos=[x * MM, y * MM, 0], quat=_turn((0, 0, 1), finger.splay))
    _add_joint(spec, body, f"{name}_abd", (0, 0, 1))
    body.mass, body.inertia, body.explicitinertial = 0.01, [1e-6] * 3, True
    for index, (part, joint) in enumerate(zip(FINGER_PARTS, ("mcp", "pip", "dip"), strict=True)):
        body = body.add_body(name=f"{name}_{part}", pos=[finger.lengths[index - 1] * MM if index else 0, 0, 0])
        _add_joint(spec, body, f"{name}_{joint}", (0, -1, 0))
        _add_link(body, name, part, finger.lengths[index], finger.radii[index], LINK_MASSES[index], floor=floor)


def _add_joint(spec: mujoco.MjSpec, body: "mujoco.MjsBody", name: str, axis: tuple[int, int, int]) -> None:
    """A hinge with its position actuator."""
    kind = joint_kind(name)
    body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=axis,
        range=[kind.low, kind.high],
        armature=ARMATURE,
        damping=DAMPING,
        frictionloss=FRICTION_LOSS,
    )
    actuator = spec.add_actuator(
        name=name,
        target=name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        ctrlrange=[kind.low, kind.high],
        forcerange=[-kind.torque, kind.torque],
    )
    actuator.set_to_position(kp=kind.stiffness, kv=ACTUATOR_DAMPING if name not in WRIST else 0.5)


def _add_link(
    body: "mujoco.MjsBody", finger: str, part: str, length: float, radius: float, mass: float, *, floor: bool
) -> None:
    """A capsule from this joint to the next; the last one ends in the fingertip, its round end part of its length."""
    is_tip = part == "distal"
    end = (length - (radius if is_tip else 0.0)) * MM
    _add_shape(
        body,
        f"{finger}_{part}",
        mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[0, 0, 0, end, 0, 0],
        size=[radius * MM, 0, 0],
        mass=mass,
        rgba=PAD if is_tip else SKIN,
        floor=floor,
    )
    if is_tip:
        body.add_site(name=f"{finger}_tip", pos=[end, 0, 0], size=[(radius + 2) * MM] * 3, group=4)
        inwards = (0, radius * MM) if finger == "thumb" else (radius * MM, 0)  # where its flexion goes: z, else y
        body.add_site(name=f"{finger}_pad", pos=[end, inwards[1], inwards[0]], size=[2 * MM] * 3, group=4)


def _add_shape(body: "mujoco.MjsBody", name: str, kind: "mujoco.mjtGeom", *, floor: bool, **attributes: object) -> None:
    """A shape of the hand, which touches objects and, where ``floor``, the floor."""
    attributes.setdefault("rgba", SKIN)
    body.add_geom(
        name=name,
        type=kind,
        contype=HAND_GROUP,
        conaffinity=FLOOR_GROUP if floor else 0,
        friction=[1.0, 0.005, 0.0001],
        **attributes,
    )


def _turn(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    """The quaternion ``(w, x, y, z)`` of a turn about an axis."""
    quaternion = np.zeros(4)
    mujoco.mju_axisAngle2Quat(quaternion, np.array(axis, np.float64), np.deg2rad(degrees))
    return quaternion
