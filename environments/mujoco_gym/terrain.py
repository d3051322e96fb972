"""The ground that robots walk on: a plane, or a map of slopes, stairs and rubble from easy to hard."""

import mujoco
import numpy as np
import torch

from environments.mujoco_gym.config import TerrainConfig
from srl3.errors import UserError

KINDS = ("slope up", "slope down", "stairs up", "stairs down", "rubble")
"""kinds of ground, a column of the map each; up is away from the middle of a tile, where robots start"""
MOST_CELLS = 20_000_000
"""of a map"""
FLOOR_COLOURS = ([0.30, 0.34, 0.38], [0.38, 0.42, 0.46])
SKY_COLOURS = ([0.75, 0.84, 0.93], [0.45, 0.55, 0.68])


class Terrain:
    """A map of tiles: one row for each level, one column for each kind, with a flat border around it.

    Args:
        config: sizes and steepness.

    Attributes:
        heights: ``(rows, columns) float32``, m; row 0 is at the least y, column 0 at the least x. Levels grow along x,
            kinds along y.
        low: x and y of the map's first corner, m.
    """

    def __init__(self, config: TerrainConfig) -> None:
        self.config = config
        cells = round(config.tile / config.cell)
        border = round(config.border / config.cell)
        rng = np.random.default_rng(config.seed)
        shape = len(KINDS) * cells + 2 * border + 1, config.levels * cells + 2 * border + 1
        if shape[0] * shape[1] > MOST_CELLS:
            raise UserError(
                f"the terrain would have {shape[0] * shape[1]:,} cells, and {MOST_CELLS:,} are the most; raise "
                "terrain.cell, or lower terrain.levels, terrain.tile or terrain.border."
            )
        heights = np.zeros(shape, np.float32)
        for number, kind in enumerate(KINDS):
            for level in range(config.levels):
                row, column = border + number * cells, border + level * cells
                heights[row : row + cells, column : column + cells] = self._tile(kind, level, cells, rng)
        self.heights = heights
        self.low = np.array([-border * config.cell, -border * config.cell])

    def origins(self) -> np.ndarray:
        """``(levels, kinds, 3) float32``: where robots start, m."""
        config = self.config
        places = np.zeros((config.levels, len(KINDS), 3), np.float32)
        for level in range(config.levels):
            for kind in range(len(KINDS)):
                x, y = (level + 0.5) * config.tile, (kind + 0.5) * config.tile
                places[level, kind] = x, y, self.heights[self._cell(y, 1), self._cell(x, 0)]
        return places

    def add_to(self, spec: mujoco.MjSpec, **attributes: object) -> None:
        """The map as a height field named ``floor``."""
        rows, columns = self.heights.shape
        lowest, highest = float(self.heights.min()), float(self.heights.max())
        size = [(columns - 1) * self.config.cell / 2, (rows - 1) * self.config.cell / 2]
        span = max(highest - lowest, 1e-3)
        spec.add_hfield(
            name="terrain",
            nrow=rows,
            ncol=columns,
            size=[*size, span, 0.5],
            userdata=((self.heights - lowest) / span).ravel(),
        )
        spec.worldbody.add_geom(
            name="floor",
            type=mujoco.mjtGeom.mjGEOM_HFIELD,
            hfieldname="terrain",
            pos=[self.low[0] + size[0], self.low[1] + size[1], lowest],
            **attributes,
        )

    def _cell(self, place: float, axis: int) -> int:
        return round((place - self.low[axis]) / self.config.cell)

    def _tile(self, kind: str, level: int, cells: int, rng: np.random.Generator) -> np.ndarray:
        """``(cells, cells)``: one tile's heights, 0 at its edges."""
        config = self.config
        hardness = (level + 1) / config.levels
        places = (np.arange(cells) + 0.5) * config.cell - config.tile / 2
        ring = np.maximum(np.abs(places)[:, None], np.abs(places)[None])  # distance from the middle, square rings
        outside = np.clip(config.tile / 2 - 0.2 - ring, 0, config.tile / 2 - 0.2 - config.platform)
        if kind == "rubble":
            stones = rng.uniform(-1, 1, (cells, cells)) * config.rubble * hardness
            return np.where(ring < config.platform, 0, stones).astype(np.float32)
        if kind.startswith("slope"):
            height = outside * config.slope * hardness
        else:
            height = np.floor(outside / config.stair_depth) * config.stair_height * hardness
        return (-height if kind.endswith("up") else height).astype(np.float32)


class HeightMap:
    """The map's heights at any place, for N robots at once.

    Args:
        terrain: None for a plane at height 0.
        device: of the tensors.
    """

    def __init__(self, terrain: Terrain | None, device: torch.device) -> None:
        self._terrain = terrain
        if terrain is not None:
            self._heights = torch.from_numpy(terrain.heights).to(device)

    def at(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Height of the ground, of the shape of ``x``, m: that of the nearest point of the map's grid."""
        if self._terrain is None:
            return torch.zeros_like(x)
        row, column = self._cells(y, axis=1), self._cells(x, axis=0)
        return torch.take(self._heights, row.mul_(self._heights.shape[1]).add_(column))

    def _cells(self, places: torch.Tensor, axis: int) -> torch.Tensor:
        """Which row (axis 1) or column (axis 0) of the map is nearest; the map's edge for places beyond it."""
        assert self._terrain is not None
        cells = (places - float(self._terrain.low[axis])).div_(self._terrain.config.cell)
        return cells.round_().long().clamp_(0, self._heights.shape[1 - axis] - 1)


def add_ground(spec: mujoco.MjSpec, terrain: Terrain | None, group: int) -> None:
    """The ground, a light and a sky; geoms of contact ``group`` stand on it."""
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.map.zfar = 60
    spec.worldbody.add_light(pos=[0, 0, 30], dir=[0.2, 0.3, -1], type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=SKY_COLOURS[0],
        rgb2=SKY_COLOURS[1],
        width=256,
        height=256,
    )
    spec.add_texture(
        name="checker",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=FLOOR_COLOURS[0],
        rgb2=FLOOR_COLOURS[1],
        width=256,
        height=256,
    )
    material = spec.add_material(name="floor", texrepeat=[1, 1], texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "checker"
    attributes = {
        "contype": 0,
        "conaffinity": group,
        "friction": [0.8, 0.02, 0.01],
        "material": "floor",
    }
    if terrain is not None:
        terrain.add_to(spec, **attributes)
    else:
        spec.worldbody.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], **attributes)
