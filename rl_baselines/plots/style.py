"""How figures look in print, and how they are written."""

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srl3.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_INCHES = 3.3
"""width of a printed column"""
PAGE_INCHES = 6.9
"""width of two columns and the gap between them"""
PANEL_INCHES = 1.9
"""height of a panel"""
DPI = 300
FONT, SMALL_FONT = 8, 7
"""points, at the printed size"""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito (2008), which colour-blind readers tell apart; without their yellow, too pale for a line"""
BLUE = COLOURS[0]
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
"""line styles; neighbours differ in them and in colour"""
SUFFIXES = (".png", ".svg", ".html", ".pdf")


@dataclass(frozen=True)
class LineStyle:
    """What tells a method's line from the others."""

    colour: str
    dashes: Any


def line_style(index: int) -> LineStyle:
    """The style of the method of that number; 28 differ."""
    return LineStyle(COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)])


def new_figure(
    rows: int, columns: int = 1, *, panel_heights: Sequence[float] | None = None
) -> tuple["Figure", list["Axes"]]:
    """A figure of ``rows × columns`` panels, one column of print wide or two, and its axes row by row.

    ``panel_heights`` are the rows' heights in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = panel_heights or [PANEL_INCHES] * rows
    width = COLUMN_INCHES if columns == 1 else PAGE_INCHES
    figure = Figure(figsize=(width, sum(heights) + 0.35), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, height_ratios=heights).ravel().tolist()
    for each in axes:
        each.tick_params(labelsize=SMALL_FONT)
        each.grid(alpha=0.25, linewidth=0.5)
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def number_ticks(axes: "Axes") -> None:
    """Ticks of the x axis as 0, 50k, 100k …"""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))


def legend_below(figure: "Figure", handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One legend for all panels, under them, in as many columns as the longest name leaves room for."""
    characters = figure.get_size_inches()[0] * 72 / (SMALL_FONT * 0.55)
    columns = max(1, min(len(labels), int(characters / (max(map(len, labels)) + 6))))
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=columns,
        fontsize=SMALL_FONT,
        frameon=False,
        handlelength=2.2,
        borderaxespad=0.2,
    )
    height = 0.16 * -(-len(labels) // columns)
    width, panels = figure.get_size_inches()
    figure.set_size_inches(width, panels + height)


def save(figure: "Figure", path: Path, table: str = "") -> None:
    """Write a figure in one piece, in the format of the path's suffix.

    Args:
        figure: drawn.
        path: ends in one of `SUFFIXES`.
        table: plain text; a page (``.html``) shows it under the figure.
    """
    import matplotlib

    # without a date and random names in it the same runs give the same file
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with atomic_path(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "srl3"}):
        if path.suffix == ".html":
            temporary.write_text(_page(figure, path.stem, table), encoding="utf-8")
        else:
            figure.savefig(temporary, format=path.suffix[1:], metadata=undated.get(path.suffix))


def _page(figure: "Figure", title: str, table: str) -> str:
    """One self-contained page: the figure as SVG, and the numbers."""
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    drawing = re.sub(r"^.*?(?=<svg)", "", svg.getvalue(), flags=re.DOTALL)
    drawing = re.sub(r'<svg (.*?)width="[^"]*"', r'<svg \1width="100%"', drawing, count=1, flags=re.DOTALL)
    drawing = re.sub(r'(<svg .*?)\sheight="[^"]*"', r"\1", drawing, count=1, flags=re.DOTALL)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{html.escape(title)}</title>
<style>body {{ max-width: 60em; margin: 2em auto; font-family: sans-serif }} pre {{ overflow-x: auto }}</style></head>
<body>
{drawing}
<pre>{html.escape(table)}</pre>
</body>
</html>
"""
