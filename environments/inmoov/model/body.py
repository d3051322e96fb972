"""The humanoid as a table of links and joints: proportions of a person, joints and limits of the InMoov model.

World frame at angle 0: x forwards, y to the robot's left, z up, the floor at z = 0. Arms hang down with the palms
forwards (the anatomical position). The left side mirrors the right: a sign of an angle means the same on both sides,
as far as the stored limits allow.

Lengths are fractions of the stature by Drillis and Contini (1966), as printed in Winter, "Biomechanics and Motor
Control of Human Movement", figure 4.1; finger lengths are the means of Chatzioglou et al., Anat Cell Biol 57 (2024)
172; masses are the men's fractions of Plagenhoef, Evans and Abdelnour, Res Q Exerc Sport 54 (1983) 169. What
none of them says (thicknesses, the places of joints inside the trunk and the head) is this project's own choice.
"""

from environments.inmoov.model.shapes import Joint, Link, Shape, Vector

STATURE = 1.75
"""Stature of the person that it is modelled on, metres."""
BODY_MASS = 35.0
"""What the mass fractions are taken of, kg: half a person of that stature (printed shells around servos are light)."""

HIP_HEIGHT = 0.530 * STATURE
SHOULDER_HEIGHT = 0.818 * STATURE
CHIN_HEIGHT = 0.870 * STATURE
EYE_HEIGHT = 0.936 * STATURE
SHOULDER_HALF_WIDTH = 0.129 * STATURE
HIP_WIDTH = 0.191 * STATURE
UPPER_ARM = 0.186 * STATURE
FOREARM = 0.146 * STATURE
HAND = 0.108 * STATURE
FINGER_LENGTHS = {"thumb": 0.0495, "index": 0.0639, "middle": 0.0707, "ring": 0.0655, "pinky": 0.0533}
PALM = HAND - FINGER_LENGTHS["middle"]

HEAD_MASS = 0.0896 * BODY_MASS
TRUNK_MASS = 0.4684 * BODY_MASS
UPPER_ARM_MASS = 0.0325 * BODY_MASS
FOREARM_MASS = 0.0187 * BODY_MASS
HAND_MASS = 0.0065 * BODY_MASS

WAIST_HEIGHT = HIP_HEIGHT + 0.10
LEAN_HEIGHT = WAIST_HEIGHT + 0.06
NECK_HEIGHT = SHOULDER_HEIGHT + 0.05
SHOULDER_INSET = 0.04
"""From the joint that lifts the arm sideways to the centre of the shoulder, metres."""
ROTATE_BELOW_SHOULDER = 0.10
"""From the centre of the shoulder to the joint that turns the upper arm, metres."""
GRASP_POINT: Vector = (0.035, 0.0, -PALM + 0.005)
"""Where a held thing is: before the palm, at the roots of the fingers, metres, in the hand's frame (the wrist)."""

X: Vector = (1.0, 0.0, 0.0)
Y: Vector = (0.0, 1.0, 0.0)
Z: Vector = (0.0, 0.0, 1.0)
_DOWN: Vector = (0.0, 0.0, -1.0)

_LEFT_ARM_LIMITS = {"shoulder_side": 3.142, "shoulder_up": 3.142, "bicep_rotate": 3.142}
_RIGHT_ARM_LIMITS = {"shoulder_side": 1.571, "shoulder_up": 1.571, "bicep_rotate": 1.571}
_HAND_LIMITS = {"right": (-3.14, 0.0), "left": (-3.142, 3.142)}

_FINGER_WAYS = {
    "index": (("index1", -1), ("index", -1), ("index3", -1)),
    "middle": (("middle1", 1), ("middle", -1), ("middle3", -1)),
    "ring": (("ring1", 1), ("ring", -1), ("ring3", 1), ("ring4", 1)),
    "pinky": (("pinky1", 1), ("pinky", -1), ("pinky3", 1), ("pinky4", 1)),
}
"""Joints of each finger from the palm outwards, and the sign of the angle (0 to 1.57) that closes it."""
_FINGER_Y = {"index": 0.030, "middle": 0.010, "ring": -0.010, "pinky": -0.030}
"""How far from the palm's middle line a finger stands, towards the thumb, metres."""
_PHALANGES = (0.5, 0.3, 0.2)
"""Shares of a finger's length, from the palm outwards."""
_METACARPAL = 0.06
"""Length of the folding part of the palm under ring finger and little finger, metres."""
_FINGER_RADIUS = 0.008
_FINGER_EXTENT: Vector = (0.08, 0.08, 0.08)
"""Box of a finger segment's inertia, metres: larger than the segment, for the servo's rotor seen through its gears."""
_FINGER_JOINTS_PER_HAND = 17


