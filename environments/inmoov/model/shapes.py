"""Links and joints as plain data, and the URDF text made from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Vector = tuple[float, float, float]

COLOURS: dict[str, tuple[float, float, float]] = {
    "white": (0.92, 0.92, 0.90),
    "grey": (0.55, 0.57, 0.60),
    "dark": (0.16, 0.17, 0.19),
    "blue": (0.15, 0.45, 0.85),
    "wood": (0.72, 0.53, 0.33),
    "clay": (0.62, 0.33, 0.20),
    "leaf": (0.16, 0.45, 0.14),
    "unripe": (0.62, 0.72, 0.20),
    "ripe": (0.85, 0.06, 0.05),
}
"""Colours by name, red, green, blue in [0, 1]."""


@dataclass(frozen=True)
class Shape:
    """A primitive of a link.

    Args:
        kind: box (side lengths), cylinder or capsule (radius, length without caps; along z), sphere (radius).
        size: metres.
        at: its centre in the link's frame, metres.
        colour: a name of `COLOURS`.
        turn: roll, pitch, yaw, radians.
        solid: whether other bodies touch it; a shape that is not solid is only seen.
    """

    kind: Literal["box", "cylinder", "capsule", "sphere"]
    size: tuple[float, ...]
    at: Vector
    colour: str
    turn: Vector = (0.0, 0.0, 0.0)
    solid: bool = False


@dataclass(frozen=True)
class Link:
    """A rigid part. Its inertia is that of a box of sides ``extent`` (metres) and ``mass`` (kg) centred at ``com``."""

    name: str
    mass: float
    com: Vector
    extent: Vector
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Joint:
    """Ties ``child`` to ``parent`` at ``at`` (metres, in the parent's frame); all frames are parallel at angle 0.

    Args:
        axis: what it turns about; None for a fixed joint.
        low, high: limits, radians.
        velocity: greatest speed, radians per second.
        effort: greatest torque, newton metres.
    """

    name: str
    parent: str
    child: str
    at: Vector
    axis: Vector | None = None
    low: float = 0.0
    high: float = 0.0
    velocity: float = 0.5
    effort: float = 1000.0


def urdf_text(name: str, comment: str, links: Iterable[Link], joints: Iterable[Joint]) -> str:
    """The URDF of a model, link by link, then joint by joint."""
    lines = ['<?xml version="1.0"?>', f"<!-- {comment} -->", f'<robot name="{name}">']
    for colour, (red, green, blue) in COLOURS.items():
        lines.append(f'  <material name="{colour}"><color rgba="{red:g} {green:g} {blue:g} 1"/></material>')
    for link in links:
        lines += _link_lines(link)
    for joint in joints:
        lines += _joint_lines(joint)
    return "\n".join([*lines, "</robot>", ""])


def _link_lines(link: Link) -> list[str]:
    x, y, z = (side * side for side in link.extent)
    inertia = [link.mass / 12 * squares for squares in (y + z, x + z, x + y)]
    lines = [
        f'  <link name="{link.name}">',
        "    <inertial>",
        f'      <origin xyz="{_numbers(link.com)}"/>',
        f'      <mass value="{link.mass:.6g}"/>',
        '      <inertia ixx="{:.4g}" iyy="{:.4g}" izz="{:.4g}" ixy="0" ixz="0" iyz="0"/>'.format(*inertia),
        "    </inertial>",
    ]
    for shape in link.shapes:
        place = f'<origin xyz="{_numbers(shape.at)}" rpy="{_numbers(shape.turn)}"/>{_geometry(shape)}'
        lines.append(f'    <visual>{place}<material name="{shape.colour}"/></visual>')
        if shape.solid:
            lines.append(f"    <collision>{place}</collision>")
    return [*lines, "  </link>"]


def _geometry(shape: Shape) -> str:
    if shape.kind == "box":
        return f'<geometry><box size="{_numbers(shape.size)}"/></geometry>'
    if shape.kind == "sphere":
        return f'<geometry><sphere radius="{shape.size[0]:g}"/></geometry>'
    radius, length = shape.size
    return f'<geometry><{shape.kind} radius="{radius:g}" length="{length:g}"/></geometry>'


def _joint_lines(joint: Joint) -> list[str]:
    kind = "fixed" if joint.axis is None else "revolute"
    lines = [
        f'  <joint name="{joint.name}" type="{kind}">',
        f'    <parent link="{joint.parent}"/><child link="{joint.child}"/><origin xyz="{_numbers(joint.at)}"/>',
    ]
    if joint.axis is not None:
        lines.append(
            f'    <axis xyz="{_numbers(joint.axis)}"/><limit lower="{joint.low:g}" upper="{joint.high:g}" '
            f'effort="{joint.effort:g}" velocity="{joint.velocity:g}"/>'
        )
    return [*lines, "  </joint>"]


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value + 0.0:.6g}" for value in values)
