"""A second physics client that only draws: light copies of what moves, over a background that is drawn once."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from environments.bullet import pybullet as p
from environments.kuka_gym.pictures.background import load_background
from environments.kuka_gym.pictures.meshes import light_mesh
from environments.kuka_gym.robot import load_arm

Pose = tuple[tuple[float, float, float], tuple[float, float, float, float]]
"""Position (metres) and orientation (quaternion x, y, z, w), world frame."""
Matrix = tuple[float, ...]
"""16 numbers, column by column."""


class LightScene:
    """Draws bodies of another physics client with few triangles.

    Args:
        client: the client whose bodies are drawn.
        arm: id of the arm there; its base is part of the `background`.
        others: ids of all other bodies that move.
        tolerance: how far, about, a surface may be from where it was, metres.
    """

    def __init__(self, client: int, arm: int, others: Sequence[int], tolerance: float) -> None:
        self._client: int = p.connect(p.DIRECT)
        self._bodies = [_MovingBody(client, arm, self._client, tolerance, with_base=False)]
        self._bodies += [_MovingBody(client, body, self._client, tolerance) for body in others]

    def follow(self) -> None:
        """Take the poses that the bodies have now."""
        for body in self._bodies:
            body.follow()

    def draw(self, view: Matrix, projection: Matrix, shape: tuple[int, int]) -> np.ndarray:
        """``(H, W, 3) uint8`` RGB, upright, of a camera's view and projection matrices."""
        behind, behind_depth = background(view, projection, shape)
        pixels, depth = _draw(self._client, view, projection, shape)
        in_front = depth < behind_depth
        # a lone pixel that no triangle took although all around it belongs to the foreground
        hole = in_front[1:-1, :-2] & in_front[1:-1, 2:] & in_front[:-2, 1:-1] & in_front[2:, 1:-1]
        hole &= ~in_front[1:-1, 1:-1]
        np.copyto(pixels[1:-1, 1:-1], pixels[1:-1, :-2], where=hole)
        in_front[1:-1, 1:-1] |= hole
        image = np.where(in_front, pixels, behind)
        return np.ascontiguousarray(image.view(np.uint8).reshape(*shape, 4)[..., :3])

    def close(self) -> None:
        """Free the physics client; a second call does nothing."""
        if self._client >= 0:
            p.disconnect(self._client)
            self._client = -1


@functools.lru_cache(maxsize=16)
def background(view: Matrix, projection: Matrix, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Floor, table and the arm's base: ``(H, W) uint32`` RGBA, ``(H, W) float32`` depth buffer, both shared."""
    client = p.connect(p.DIRECT)
    try:
        load_background(client)
        arm = load_arm(client)
        for link in range(p.getNumJoints(arm, physicsClientId=client)):
            p.changeVisualShape(arm, link, rgbaColor=(0, 0, 0, 0), physicsClientId=client)
        return _draw(client, view, projection, shape)
    finally:
        p.disconnect(client)


def _draw(client: int, view: Matrix, projection: Matrix, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """``(H, W) uint32`` RGBA and ``(H, W) float32`` depth buffer."""
    height, width = shape
    _, _, pixels, depth, _ = p.getCameraImage(
        width,
        height,
        view,
        projection,
        shadow=0,
        renderer=p.ER_TINY_RENDERER,
        flags=p.ER_NO_SEGMENTATION_MASK,
        physicsClientId=client,
    )
    rgba = np.ascontiguousarray(pixels, np.uint8).reshape(height, width * 4).view(np.uint32)
    return rgba, np.asarray(depth, np.float32).reshape(height, width)


class _MovingBody:
    """One body of the source client, and its copies in the drawing client: one for each of its visual shapes."""

    def __init__(self, source: int, body: int, client: int, tolerance: float, with_base: bool = True) -> None:
        self._source, self._body, self._client = source, body, client
        inertial = p.getDynamicsInfo(body, -1, physicsClientId=source)[3:5]
        self._from_centre: Pose = p.invertTransform(*inertial)
        self._copies: dict[int, list[int]] = {}
        for shape in p.getVisualShapeData(body, physicsClientId=source):
            if shape[1] >= 0 or with_base:
                self._copies.setdefault(shape[1], []).append(_copy_shape(shape, client, tolerance))
        self._links = [link for link in self._copies if link >= 0]
        self._poses: dict[int, Pose] = {}

    def follow(self) -> None:
        if -1 in self._copies:
            centre = p.getBasePositionAndOrientation(self._body, physicsClientId=self._source)
            self._move(-1, p.multiplyTransforms(*centre, *self._from_centre))
        if self._links:
            states = p.getLinkStates(self._body, self._links, computeForwardKinematics=1, physicsClientId=self._source)
            for link, state in zip(self._links, states, strict=True):
                self._move(link, state[4:6])

    def _move(self, link: int, pose: Pose) -> None:
        if self._poses.get(link) != pose:
            self._poses[link] = pose
            for copy in self._copies[link]:
                p.resetBasePositionAndOrientation(copy, *pose, physicsClientId=self._client)


def _copy_shape(shape: Sequence[Any], client: int, tolerance: float) -> int:
    """A body in the drawing client that looks like this row of ``getVisualShapeData``; its id."""
    _, _, kind, size, file, position, orientation, color, *_ = shape
    texture: str | None = None
    geometry: Mapping[str, Any]
    if kind == p.GEOM_BOX:
        geometry = {"halfExtents": [side / 2 for side in size]}
    elif kind == p.GEOM_CYLINDER:
        geometry = {"length": size[0], "radius": size[1]}
    elif kind == p.GEOM_SPHERE:
        geometry = {"radius": size[0]}
    else:
        geometry, texture = _mesh_arguments(file.decode(), tuple(size), tolerance)
    visual = p.createVisualShape(
        kind,
        rgbaColor=color,
        visualFramePosition=position,
        visualFrameOrientation=orientation,
        physicsClientId=client,
        **geometry,
    )
    copy: int = p.createMultiBody(0, -1, visual, physicsClientId=client)
    if texture:
        p.changeVisualShape(
            copy, -1, textureUniqueId=p.loadTexture(texture, physicsClientId=client), physicsClientId=client
        )
    return copy


@functools.lru_cache(maxsize=64)
def _mesh_arguments(
    path: str, scale: tuple[float, float, float], tolerance: float
) -> tuple[Mapping[str, list[Any]], str | None]:
    """What ``createVisualShape`` wants to know of a mesh, and its texture.

    The lists are shared by all scenes of the process, because PyBullet never lets go of lists that it was given.
    """
    mesh = light_mesh(path, scale, tolerance)
    arrays = {"vertices": mesh.positions, "normals": mesh.normals, "uvs": mesh.uvs}
    indices = list(range(len(mesh.positions)))
    return {"indices": indices, **{name: array.tolist() for name, array in arrays.items()}}, mesh.texture