def body() -> tuple[list[Link], list[Joint]]:
    """Every link and joint of the humanoid, in the order of the InMoov model."""
    links, joints = _trunk()
    for more_links, more_joints in (_head(), _arm("right"), _arm("left")):
        links += more_links
        joints += more_joints
    return links, joints


def finger_closing_signs(side: str) -> dict[str, int]:
    """Finger joints of a hand (``"right"`` or ``"left"``) to the sign of the angles that close them."""
    signs = {f"{side}_{name}": 1 for name in ("thumb1", "thumb", "thumb3")}
    for segments in _FINGER_WAYS.values():
        signs.update({f"{side}_{name}": sign for name, sign in segments})
    return signs


def _trunk() -> tuple[list[Link], list[Joint]]:
    column = HIP_HEIGHT - 0.09
    chest = SHOULDER_HEIGHT - LEAN_HEIGHT
    links = [
        Link(
            "stand",
            20.0,
            (0, 0, 0.4),
            (0.4, 0.4, 0.8),
            (
                Shape("cylinder", (0.24, 0.03), (0, 0, 0.015), "dark"),
                Shape("cylinder", (0.05, column), (0, 0, column / 2), "grey"),
                Shape("box", (0.18, HIP_WIDTH * 0.85, 0.14), (0, 0, HIP_HEIGHT - 0.03), "white"),
            ),
        ),
        Link(
            "waist",
            0.1 * TRUNK_MASS,
            (0, 0, 0.03),
            (0.15, 0.2, 0.08),
            (Shape("cylinder", (0.085, 0.14), (0, 0, 0.0), "dark"),),
        ),
        Link(
            "torso",
            0.9 * TRUNK_MASS,
            (0, 0, 0.2),
            (0.2, 0.32, chest),
            (
                Shape("box", (0.15, 0.24, 0.20), (0, 0, 0.10), "white", solid=True),
                Shape("box", (0.20, 0.32, 0.20), (0, 0, chest - 0.11), "white", solid=True),
                Shape("box", (0.02, 0.10, 0.10), (0.1, 0, chest - 0.12), "dark"),
                Shape("sphere", (0.022,), (0.112, 0, chest - 0.12), "blue"),
                Shape("cylinder", (0.055, 0.36), (0, 0, chest), "dark", (1.5708, 0, 0)),
                Shape("cylinder", (0.045, 0.10), (0, 0, chest + 0.04), "dark"),
            ),
        ),
    ]
    joints = [
        Joint("waist_rotate", "stand", "waist", (0, 0, WAIST_HEIGHT), Z, -1.222, 1.222),
        Joint("waist_lean", "waist", "torso", (0, 0, LEAN_HEIGHT - WAIST_HEIGHT), X, -0.524, 0.524),
    ]
    return links, joints


