"""Rotations and functions of tensors that give robot i the same bits whatever the number of robots.

Quaternions are ``(…, 4)``: w, x, y, z. torch evaluates transcendental functions of the last few elements of a tensor by
other code than the rest, which may round differently; `whole` keeps every element out of that remainder.
"""

import math
from collections.abc import Callable

import torch

LANES = 64
"""a multiple of the elements that torch's vectorised loops take at once"""


def whole(function: Callable[..., torch.Tensor], *arguments: torch.Tensor) -> torch.Tensor:
    """``function`` element by element, evaluated on whole vectors only; the arguments have one shape."""
    if arguments[0].device.type != "cpu":  # a GPU evaluates every element by the same code
        return function(*arguments)
    shape = arguments[0].shape
    count = arguments[0].numel()
    padded = -count % LANES
    flat = [argument.reshape(-1) for argument in arguments]
    if padded:
        flat = [torch.cat([argument, argument.new_zeros(padded)]) for argument in flat]
    return function(*(argument.contiguous() for argument in flat))[:count].reshape(shape)


def atan2(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Angles of ``(x, y)``, radians in [-pi, pi]."""
    return whole(torch.atan2, y, x)


def exp(values: torch.Tensor) -> torch.Tensor:
    """e to the power of each value."""
    return whole(torch.exp, values)


def wrapped(angles: torch.Tensor) -> torch.Tensor:
    """Angles in [-pi, pi)."""
    return torch.remainder(angles + math.pi, 2 * math.pi) - math.pi


def total(values: torch.Tensor) -> torch.Tensor:
    """``(N, …)``: the sums of ``values (N, k, …)`` over k, added from left to right (on a GPU, as it likes)."""
    if values.device.type != "cpu":
        return values.sum(1)
    columns = values.unbind(1)
    result = columns[0]
    for column in columns[1:]:
        result = result + column
    return result


def rotate(quat: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """``(N, 3)`` vectors of a body's frame, in the world's."""
    return _turn(quat[:, :1], quat[:, 1:], vectors)


def rotate_inverse(quat: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """``(N, 3)`` vectors of the world's frame, in the body's."""
    return _turn(quat[:, :1], -quat[:, 1:], vectors)


def _turn(w: torch.Tensor, axis: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    axis = torch.cat([axis, axis], 1)
    twice = 2 * _cross(axis, vectors)
    return vectors + w * twice + _cross(axis, twice)


def _cross(aa: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """``(N, 3)``: a x b, of ``aa (N, 6)``, which is a twice: few operations, since few robots pay for each."""
    bb = torch.cat([b, b], 1)
    return aa[:, 1:4] * bb[:, 2:5] - aa[:, 2:5] * bb[:, 1:4]


def yaw_quat(yaw: torch.Tensor) -> torch.Tensor:
    """``(N, 4)``: turns about the vertical by ``yaw (N,)``, radians."""
    zero = torch.zeros_like(yaw)
    return torch.stack([whole(torch.cos, yaw / 2), zero, zero, whole(torch.sin, yaw / 2)], 1)


def yaw_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N,)``: the heading, radians."""
    return atan2(*yaw_sides(quat))


def yaw_sides(quat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``(N,)`` twice: y and x, in the plane, of the body's x axis; `atan2` makes the heading of them."""
    w, x, y, z = quat.unbind(1)
    return 2 * (w * z + x * y), 1 - 2 * (y * y + z * z)


def roll_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N,)``: the roll, radians."""
    return atan2(*roll_sides(quat))


def roll_sides(quat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``(N,)`` twice: of these `atan2` makes the roll."""
    w, x, y, z = quat.unbind(1)
    return 2 * (w * x + y * z), 1 - 2 * (x * x + y * y)


def quat_of_angles(angles: torch.Tensor) -> torch.Tensor:
    """``(N, 4)``: turns by ``angles (N, 3)``, radians, about the fixed axes x (roll), then y (pitch), then z (yaw)."""
    half = angles / 2
    cosines, sines, zero = whole(torch.cos, half), whole(torch.sin, half), torch.zeros_like(half[:, 0])
    roll, pitch, yaw = (
        torch.stack([cosines[:, axis], *(sines[:, axis] if axis == place else zero for place in range(3))], 1)
        for axis in range(3)
    )
    return product(yaw, product(pitch, roll))


def angles_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 3)``: roll, pitch and yaw of which `quat_of_angles` makes these turns, radians; pitch in [-pi/2, pi/2].

    With the pitch at a right angle, roll and yaw turn about one axis: there the roll is 0.
    """
    w, x, y, z = quat.unbind(1)
    sine = 2 * (w * y - x * z)
    pitch = atan2(sine, torch.sqrt((1 - sine * sine).clamp(min=0)))
    upright = sine.abs() > 1 - 1e-6
    roll = torch.where(upright, torch.zeros_like(w), roll_of(quat))
    yaw = torch.where(upright, 2 * atan2(z, w), yaw_of(quat))
    return torch.stack([roll, pitch, wrapped(yaw)], 1)


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """``(N, 4)``: the turn ``b`` and then, in the same fixed frame, ``a``."""
    aw, ax, ay, az = a.unbind(1)
    bw, bx, by, bz = b.unbind(1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        1,
    )


def inverse(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 4)``: the turns back."""
    w, x, y, z = quat.unbind(1)
    return torch.stack([w, -x, -y, -z], 1)


