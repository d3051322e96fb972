"""How checkpoints are written in lists."""

import time
from pathlib import Path


def checkpoint_label(path: Path, folder: Path | None, now: float) -> str:
    """``name (size) - time``, as a list shows a checkpoint.

    Args:
        path: the file.
        folder: of the run; None for a file of none.
        now: seconds since the epoch.
    """
    inside = folder is not None and path.is_relative_to(folder)
    name = printable(str(path.relative_to(folder)) if inside and folder is not None else path.name)
    try:
        status = path.stat()
    except OSError:
        return f"{name} (gone)"
    shape = "%H:%M:%S" if now - status.st_mtime < 12 * 3600 else "%Y-%m-%d %H:%M"
    return f"{name} ({size(status.st_size)}) - {time.strftime(shape, time.localtime(status.st_mtime))}"


def printable(text: str) -> str:
    """``text`` in one line that no terminal takes for orders: names and writers may hold anything."""
    return "".join(each if each.isprintable() else "?" for each in text)


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