def _head() -> tuple[list[Link], list[Joint]]:
    pivot = NECK_HEIGHT + 0.07
    eyes = EYE_HEIGHT - pivot
    chin = CHIN_HEIGHT - pivot
    crown = STATURE - pivot
    links = [
        Link(
            "neck",
            0.1 * HEAD_MASS,
            (0, 0, 0.03),
            (0.08, 0.08, 0.06),
            (Shape("cylinder", (0.04, 0.08), (0, 0, 0.03), "grey"),),
        ),
        Link("skull_base", 0.1 * HEAD_MASS, (0, 0, 0.02), (0.08, 0.08, 0.04)),
        Link(
            "head",
            0.7 * HEAD_MASS,
            (0, 0, (chin + crown) / 2),
            (0.18, 0.15, crown - chin),
            (
                Shape("sphere", (0.092,), (-0.005, 0, crown - 0.092), "white", solid=True),
                Shape("cylinder", (0.07, 0.09), (-0.01, 0, crown - 0.15), "white"),
                Shape("box", (0.09, 0.125, 0.06), (0.035, 0, eyes - 0.045), "white"),
                Shape("box", (0.02, 0.125, 0.035), (0.067, 0, eyes), "dark"),
                Shape("box", (0.03, 0.024, 0.04), (0.085, 0, eyes - 0.04), "white"),
                Shape("cylinder", (0.03, 0.17), (0, 0, eyes - 0.01), "grey", (1.5708, 0, 0)),
            ),
        ),
        Link(
            "jaw",
            0.05 * HEAD_MASS,
            (0.05, 0, -0.01),
            (0.1, 0.1, 0.03),
            (Shape("box", (0.08, 0.095, 0.032), (0.045, 0, -0.016), "grey"),),
        ),
        Link("eyes", 0.02 * HEAD_MASS, (0, 0, 0), (0.02, 0.08, 0.02)),
    ]
    joints = [
        Joint("head_tilt", "torso", "neck", (0, 0, NECK_HEIGHT - LEAN_HEIGHT), X, -1.57, 1.57),
        Joint("head_updown", "neck", "skull_base", (0, 0, pivot - NECK_HEIGHT), Y, -1.57, 1.57),
        Joint("head_leftright", "skull_base", "head", (0, 0, 0), Z, -1.571, 1.571, velocity=99.0),
        Joint("jaw", "head", "jaw", (0.03, 0, eyes - 0.075), Y, 0.0, 0.15),
        Joint("eyes_updown", "head", "eyes", (0.068, 0, eyes), Y, -0.45, 0.45),
    ]
    for name, side in (("eye", -1), ("left_eye", 1)):
        ball = (Shape("sphere", (0.015,), (0, 0, 0), "white"), Shape("sphere", (0.008,), (0.011, 0, 0), "blue"))
        links.append(Link(name, 0.015 * HEAD_MASS, (0, 0, 0), (0.03, 0.03, 0.03), ball))
        joints.append(Joint(f"{name}_leftright", "eyes", name, (0, 0.032 * side, 0), Z, -0.45, 0.45))
    return links, joints


def _arm(side: str) -> tuple[list[Link], list[Joint]]:
    y = -1.0 if side == "right" else 1.0
    bounds = _RIGHT_ARM_LIMITS if side == "right" else _LEFT_ARM_LIMITS
    upper = UPPER_ARM - ROTATE_BELOW_SHOULDER

    def axis(right: Vector) -> Vector:
        """The axis of a joint on this side, from that of the right arm's (mirrored in the plane y = 0)."""
        return right if side == "right" else (-right[0], right[1], -right[2])

    def name(part: str) -> str:
        return f"{side}_{part}"

    links = [
        Link(
            name("shoulder"),
            0.15 * UPPER_ARM_MASS,
            (0, y * SHOULDER_INSET, 0),
            (0.09, 0.09, 0.09),
            (Shape("sphere", (0.058,), (0, y * SHOULDER_INSET, 0), "grey"),),
        ),
        Link(
            name("shoulder_cap"),
            0.25 * UPPER_ARM_MASS,
            (0, 0, -0.05),
            (0.09, 0.09, 0.12),
            (
                Shape("cylinder", (0.05, 0.09), (0, 0, -0.055), "white"),
                Shape("sphere", (0.061,), (0, y * 0.004, 0.004), "white"),
            ),
        ),
        Link(
            name("upper_arm"),
            0.6 * UPPER_ARM_MASS,
            (0, 0, -upper / 2),
            (0.08, 0.08, upper),
            (
                Shape("capsule", (0.045, upper - 0.03), (0, 0, -upper / 2), "white", solid=True),
                Shape("cylinder", (0.046, 0.02), (0, 0, -0.01), "dark"),
                Shape("cylinder", (0.044, 0.096), (0, 0, -upper), "dark", (1.5708, 0, 0)),
            ),
        ),
        Link(
            name("forearm"),
            FOREARM_MASS,
            (0, 0, -0.43 * FOREARM),
            (0.07, 0.07, FOREARM),
            (
                Shape("capsule", (0.04, 0.11), (0, 0, -0.095), "white", solid=True),
                Shape("capsule", (0.031, 0.09), (0, 0, -FOREARM + 0.07), "white", solid=True),
                Shape("cylinder", (0.041, 0.015), (0, 0, -0.15), "dark"),
            ),
        ),
        Link(
            name("hand"),
            0.5 * HAND_MASS,
            GRASP_POINT,
            (0.03, 0.08, PALM),
            (
                Shape("cylinder", (0.026, 0.04), (0, 0, 0), "dark"),
                Shape("box", (0.026, 0.044, PALM - 0.015), (0, y * 0.020, -PALM / 2 - 0.005), "white", solid=True),
                Shape("box", (0.026, 0.040, 0.05), (0, y * -0.022, -0.04), "white", solid=True),
            ),
        ),
    ]
    joints = [
        Joint(
            name("shoulder_side"),
            "torso",
            name("shoulder"),
            (0, y * (SHOULDER_HALF_WIDTH - SHOULDER_INSET), SHOULDER_HEIGHT - LEAN_HEIGHT),
            axis((-1, 0, 0)),
            -bounds["shoulder_side"],
            bounds["shoulder_side"],
            velocity=0.6,
        ),
        Joint(
            name("shoulder_up"),
            name("shoulder"),
            name("shoulder_cap"),
            (0, y * SHOULDER_INSET, 0),
            (0.0, -1.0, 0.0),
            -bounds["shoulder_up"],
            bounds["shoulder_up"],
            velocity=0.1,
        ),
        Joint(
            name("bicep_rotate"),
            name("shoulder_cap"),
            name("upper_arm"),
            (0, 0, -ROTATE_BELOW_SHOULDER),
            axis(Z),
            -bounds["bicep_rotate"],
            bounds["bicep_rotate"],
        ),
        Joint(name("bicep"), name("upper_arm"), name("forearm"), (0, 0, -upper), Y, -1.571, 0.0),
        Joint(name("hand"), name("forearm"), name("hand"), (0, 0, -FOREARM), axis(_DOWN), *_HAND_LIMITS[side]),
    ]
    hand_links, hand_joints = _fingers(side, y)
    return links + hand_links, joints + hand_joints


