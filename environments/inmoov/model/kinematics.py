"""Where the right hand is, and joint goals that bring it elsewhere: damped least squares with a null space.

The chain has four joints that move the hand (two of the shoulder, the turn of the upper arm, the elbow) for three
coordinates; what is left over draws the joints to a rest pose. One step solves, for joint changes ``d``,

    d = z + W Jᵀ (J W Jᵀ + λ² I)⁻¹ (e - J z),   z = k (rest - q),

with the Jacobian ``J``, the error ``e`` of the position, the damping ``λ`` and weights ``W`` (the joints' speeds, so
that slow joints are spared): Nakamura and Hanafusa, "Inverse kinematic solutions with singularity robustness", J Dyn
Syst Meas Control 108 (1986) 163. ``λ²`` grows by ``|e|²``, so that a goal out of reach does not make the arm tremble:
Sugihara, "Solvability-unconcerned inverse kinematics by the Levenberg-Marquardt method", IEEE T-RO 27 (2011) 984.
Joints that would leave their bounds stop there and the others are solved anew. Plain Python: for so short a chain it
is ten times as fast as arrays.
"""

import math
from collections.abc import Sequence

from environments.inmoov.model.body import GRASP_POINT, LEAN_HEIGHT, body
from environments.inmoov.model.shapes import Joint, Vector

ARM_PARTS = ("shoulder_side", "shoulder_up", "bicep_rotate", "bicep", "hand")
"""Joints of an arm from the trunk to the wrist, without their side."""
N_SOLVED = 4
"""The wrist turns the hand about the forearm; the solver leaves it where it is."""
MAX_ERROR = 0.1
"""The error of the position is taken as no longer than this in one step, metres."""
CLOSE_ENOUGH = 1e-4
"""The solver stops at this error of the position, metres."""

Column = tuple[float, float, float]


