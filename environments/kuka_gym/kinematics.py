"""Closed-form inverse kinematics of the iiwa arm with its hand pointing straight down.

Shoulder, elbow and wrist lie in one vertical plane (joints 2 and 4 stay at 0), so the arm is a planar two-link
chain whose solution exists everywhere: a goal out of reach is replaced by the nearest one on the line from the
shoulder, and a fully straight arm is a point like any other. Lengths are those of
``kuka_iiwa/kuka_with_gripper2.sdf``. The law of cosines gives the elbow; see e.g. Siciliano et al., "Robotics:
Modelling, Planning and Control", section 2.12.1.
"""

import math

UPPER_ARM = 0.42
"""Shoulder to elbow, metres."""
FOREARM = 0.40
"""Elbow to wrist, metres."""
HAND = 0.081
"""Wrist to flange (link 6), metres."""
SHOULDER_HEIGHT = 0.36
"""Base frame to shoulder, metres."""
ELBOW_LIMIT = 2.0944
"""Greatest bend of the elbow, radians."""

_FARTHEST = UPPER_ARM + FOREARM
_NEAREST = math.sqrt(UPPER_ARM**2 + FOREARM**2 + 2 * UPPER_ARM * FOREARM * math.cos(ELBOW_LIMIT))


def joints_for(x: float, y: float, z: float) -> list[float]:
    """Joint angles that bring the flange to a point, hand downwards, elbow up.

    Args:
        x, y, z: goal of link 6, metres, in the frame of the arm's base (z up).

    Returns:
        Angles of joints 0 to 6, radians.
    """
    out = math.hypot(x, y)
    up = z + HAND - SHOULDER_HEIGHT
    reach = min(max(math.hypot(out, up), _NEAREST), _FARTHEST)
    cos_bend = (reach * reach - UPPER_ARM**2 - FOREARM**2) / (2 * UPPER_ARM * FOREARM)
    bend = math.acos(min(max(cos_bend, -1.0), 1.0))
    lean = math.atan2(out, up) - math.atan2(FOREARM * math.sin(bend), UPPER_ARM + FOREARM * math.cos(bend))
    turn = math.atan2(y, x)
    return [turn, lean, 0.0, -bend, 0.0, math.pi - lean - bend, turn]