def normalised(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 4)`` of length 1."""
    return quat / torch.sqrt(total(quat * quat))[:, None]


def angle_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N,)``: how far a turn is, radians in [0, pi]."""
    w, x, y, z = quat.unbind(1)
    return 2 * atan2(torch.sqrt(x * x + y * y + z * z), w.abs())


def turned(vectors: torch.Tensor) -> torch.Tensor:
    """``(N, 4)``: turns about the directions of ``vectors (N, 3)`` by their lengths, radians."""
    angle = torch.sqrt(total(vectors * vectors))
    half = angle / 2
    share = torch.where(angle > 1e-8, whole(torch.sin, half) / angle.clamp(min=1e-8), torch.full_like(angle, 0.5))
    return torch.cat([whole(torch.cos, half)[:, None], vectors * share[:, None]], 1)


def turning_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 3)``: the vectors of which `turned` makes these turns: their axes, as long as their angles, at most pi."""
    quat = torch.where(quat[:, :1] < 0, -quat, quat)
    length = torch.sqrt(total(quat[:, 1:] * quat[:, 1:]))
    angle = 2 * atan2(length, quat[:, 0])
    share = torch.where(length > 1e-8, angle / length.clamp(min=1e-8), torch.full_like(angle, 2.0))
    return quat[:, 1:] * share[:, None]


def faces_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 9)``: how a cube of one colour lies: the same for all 24 turns that look alike, and without a jump.

    Sums over the cube's three axes (x, y, z) of (x+iy)^4, z(x+iy)^3, z²(x+iy)², z³(x+iy), real and imaginary parts one
    after the other, and of z^4: the spherical harmonics of order 4, the lowest that a cube has. Of a cube that lies
    flat and is turned by a about the vertical: 2 cos 4a, 2 sin 4a, 0 0 0 0 0 0 and 1.
    """
    w, x, y, z = quat.unbind(1)
    axes = (
        (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
        (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
        (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)),
    )
    sums = None
    for a, b, c in axes:
        a2, b2 = a * a - b * b, 2 * a * b
        a3, b3 = a2 * a - b2 * b, a2 * b + b2 * a
        square = c * c
        parts = [a2 * a2 - b2 * b2, 2 * a2 * b2, c * a3, c * b3, square * a2, square * b2]
        harmonics = torch.stack([*parts, square * c * a, square * c * b, square * square], 1)
        sums = harmonics if sums is None else sums + harmonics
    assert sums is not None
    return sums


def last_rows(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 6)``: the second and third rows of the matrix of a turn, which say all of it without a jump."""
    w, x, y, z = quat.unbind(1)
    return torch.stack(
        [
            2 * (x * y + w * z),
            1 - 2 * (x * x + z * z),
            2 * (y * z - w * x),
            2 * (x * z - w * y),
            2 * (y * z + w * x),
            1 - 2 * (x * x + y * y),
        ],
        1,
    )
