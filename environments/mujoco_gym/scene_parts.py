"""A compiled MuJoCo model as parts of a scene: one for each colour of each body."""

import math

import mujoco
import numpy as np

from environments.scenes.parts import Colour, ScenePart, multiplied, rotated
from environments.scenes.shapes import Mesh, box, capsule, cylinder, ellipsoid, grid, joined, sphere

SHOWN_GROUPS = 3
"""geoms of the groups below this one are drawn, as in MuJoCo's own viewer"""
MAX_CELLS = 100_000
"""of a map of heights"""
Geom = mujoco.mjtGeom


class ModelParts:
    """The parts of a model, and which body each goes with.

    Args:
        model: compiled. Planes are left out: viewers draw a ground of their own.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        found: dict[tuple[int, Colour, bool], list[tuple[int, Mesh]]] = {}
        for geom in range(model.ngeom):
            mesh = _mesh(model, geom) if model.geom_group[geom] < SHOWN_GROUPS else None
            if mesh is not None:
                ground = int(model.geom_type[geom]) == Geom.mjGEOM_HFIELD
                key = (int(model.geom_bodyid[geom]), _colour(model, geom), ground)
                found.setdefault(key, []).append((geom, mesh))
        self.parts: list[ScenePart] = []
        self._bodies = np.array([body for body, _, _ in found])
        self._within = np.tile([0.0, 0, 0, 1, 0, 0, 0], (len(found), 1))
        for number, ((body, colour, ground), geoms) in enumerate(found.items()):
            if len(geoms) == 1:  # in a frame of its own, so that equal geoms of other bodies have equal meshes
                geom, shape = geoms[0]
                self._within[number] = [*model.geom_pos[geom], *model.geom_quat[geom]]
            else:
                shape = joined([_placed(mesh, model.geom_pos[geom], model.geom_quat[geom]) for geom, mesh in geoms])
            self.parts.append(ScenePart(model.body(body).name or f"body {body}", shape, colour, ground))

        self._model = model
        self._data = mujoco.MjData(model)

    def poses(self, qpos: np.ndarray, mocap_pos: np.ndarray, mocap_quat: np.ndarray) -> np.ndarray:
        """``(n, parts, 7)``: position and quaternion (w, x, y, z) of each part.

        Args:
            qpos: of n robots, ``(n, nq)``.
            mocap_pos: ``(n, nmocap, 3)``.
            mocap_quat: ``(n, nmocap, 4)``.
        """
        data, bodies = self._data, self._bodies
        places, turns = np.empty((len(qpos), len(bodies), 3)), np.empty((len(qpos), len(bodies), 4))
        for row in range(len(qpos)):
            data.qpos, data.mocap_pos, data.mocap_quat = qpos[row], mocap_pos[row], mocap_quat[row]
            mujoco.mj_kinematics(self._model, data)
            places[row], turns[row] = data.xpos[bodies], data.xquat[bodies]
        within = np.broadcast_to(self._within, (*places.shape[:2], 7))
        return np.concatenate([places + rotated(turns, within[..., :3]), multiplied(turns, within[..., 3:])], -1)


def _mesh(model: mujoco.MjModel, geom: int) -> Mesh | None:
    kind, size = int(model.geom_type[geom]), model.geom_size[geom]
    if kind == Geom.mjGEOM_BOX:
        return box(2 * size)
    if kind == Geom.mjGEOM_SPHERE:
        return sphere(size[0])
    if kind == Geom.mjGEOM_ELLIPSOID:
        return ellipsoid(size)
    if kind == Geom.mjGEOM_CAPSULE:
        return capsule(size[0], 2 * size[1])
    if kind == Geom.mjGEOM_CYLINDER:
        return cylinder(size[0], 2 * size[1])
    if kind == Geom.mjGEOM_MESH:
        number = int(model.geom_dataid[geom])
        start, first = int(model.mesh_vertadr[number]), int(model.mesh_faceadr[number])
        vertices = model.mesh_vert[start : start + int(model.mesh_vertnum[number])]
        return Mesh(vertices.copy(), model.mesh_face[first : first + int(model.mesh_facenum[number])].copy())
    if kind == Geom.mjGEOM_HFIELD:
        number = int(model.geom_dataid[geom])
        rows, columns, start = (
            int(values[number]) for values in (model.hfield_nrow, model.hfield_ncol, model.hfield_adr)
        )
        half_x, half_y, top, _ = model.hfield_size[number]
        heights = model.hfield_data[start : start + rows * columns].reshape(rows, columns) * top
        return grid(_thinned(heights), 2 * half_x, 2 * half_y)
    return None


def _thinned(heights: np.ndarray) -> np.ndarray:
    """Every k-th of the heights, first and last ones among them, so that no more than `MAX_CELLS` are left."""
    stride = max(1, math.ceil(math.sqrt(heights.size / MAX_CELLS)))
    rows, columns = (np.linspace(0, count - 1, max(2, count // stride)).round().astype(int) for count in heights.shape)
    return heights[np.ix_(rows, columns)]


def _colour(model: mujoco.MjModel, geom: int) -> Colour:
    material = int(model.geom_matid[geom])
    if int(model.geom_type[geom]) == Geom.mjGEOM_HFIELD:
        return (0.42, 0.46, 0.5, 1.0)
    red, green, blue, opacity = (model.geom_rgba[geom] if material < 0 else model.mat_rgba[material]).tolist()
    return red, green, blue, opacity


def _placed(mesh: Mesh, position: np.ndarray, quat: np.ndarray) -> Mesh:
    turned = rotated(np.broadcast_to(quat, (len(mesh.vertices), 4)), mesh.vertices.astype(np.float64))
    return Mesh((turned + position).astype(np.float32), mesh.faces)
