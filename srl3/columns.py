"""Tables and paragraphs for people, no wider than the terminal."""

import shutil
import textwrap
from collections.abc import Sequence

PIPED_WIDTH = 120
"""characters in a line where no terminal says how many it shows"""
NARROWEST = 20
"""characters that a column is never narrower than"""
_GAP = "  "


def terminal_width() -> int:
    """Characters in a line: of the terminal, of ``COLUMNS`` where it is set, else `PIPED_WIDTH`."""
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, rule: bool = False, indent: str = "") -> list[str]:
    """Aligned lines; a column without a value is left out, and the widest one wraps where a line would be too long.

    Args:
        head: the columns' names.
        rows: cells, one for each name.
        rule: a line of dashes under the head.
        indent: what every line begins with.
    """
    kept = [column for column in range(len(head)) if any(row[column] for row in rows)]
    lines = [[line[column] for column in kept] for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(kept))]
    if not widths:
        return []
    too_much = len(indent) + sum(widths) + len(_GAP) * (len(widths) - 1) - terminal_width()
    if too_much > 0:
        widest = widths.index(max(widths))
        widths[widest] = max(widths[widest] - too_much, NARROWEST)
    if rule:
        lines.insert(1, ["-" * width for width in widths])
    return [
        (indent + _GAP.join(cell.ljust(width) for cell, width in zip(part, widths, strict=True))).rstrip()
        for line in lines
        for part in _parts(line, widths)
    ]


def paragraph(text: str, *, indent: str = "", hanging: str = "") -> str:
    """``text`` in lines that fit, words and flags unbroken.

    Args:
        text: what is written.
        indent: what every line begins with.
        hanging: what the later lines begin with besides.
    """
    width = max(terminal_width(), NARROWEST + len(indent) + len(hanging))
    return "\n".join(_wrapped(text, width, indent, indent + hanging)) or indent


def _parts(line: Sequence[str], widths: Sequence[int]) -> list[list[str]]:
    """One line of cells as the lines that it takes."""
    cells = [_wrapped(cell, width) if len(cell) > width else [cell] for cell, width in zip(line, widths, strict=True)]
    tallest = max(len(cell) for cell in cells)
    return [[cell[row] if row < len(cell) else "" for cell in cells] for row in range(tallest)]


def _wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False, break_long_words=False
    )
