"""Arrays in ``.npz`` and ``.npy`` files; nothing in them is unpickled."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from srl3.formats.damage import ARCHIVE_ERRORS, DamagedFile, damage_is_said


def read_arrays(path: Path, advice: str, needs: Iterable[str] = ()) -> dict[str, np.ndarray[Any, Any]]:
    """All arrays of an ``.npz`` file, by name.

    Args:
        path: the file.
        advice: what to do when it can't be read, the second half of the sentence.
        needs: names that must be there.

    Raises:
        DamagedFile: when it is cut short, no archive, or lacks one of ``needs``.
        UserError: when it is missing or may not be read.
    """
    with damage_is_said(path, advice, ARCHIVE_ERRORS), path.open("rb") as file:
        arrays = _arrays(file)
    missing = [name for name in needs if name not in arrays]
    if missing:
        raise DamagedFile(path, f"it lacks {', '.join(missing)}", advice)
    return arrays


def arrays_of(content: bytes, names: Iterable[str] | None = None) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of an ``.npz`` file in memory, by name.

    Args:
        content: of the file.
        names: which ones; None: all.

    Raises:
        ARCHIVE_ERRORS: when it is damaged, or lacks one of ``names``, for the reader of the file that it is part of.
    """
    return _arrays(io.BytesIO(content), names)


def map_array(path: Path, advice: str) -> np.ndarray[Any, Any]:
    """The array of an ``.npy`` file, mapped from it and not copied; arguments and errors as `read_arrays`."""
    with damage_is_said(path, advice, ARCHIVE_ERRORS):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(mapped, np.memmap):
            mapped.close()
            raise DamagedFile(path, "it is an archive, not a single array", advice)
        return mapped.view(np.ndarray)


def _arrays(file: BinaryIO, names: Iterable[str] | None = None) -> dict[str, np.ndarray[Any, Any]]:
    if file.read(2) != b"PK":
        raise ValueError("it is no archive of arrays")
    file.seek(0)
    loaded = np.load(file, allow_pickle=False)
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        raise ValueError("it is no archive of arrays")
    with loaded as archive:
        return {name: archive[name] for name in (archive.files if names is None else names)}
