"""Things that a hand holds: a cube with a colour on each face, a box, a ball."""

import mujoco
import numpy as np

from environments.mujoco_gym.robots.hand import FLOOR_GROUP, HAND_GROUP, OBJECT_GROUP

FACE_COLOURS = (
    (0.85, 0.10, 0.10),
    (0.95, 0.55, 0.10),
    (0.10, 0.55, 0.20),
    (0.10, 0.30, 0.80),
    (0.95, 0.90, 0.20),
    (0.95, 0.95, 0.95),
)
"""of the faces +x, -x, +y, -y, +z, -z"""


def add_cube(spec: mujoco.MjSpec, name: str, half: float, mass: float, pos: tuple[float, float, float]) -> None:
    """A free cube of half side ``half`` (m), its faces coloured so that its orientation can be seen."""
    body = _add_free(spec, name, pos)
    _add_solid(body, name, mujoco.mjtGeom.mjGEOM_BOX, [half] * 3, mass, (0.2, 0.2, 0.2, 1.0))
    _paint(body, half, alpha=1.0)


def add_ball(spec: mujoco.MjSpec, name: str, radius: float, mass: float, pos: tuple[float, float, float]) -> None:
    """A free ball (m, kg)."""
    _add_solid(
        _add_free(spec, name, pos), name, mujoco.mjtGeom.mjGEOM_SPHERE, [radius, 0, 0], mass, (0.85, 0.3, 0.1, 1)
    )


def add_shown_cube(spec: mujoco.MjSpec, name: str, half: float, pos: tuple[float, float, float]) -> None:
    """A cube that touches nothing and is moved as a mocap body: it shows the orientation that is wanted."""
    body = spec.worldbody.add_body(name=name, pos=pos, mocap=True)
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX, size=[half] * 3, rgba=(0.2, 0.2, 0.2, 1.0), contype=0, conaffinity=0, mass=0
    )
    _paint(body, half, alpha=1.0)


def _add_free(spec: mujoco.MjSpec, name: str, pos: tuple[float, float, float]) -> "mujoco.MjsBody":
    body = spec.worldbody.add_body(name=name, pos=pos)
    body.add_freejoint(name=name)
    body.add_site(name=name, size=[2e-3] * 3, group=4)
    return body


def _add_solid(
    body: "mujoco.MjsBody",
    name: str,
    kind: "mujoco.mjtGeom",
    size: list[float],
    mass: float,
    rgba: tuple[float, float, float, float],
) -> None:
    body.add_geom(
        name=name,
        type=kind,
        size=size,
        mass=mass,
        rgba=rgba,
        contype=OBJECT_GROUP | FLOOR_GROUP,
        conaffinity=HAND_GROUP | FLOOR_GROUP,
        friction=[1.0, 0.005, 0.0001],
    )


def _paint(body: "mujoco.MjsBody", half: float, alpha: float) -> None:
    """A thin coloured plate on each face."""
    for face, colour in enumerate(FACE_COLOURS):
        axis, sign = face // 2, 1 - 2 * (face % 2)
        pos, size = np.zeros(3), np.full(3, half * 0.93)
        pos[axis], size[axis] = sign * half, 2e-4
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=pos,
            size=size,
            rgba=(*colour, alpha),
            contype=0,
            conaffinity=0,
            mass=0,
            group=2,
        )
