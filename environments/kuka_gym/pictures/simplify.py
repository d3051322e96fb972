"""Meshes with fewer triangles and nearly the same surface.

Edges are collapsed in the order of the quadric error metric of Garland and Heckbert, "Surface simplification using
quadric error metrics" (SIGGRAPH 1997): the sum of squared distances to the planes of the faces that met in a vertex.
"""

import heapq
import math
from collections.abc import Iterable

import numpy as np

Point = tuple[float, float, float]
Quadric = tuple[float, ...]
"""Upper triangle of the symmetric 4 × 4 matrix of a sum of squared distances to planes, row by row."""
Candidate = tuple[float, int, int, int, int, Point]
"""A collapse: its error, the two vertices, their versions when it was proposed, the point they become."""

_MIN_TURN = 0.3
"""A collapse that turns a face until the cosine between its normals is below this is refused."""
_NEEDLE = 0.05
"""A triangle lower than this part of its longest side is a needle, between whose pixels one sees through."""


def simplify(vertices: np.ndarray, faces: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Collapse edges as long as the surface moves by no more than about ``tolerance``.

    Args:
        vertices: ``(n, 3)`` metres; equal ones are merged.
        faces: ``(m, 3)`` indices of vertices.
        tolerance: square root of the greatest quadric error of a vertex, metres.

    Returns:
        The remaining vertices ``(n', 3) float64`` and faces ``(m', 3) int64``; which way faces look is kept.
    """
    merged, index = np.unique(np.round(vertices, 7), axis=0, return_inverse=True)
    faces = index.reshape(-1)[faces]
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    mesh = _Mesh(merged, faces[proper])
    mesh.collapse_edges(tolerance**2)
    return mesh.arrays()


class _Mesh:
    """A triangle mesh whose edges can be collapsed."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.points: list[Point] = [(x, y, z) for x, y, z in vertices.tolist()]
        self.faces: dict[int, tuple[int, int, int]] = {i: (a, b, c) for i, (a, b, c) in enumerate(faces.tolist())}
        self.faces_of: list[set[int]] = [set() for _ in self.points]
        self.quadrics: list[Quadric] = [(0.0,) * 10 for _ in self.points]
        self.versions = [0] * len(self.points)
        for number, face in self.faces.items():
            for vertex in face:
                self.faces_of[vertex].add(number)
        self._add_planes()

    def _add_planes(self) -> None:
        for face in self.faces.values():
            normal = _unit(_normal(*(self.points[vertex] for vertex in face)))
            plane = _plane_quadric(normal, self.points[face[0]])
            for vertex in face:
                self.quadrics[vertex] = _sum(self.quadrics[vertex], plane)
            for start, end in zip(face, (*face[1:], face[0]), strict=True):
                if len(self.faces_of[start] & self.faces_of[end]) == 1:  # an open border: hold it by a wall
                    wall = _unit(_cross(normal, _difference(self.points[end], self.points[start])))
                    quadric = _plane_quadric(wall, self.points[start])
                    for vertex in (start, end):
                        self.quadrics[vertex] = _sum(self.quadrics[vertex], quadric)

    def collapse_edges(self, max_error: float) -> None:
        heap: list[Candidate] = []
        for start in range(len(self.points)):
            self._push(heap, start, (end for end in self._neighbours(start) if end > start), max_error)
        while heap:
            _, kept, gone, kept_version, gone_version, target = heapq.heappop(heap)
            if (self.versions[kept], self.versions[gone]) != (kept_version, gone_version):
                continue
            if self._pinches(kept, gone) or self._spoils(kept, gone, target) or self._spoils(gone, kept, target):
                continue
            self._collapse(kept, gone, target)
            self._push(heap, kept, self._neighbours(kept), max_error)

    def _push(self, heap: list[Candidate], start: int, ends: Iterable[int], max_error: float) -> None:
        for end in sorted(ends):
            error, target = self._best_point(start, end)
            if error <= max_error:
                heapq.heappush(heap, (error, start, end, self.versions[start], self.versions[end], target))

    def _neighbours(self, vertex: int) -> set[int]:
        return {other for face in self.faces_of[vertex] for other in self.faces[face]} - {vertex}

    def _best_point(self, start: int, end: int) -> tuple[float, Point]:
        quadric = _sum(self.quadrics[start], self.quadrics[end])
        first, second = self.points[start], self.points[end]
        middle = ((first[0] + second[0]) / 2, (first[1] + second[1]) / 2, (first[2] + second[2]) / 2)
        candidates = [first, second, middle]
        best = _minimum(quadric)
        if best is not None and math.dist(best, middle) <= math.dist(first, second):
            candidates.append(best)
        return min((_error(quadric, point), point) for point in candidates)

    def _pinches(self, kept: int, gone: int) -> bool:
        """Whether surfaces that only touch along the edge would be glued together."""
        shared = len(self.faces_of[kept] & self.faces_of[gone])
        return len(self._neighbours(kept) & self._neighbours(gone)) > shared

    def _spoils(self, vertex: int, other: int, target: Point) -> bool:
        """Whether a face of ``vertex`` that stays would turn too far, or be a needle, with the vertex at ``target``."""
        for number in self.faces_of[vertex]:
            face = self.faces[number]
            if other in face:
                continue
            before = [self.points[corner] for corner in face]
            after = [target if corner == vertex else self.points[corner] for corner in face]
            if _dot(_unit(_normal(*before)), _unit(_normal(*after))) < _MIN_TURN:
                return True
            if _slenderness(*after) < min(_NEEDLE, _slenderness(*before)):
                return True
        return False

    def _collapse(self, kept: int, gone: int, target: Point) -> None:
        self.points[kept] = target
        self.quadrics[kept] = _sum(self.quadrics[kept], self.quadrics[gone])
        for number in self.faces_of[kept] & self.faces_of[gone]:
            for vertex in self.faces.pop(number):
                self.faces_of[vertex].discard(number)
        for number in self.faces_of[gone]:
            a, b, c = self.faces[number]
            self.faces[number] = (kept if a == gone else a, kept if b == gone else b, kept if c == gone else c)
        self.faces_of[kept] |= self.faces_of[gone]
        self.faces_of[gone] = set()
        self.versions[kept] += 1
        self.versions[gone] += 1

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        faces = np.array([self.faces[number] for number in sorted(self.faces)], np.int64).reshape(-1, 3)
        used, index = np.unique(faces, return_inverse=True)
        return np.array(self.points).reshape(-1, 3)[used], index.reshape(-1, 3)


def _difference(a: Point, b: Point) -> Point:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _cross(a: Point, b: Point) -> Point:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: Point, b: Point) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _unit(a: Point) -> Point:
    length = math.hypot(*a)
    return (a[0] / length, a[1] / length, a[2] / length) if length > 0 else (0.0, 0.0, 0.0)