def _fingers(side: str, y: float) -> tuple[list[Link], list[Joint]]:
    links: list[Link] = []
    joints: list[Joint] = []

    def add(name: str, parent: str, at: Vector, axis: Vector, low: float, along: Vector, length: float) -> str:
        """A segment that goes ``length`` metres along a unit vector; returns its link's name."""
        child = f"{side}_{name}_link"
        middle = (along[0] * length / 2, along[1] * length / 2, along[2] * length / 2)
        roll = 0.7854 * y if along[1] else 0.0
        capsule = Shape("capsule", (_FINGER_RADIUS, length), middle, "grey", (roll, 0, 0), solid=True)
        mass = 0.5 * HAND_MASS / _FINGER_JOINTS_PER_HAND
        links.append(Link(child, mass, middle, _FINGER_EXTENT, (capsule,)))
        joints.append(Joint(f"{side}_{name}", parent, child, at, axis, low, low + 1.57))
        return child

    slant = 0.5**0.5
    thumb: Vector = (0.0, y * slant, -slant)
    length = FINGER_LENGTHS["thumb"]
    parent, at = f"{side}_hand", (0.0, y * 0.035, -0.035)
    bend: Vector = (-y, 0.0, 0.0)
    axis: Vector
    for name, axis, part in (("thumb1", (0.0, 0.0, -y), 0.035), ("thumb", bend, length * 0.6)):
        parent = add(name, parent, at, axis, 0.0, thumb, part)
        at = (0.0, thumb[1] * part, thumb[2] * part)
    add("thumb3", parent, at, bend, 0.0, thumb, length * 0.4)

    for finger, segments in _FINGER_WAYS.items():
        parts = [FINGER_LENGTHS[finger] * share for share in _PHALANGES]
        if len(segments) > len(parts):
            parts.insert(0, _METACARPAL)
        parent = f"{side}_hand"
        root = -PALM + (_METACARPAL if len(segments) > 3 else 0.0)
        at = (0.0, y * _FINGER_Y[finger], root)
        for (name, sign), part in zip(segments, parts, strict=True):
            axis = (0.0, -float(sign), 0.0)
            parent = add(name, parent, at, axis, 0.0 if sign > 0 else -1.57, _DOWN, part)
            at = (0.0, 0.0, -part)
    return links, joints
