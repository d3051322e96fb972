"""Rotations and functions of tensors that give robot i the same bits whatever the number of robots.

Quaternions are ``(…, 4)``: w, x, y, z. torch evaluates transcendental functions of the last few elements of a tensor by
other code than the rest, which may round differently; `whole` keeps every element out of that remainder. Few robots,
and any number on a GPU, pay for operations and not for numbers, so several results are computed side by side.
"""

import functools
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
        flat = [torch.cat([argument, _zeros(padded, argument.dtype)]) for argument in flat]
        return function(*flat)[:count].reshape(shape)
    return function(*(argument.contiguous() for argument in flat)).reshape(shape)


@functools.cache
def _zeros(count: int, dtype: torch.dtype) -> torch.Tensor:
    with torch.inference_mode(False):
        return torch.zeros(count, dtype=dtype)


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
    return _turn(quat[:, :1], quat.index_select(1, _columns(_AXIS, quat.device)), vectors)


def rotate_inverse(quat: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """``(N, 3)`` vectors of the world's frame, in the body's."""
    return _turn(quat[:, :1], -quat.index_select(1, _columns(_AXIS, quat.device)), vectors)


_AXIS = (2, 3, 1, 3, 1, 2)
"""columns of a quaternion: y, z, x, then z, x, y, as the two halves of a cross product take its first factor"""
_FACTOR = (2, 0, 1, 1, 2, 0)
"""columns of the second factor"""


def _turn(w: torch.Tensor, axis: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """``axis (N, 6)`` as `_AXIS` has it."""
    twice = 2 * _cross(axis, vectors)
    return vectors + w * twice + _cross(axis, twice)


def _cross(axis: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    products = axis * vectors.index_select(1, _columns(_FACTOR, vectors.device))
    return products[:, :3] - products[:, 3:]


Entry = tuple[str, float, float]
"""``("wy-xz", factor, offset)``: factor (w y - x z) + offset, of a quaternion (w, x, y, z)"""
GRAVITY: tuple[Entry, ...] = (("wy-xz", 2, 0), ("yz+wx", -2, 0), ("xx+yy", 2, -1))
"""the direction of gravity in a body's frame"""
YAW: tuple[Entry, ...] = (("wz+xy", 2, 0), ("yy+zz", -2, 1))
"""y and x, in the plane, of a body's x axis: of these `atan2` makes the heading"""
ROLL: tuple[Entry, ...] = (("wx+yz", 2, 0), ("xx+yy", -2, 1))
"""of these `atan2` makes the roll; the second is also the vertical part of a body's z axis"""
_LAST_ROWS: tuple[Entry, ...] = (
    ("xy+wz", 2, 0),
    ("xx+zz", -2, 1),
    ("yz-wx", 2, 0),
    ("xz-wy", 2, 0),
    ("yz+wx", 2, 0),
    ("xx+yy", -2, 1),
)
_COLUMNS: tuple[Entry, ...] = (
    *(("yy+zz", -2, 1), ("xy-wz", 2, 0), ("xz+wy", 2, 0)),
    *(("xy+wz", 2, 0), ("xx+zz", -2, 1), ("yz-wx", 2, 0)),
    *(("xz-wy", 2, 0), ("yz+wx", 2, 0), ("xx+yy", -2, 1)),
)


def entries(quat: torch.Tensor, wanted: tuple[Entry, ...]) -> torch.Tensor:
    """``(N, entries)``: what is wanted of the matrices of these turns."""
    first, second, signs, factors, offsets = _table(wanted, quat.device)
    products = quat.index_select(1, first) * quat.index_select(1, second) * signs
    return (products[:, : len(wanted)] + products[:, len(wanted) :]) * factors + offsets


@functools.cache
def _table(wanted: tuple[Entry, ...], device: torch.device) -> tuple[torch.Tensor, ...]:
    """For `entries`: the columns to multiply, first products of all entries and then second ones, and their signs;
    factors; offsets, of which that of none is -0, to which any number, -0 too, can be added unchanged."""
    products = [text[:2] for text, *_ in wanted] + [text[3:] for text, *_ in wanted]
    signs = [1.0] * len(wanted) + [-1.0 if text[2] == "-" else 1.0 for text, *_ in wanted]
    with torch.inference_mode(False):
        return (
            *(torch.tensor(["wxyz".index(pair[place]) for pair in products], device=device) for place in (0, 1)),
            torch.tensor(signs, device=device),
            torch.tensor([float(factor) for _, factor, _ in wanted], device=device),
            torch.tensor([float(offset) or -0.0 for *_, offset in wanted], device=device),
        )


@functools.cache
def _columns(places: tuple[int, ...], device: torch.device) -> torch.Tensor:
    with torch.inference_mode(False):
        return torch.tensor(places, device=device)


def yaw_quat(yaw: torch.Tensor) -> torch.Tensor:
    """``(N, 4)``: turns about the vertical by ``yaw (N,)``, radians."""
    zero = torch.zeros_like(yaw)
    return torch.stack([whole(torch.cos, yaw / 2), zero, zero, whole(torch.sin, yaw / 2)], 1)


def yaw_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N,)``: the heading, radians."""
    return atan2(*entries(quat, YAW).unbind(1))


def roll_of(quat: torch.Tensor) -> torch.Tensor:
    """``(N,)``: the roll, radians."""
    return atan2(*entries(quat, ROLL).unbind(1))


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
    places, signs = _table_of_product(b.device)
    by_part = (b.index_select(1, places) * signs).view(-1, 4, 4) * a[:, :, None]
    return total(by_part)


@functools.cache
def _table_of_product(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """By what w, x, y and z of the first turn are multiplied: columns of the second, and signs."""
    with torch.inference_mode(False):
        places = torch.tensor([0, 1, 2, 3, 1, 0, 3, 2, 2, 3, 0, 1, 3, 2, 1, 0], device=device)
        signs = torch.tensor([1.0, 1, 1, 1, -1, 1, -1, 1, -1, 1, 1, -1, -1, -1, 1, 1], device=device)
    return places, signs


def inverse(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 4)``: the turns back."""
    return torch.cat([quat[:, :1], -quat[:, 1:]], 1)


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
    a, b, c = entries(quat, _COLUMNS).view(-1, 3, 3).unbind(1)  # x, y and z of the three axes, (N, 3) each
    a2, b2 = a * a - b * b, 2 * a * b
    a3, b3 = a2 * a - b2 * b, a2 * b + b2 * a
    square = c * c
    parts = [a2 * a2 - b2 * b2, 2 * a2 * b2, c * a3, c * b3, square * a2, square * b2]
    parts += [square * c * a, square * c * b, square * square]
    return total(torch.stack(parts, 2))


def last_rows(quat: torch.Tensor) -> torch.Tensor:
    """``(N, 6)``: the second and third rows of the matrix of a turn, which say all of it without a jump."""
    return entries(quat, _LAST_ROWS)