def _normal(a: Point, b: Point, c: Point) -> Point:
    return _cross(_difference(b, a), _difference(c, a))


def _slenderness(a: Point, b: Point, c: Point) -> float:
    """Height of a triangle over its longest side; 0 for a line."""
    longest = max(math.dist(a, b), math.dist(b, c), math.dist(c, a))
    return math.hypot(*_normal(a, b, c)) / longest**2 if longest > 0 else 0.0


def _plane_quadric(normal: Point, point: Point) -> Quadric:
    plane = (*normal, -_dot(normal, point))
    return tuple(plane[row] * plane[column] for row in range(4) for column in range(row, 4))


def _sum(a: Quadric, b: Quadric) -> Quadric:
    return tuple(map(float.__add__, a, b))


def _error(quadric: Quadric, point: Point) -> float:
    xx, xy, xz, xw, yy, yz, yw, zz, zw, ww = quadric
    x, y, z = point
    value = x * (xx * x + 2 * (xy * y + xz * z + xw)) + y * (yy * y + 2 * (yz * z + yw)) + z * (zz * z + 2 * zw) + ww
    return max(value, 0.0)


def _minimum(quadric: Quadric) -> Point | None:
    """The point of least error, by Cramer's rule; None when the planes do not fix one."""
    xx, xy, xz, xw, yy, yz, yw, zz, zw, _ = quadric
    first, second, third = (xx, xy, xz), (xy, yy, yz), (xz, yz, zz)
    determinant = _dot(first, _cross(second, third))
    if determinant < 1e-3 * xx * yy * zz or determinant <= 0.0:
        return None
    right = (-xw, -yw, -zw)
    return (
        _dot(right, _cross(second, third)) / determinant,
        _dot(first, _cross(right, third)) / determinant,
        _dot(first, _cross(second, right)) / determinant,
    )
