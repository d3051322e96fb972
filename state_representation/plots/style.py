"""How the figures look."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from srl3.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
"""palette of Okabe and Ito (2008), which colour-blind readers tell apart"""
DPI = 150
SMALL = 7
"""points, of texts"""


@contextmanager
def new_figure(path: Path, width: float, height: float) -> Iterator[Any]:
    """A figure of so many inches, which is written as PNG in one piece when the block ends well."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    yield figure
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def plain(axes: "Axes") -> None:
    """Small texts, a faint grid, no box."""
    axes.tick_params(labelsize=SMALL)
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def show_frame(axes: "Axes", frame: np.ndarray, title: str = "") -> None:
    """Draw ``(H, W, C) uint8`` without axes; of two views, one above the other."""
    if frame.shape[2] == 6:
        frame = np.concatenate([frame[..., :3], frame[..., 3:]], axis=0)
    axes.imshow(frame, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_linewidth(0.4)
    axes.set_title(title, fontsize=SMALL)