class ArmKinematics:
    """An arm of the humanoid, trunk upright.

    Args:
        side: ``"right"`` or ``"left"``.
        damping: λ at the goal, metres.
        null_gain: k, the share of the way to the rest pose that the null space goes in one step.
    """

    def __init__(self, side: str = "right", damping: float = 0.03, null_gain: float = 0.05) -> None:
        by_name = {joint.name: joint for joint in body()[1]}
        self.joints: tuple[Joint, ...] = tuple(by_name[f"{side}_{part}"] for part in ARM_PARTS)
        self._links = [(*_axis(joint), joint.at) for joint in self.joints]
        self._damping2 = damping * damping
        self._null_gain = null_gain
        self._weights = [joint.velocity for joint in self.joints[:N_SOLVED]]
        self._weights = [weight / max(self._weights) for weight in self._weights]

    def hand_pos(self, angles: Sequence[float]) -> Vector:
        """World position of the grasp point (metres) at these five angles (radians)."""
        return self._position_and_columns(angles)[0]

    def jacobian(self, angles: Sequence[float]) -> list[Column]:
        """How the grasp point moves with each of the five joints, metres per radian: five columns (x, y, z)."""
        return self._position_and_columns(angles)[1]

    def step_towards(
        self,
        angles: Sequence[float],
        goal: Vector,
        rest: Sequence[float],
        bounds: Sequence[tuple[float, float]],
        iterations: int = 5,
    ) -> list[float]:
        """Angles within ``bounds`` that bring the grasp point to ``goal``, or as near as a few steps get.

        Args:
            angles: the five present angles, radians.
            goal: world position, metres.
            rest: where the null space draws the first four joints, radians.
            bounds: low, high of the first four joints, radians.
            iterations: greatest number of steps.
        """
        solved = list(angles)
        for _ in range(iterations):
            (x, y, z), columns = self._position_and_columns(solved)
            error = (goal[0] - x, goal[1] - y, goal[2] - z)
            length = math.hypot(*error)
            if length < CLOSE_ENOUGH:
                break
            if length > MAX_ERROR:
                scale = MAX_ERROR / length
                error = (error[0] * scale, error[1] * scale, error[2] * scale)
            self._bounded_step(solved, columns, error, rest, bounds)
        return solved

    def _bounded_step(
        self,
        angles: list[float],
        columns: list[Column],
        error: Column,
        rest: Sequence[float],
        bounds: Sequence[tuple[float, float]],
    ) -> None:
        """Change ``angles`` by one step; joints that reach a bound are fixed there and the rest is solved again."""
        free = list(range(N_SOLVED))
        while free:
            wishes = [self._null_gain * (rest[i] - angles[i]) for i in free]
            changes = self._damped_solution([columns[i] for i in free], [self._weights[i] for i in free], wishes, error)
            stopped = []
            for i, change in zip(free, changes, strict=True):
                low, high = bounds[i]
                if not low <= angles[i] + change <= high:
                    stopped.append(i)
            if not stopped:
                for i, change in zip(free, changes, strict=True):
                    angles[i] += change
                return
            for i, change in zip(free, changes, strict=True):
                if i in stopped:
                    low, high = bounds[i]
                    moved = (high if change > 0 else low) - angles[i]
                    angles[i] += moved
                    column = columns[i]
                    error = (
                        error[0] - column[0] * moved,
                        error[1] - column[1] * moved,
                        error[2] - column[2] * moved,
                    )
            free = [i for i in free if i not in stopped]

    def _damped_solution(
        self, columns: list[Column], weights: list[float], wishes: list[float], error: Column
    ) -> list[float]:
        ex, ey, ez = error
        xx = yy = zz = self._damping2 + ex * ex + ey * ey + ez * ez
        xy = xz = yz = 0.0
        for (cx, cy, cz), weight, wish in zip(columns, weights, wishes, strict=True):
            ex -= cx * wish
            ey -= cy * wish
            ez -= cz * wish
            xx += weight * cx * cx
            yy += weight * cy * cy
            zz += weight * cz * cz
            xy += weight * cx * cy
            xz += weight * cx * cz
            yz += weight * cy * cz
        ax, ay, az = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
        determinant = xx * ax + xy * ay + xz * az
        ux = (ax * ex + ay * ey + az * ez) / determinant
        uy = (ay * ex + (xx * zz - xz * xz) * ey + (xy * xz - xx * yz) * ez) / determinant
        uz = (az * ex + (xy * xz - xx * yz) * ey + (xx * yy - xy * xy) * ez) / determinant
        return [
            wish + weight * (cx * ux + cy * uy + cz * uz)
            for (cx, cy, cz), weight, wish in zip(columns, weights, wishes, strict=True)
        ]

    def _position_and_columns(self, angles: Sequence[float]) -> tuple[Vector, list[Column]]:
        """The grasp point and the Jacobian's columns, gathered from the hand inwards."""
        x, y, z = GRASP_POINT
        columns: list[Column] = []
        for (axis, sign, (at_x, at_y, at_z)), angle in zip(reversed(self._links), reversed(angles), strict=True):
            turned = sign * angle
            c, s = math.cos(turned), math.sin(turned)
            if axis == 0:
                y, z = c * y - s * z, s * y + c * z
                columns = [(a, c * b - s * d, s * b + c * d) for a, b, d in columns]
                columns.append((0.0, -sign * z, sign * y))
            elif axis == 1:
                x, z = c * x + s * z, c * z - s * x
                columns = [(c * a + s * d, b, c * d - s * a) for a, b, d in columns]
                columns.append((sign * z, 0.0, -sign * x))
            else:
                x, y = c * x - s * y, s * x + c * y
                columns = [(c * a - s * b, s * a + c * b, d) for a, b, d in columns]
                columns.append((-sign * y, sign * x, 0.0))
            x, y, z = x + at_x, y + at_y, z + at_z
        return (x, y, z + LEAN_HEIGHT), columns[::-1]


def _axis(joint: Joint) -> tuple[int, float]:
    """Which coordinate axis the joint turns about (0 to 2), and its sign."""
    assert joint.axis is not None
    (place,) = [i for i, part in enumerate(joint.axis) if part]
    return place, float(joint.axis[place])
