"""Light meshes for the cameras, made at first use from the ones that pybullet_data installs, and kept on disk."""

import hashlib
import itertools
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from environments.kuka_gym.pictures.simplify import simplify
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.npz import read_arrays

CREASE = 55.0
"""Neighbouring faces at a greater angle than this meet in a visible edge, degrees."""
_VERSION = 1
"""To be raised whenever other meshes are made from the same files."""
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Positions, normals and uvs of a `Mesh`."""


class Mesh(NamedTuple):
    """Triangles, corner after corner."""

    positions: np.ndarray
    """``(3 × n_faces, 3) float32``, metres."""
    normals: np.ndarray
    """``(3 × n_faces, 3) float32``, unit vectors."""
    uvs: np.ndarray
    """``(3 × n_faces, 2) float32``, where in the texture a corner is; zeros without one."""
    texture: str | None
    """File of the texture."""


class Triangles(NamedTuple):
    """A mesh as its file has it."""

    positions: np.ndarray
    """``(n_faces, 3, 3)``, in the file's unit."""
    uvs: np.ndarray
    """``(n_faces, 3, 2)``; zeros where the file has none."""
    texture: str | None
    """Name of the image, relative to the file."""


def light_mesh(path: str, scale: tuple[float, float, float], tolerance: float) -> Mesh:
    """The mesh of a Wavefront OBJ or binary STL file, scaled, with few triangles; from the cache where it is there.

    ``tolerance`` says how far, about, simplifying may move a surface, metres (see `simplify`).
    The cache is ``srl3/meshes`` in the user's cache folder (``XDG_CACHE_HOME``, else ``~/.cache``), or, where that
    can't be written, in the temporary folder; where nothing can, the mesh is made anew by every process.
    """
    settings = f"{_VERSION} {tolerance} {CREASE} {scale}".encode()
    name = f"{Path(path).stem}-{hashlib.sha256(settings + Path(path).read_bytes()).hexdigest()[:16]}.npz"
    triangles = read_triangles(path)
    folders = _cache_folders()
    arrays = next((found for folder in folders if (found := _read(folder / name)) is not None), None)
    if arrays is None:
        arrays = _make(triangles, np.array(scale), tolerance)
        any(_write(folder / name, arrays) for folder in folders)
    texture = triangles.texture and str(Path(path).parent / triangles.texture)
    return Mesh(*arrays, texture)


def read_triangles(path: str) -> Triangles:
    """The triangles of an OBJ or binary STL file."""
    if path.lower().endswith(".stl"):
        record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
        corners = np.frombuffer(Path(path).read_bytes(), record, offset=84)["corners"].astype(np.float64)
        return Triangles(corners, np.zeros((len(corners), 3, 2)), None)
    points: dict[str, list[list[float]]] = {"v": [], "vt": []}
    faces: list[list[list[int]]] = []
    texture = None
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        kind, *words = line.split() or [""]
        if kind in points:
            points[kind].append([float(word) for word in words])
        elif kind == "f":
            first, *others = ([int(number or 0) for number in f"{word}//".split("/")[:2]] for word in words)
            faces += [[first, second, third] for second, third in itertools.pairwise(others)]
        elif kind == "mtllib":
            texture = _texture(Path(path).parent / words[0])
    position_index, uv_index = np.moveaxis(np.array(faces), -1, 0)
    positions = np.array(points["v"])[position_index - 1, :3]
    if not points["vt"]:
        return Triangles(positions, np.zeros((len(positions), 3, 2)), texture)
    return Triangles(positions, np.array(points["vt"])[uv_index - 1, :2], texture)


def _texture(path: Path) -> str | None:
    """Name of the image in a Wavefront MTL file."""
    if not path.exists():
        return None
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return next((words[1] for words in lines if words and words[0] == "map_Kd"), None)


def _make(triangles: Triangles, scale: np.ndarray, tolerance: float) -> Arrays:
    corners = (triangles.positions * scale).reshape(-1, 3)
    vertices, faces = simplify(corners, np.arange(len(corners)).reshape(-1, 3), tolerance)
    uvs = np.zeros((3 * len(faces), 2))
    if triangles.texture:
        nearest = _nearest(_inset(vertices[faces]), _inset(corners.reshape(-1, 3, 3)))
        uvs = triangles.uvs.reshape(-1, 2)[nearest]
    positions, normals = vertices[faces].reshape(-1, 3), _corner_normals(vertices, faces)
    return positions.astype(np.float32), normals.astype(np.float32), uvs.astype(np.float32)


def _inset(corners: np.ndarray) -> np.ndarray:
    """``(n, 3, 3)`` corners of triangles, drawn a little inwards, so that each is nearest to its own triangle."""
    return (0.9 * corners + 0.1 * corners.mean(axis=1, keepdims=True)).reshape(-1, 3)


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each of ``points``, the index of the nearest of ``others``."""
    return np.array([np.square(others - point).sum(axis=1).argmin() for point in points], np.int64)


def _corner_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """``(3 × n_faces, 3)``: the mean of the normals, weighted by area, of the faces that meet smoothly."""
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    weighted = np.cross(b - a, c - a)
    directions = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)
    faces_of: list[list[int]] = [[] for _ in vertices]
    for number, face in enumerate(faces.tolist()):
        for vertex in face:
            faces_of[vertex].append(number)
    normals = np.empty((len(faces), 3, 3))
    for number, face in enumerate(faces.tolist()):
        for corner, vertex in enumerate(face):
            around = np.array(faces_of[vertex])
            smooth = around[directions[around] @ directions[number] >= np.cos(np.radians(CREASE))]
            total = weighted[smooth].sum(axis=0)
            length = np.linalg.norm(total)
            normals[number, corner] = total / length if length > 0 else directions[number]
    return normals.reshape(-1, 3)


def _cache_folders() -> list[Path]:
    """Where meshes are kept, best first. In the shared temporary folder the name tells users apart."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    user = Path(configured) if os.path.isabs(configured) else Path("~/.cache").expanduser()
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    return [user / "srl3" / "meshes", Path(tempfile.gettempdir()) / f"srl3-meshes-{owner}"]


def _read(path: Path) -> Arrays | None:
    """What `_write` wrote; None when it is not there or damaged."""
    try:
        kept = read_arrays(path, "it is made anew", needs=("positions", "normals", "uvs"))
    except UserError:
        return None
    return kept["positions"], kept["normals"], kept["uvs"]


def _write(path: Path, arrays: Arrays) -> bool:
    """Whether the arrays could be kept."""
    positions, normals, uvs = arrays
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, positions=positions, normals=normals, uvs=uvs)
    except OSError:
        return False
    return True
