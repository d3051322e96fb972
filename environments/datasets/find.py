"""Datasets in a folder, and what to say where there is none."""

from pathlib import Path

from environments.datasets.writer import is_dataset
from srl3.errors import UserError, close_to

SHOWN = 5
"""names in a message, at most"""
RECORD = "record one with dataset_generator"


def datasets_in(folder: Path) -> list[Path]:
    """The datasets right in a folder, by name; none where it can't be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] != "." and is_dataset(path))
    except OSError:
        return []


def no_dataset(path: Path, record: str = RECORD) -> UserError:
    """The error for a ``path`` that is no dataset: what it is, and which datasets are there or near it.

    Args:
        path: what the user named.
        record: how a dataset is made, which is said where none is near.
    """
    if not path.exists():
        near = datasets_in(path.parent)
        names = [each.name for each in near]
        close = [str(path.parent / name) for name in close_to(path.name, names)]
        if close:
            return UserError(f"there is no folder {path}; did you mean {' or '.join(close)}?")
        return UserError(f"there is no folder {path}; {_name_one(near) or record}.")
    if not path.is_dir():
        return UserError(
            f"{path} is a file, and a dataset is a folder; {_name_one(datasets_in(path.parent)) or record}."
        )
    within = datasets_in(path)
    return UserError(f"{path} is no dataset{'' if within else ' and holds none'}; {_name_one(within) or record}.")


def _name_one(paths: list[Path]) -> str:
    """Which there are to name; nothing where there is none."""
    shown = ", ".join(map(str, paths[:SHOWN]))
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"name a dataset: {shown}{more}" if paths else ""
