"""The bodies of a PyBullet client as parts of a scene."""

from typing import Any

import numpy as np

from environments.bullet import pybullet as p
from environments.kuka_gym.pictures.meshes import light_mesh
from environments.scenes.parts import ScenePart, multiplied, rotated
from environments.scenes.shapes import Mesh, box, capsule, cylinder, sphere

TOLERANCE = 0.002
"""metres by which simplifying may move a surface"""
MAX_SIDE = 6.0
"""metres; planes of the engine are larger, and are drawn so large"""


class BulletScene:
    """Made once from what is in the client; poses are asked for again and again.

    Args:
        client: the physics client, with all its bodies loaded.

    Attributes:
        parts: one for each visual shape that can be drawn.
    """

    def __init__(self, client: int) -> None:
        self._client = client
        self.parts: list[ScenePart] = []
        self._places: list[tuple[int, int]] = []
        positions, quats = [], []
        for number in range(p.getNumBodies(physicsClientId=client)):
            body = p.getBodyUniqueId(number, physicsClientId=client)
            name = p.getBodyInfo(body, physicsClientId=client)[1].decode()
            for _, link, kind, dims, file, position, turn, colour, *_ in p.getVisualShapeData(
                body, physicsClientId=client
            ):
                mesh = _mesh(kind, dims, file.decode())
                if mesh is None:
                    continue
                self.parts.append(ScenePart(f"{name} {body}.{link}", mesh, tuple(colour)))
                self._places.append((body, link))
                positions.append(position)
                quats.append(_wxyz(turn))
        self._local_positions, self._local_quats = np.array(positions), np.array(quats)

    def poses(self) -> np.ndarray:
        """``(parts, 7)``: position (metres) and quaternion (w, x, y, z) of each part now."""
        bodies: dict[int, Any] = {body: None for body, _ in self._places}
        for body in bodies:
            count = p.getNumJoints(body, physicsClientId=self._client)
            links = (
                p.getLinkStates(body, list(range(count)), computeForwardKinematics=1, physicsClientId=self._client)
                if count
                else ()
            )
            bodies[body] = [self._base(body), *(state[4:6] for state in links)]
        frames = [bodies[body][link + 1] for body, link in self._places]
        positions, quats = np.array([frame[0] for frame in frames]), np.array([_wxyz(frame[1]) for frame in frames])
        return np.concatenate(
            [positions + rotated(quats, self._local_positions), multiplied(quats, self._local_quats)], 1
        )

    def _base(self, body: int) -> tuple[Any, Any]:
        """The frame of a base's shapes: PyBullet gives that of its inertia."""
        position, turn = p.getBasePositionAndOrientation(body, physicsClientId=self._client)
        inertial = p.getDynamicsInfo(body, -1, physicsClientId=self._client)[3:5]
        frame: tuple[Any, Any] = p.multiplyTransforms(position, turn, *p.invertTransform(*inertial))
        return frame


class ShownBullet:
    """An environment whose scene is what its PyBullet client, ``self._scene.client``, holds."""

    _scene: Any
    _shown: BulletScene | None = None

    def scene_parts(self) -> list[ScenePart]:
        return self._bodies().parts

    def scene_poses(self) -> np.ndarray:
        return self._bodies().poses()

    def _bodies(self) -> BulletScene:
        if self._shown is None:
            self._shown = BulletScene(self._scene.client)
        return self._shown


def _mesh(kind: int, dims: tuple[float, float, float], file: str) -> Mesh | None:
    if kind == p.GEOM_BOX:
        return box([min(side, MAX_SIDE) for side in dims])
    if kind == p.GEOM_SPHERE:
        return sphere(dims[0])
    if kind == p.GEOM_CYLINDER:
        return cylinder(dims[1], dims[0])
    if kind == p.GEOM_CAPSULE:
        return capsule(dims[1], dims[0])
    if kind == p.GEOM_MESH and file.lower().endswith((".obj", ".stl")):
        corners = light_mesh(file, dims, TOLERANCE).positions.clip(-MAX_SIDE / 2, MAX_SIDE / 2)
        return Mesh(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3))
    return None


def _wxyz(turn: tuple[float, float, float, float]) -> np.ndarray:
    return np.array([turn[3], *turn[:3]])
