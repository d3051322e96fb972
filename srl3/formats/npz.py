"""Arrays in ``.npz`` files; nothing in them is unpickled."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from srl3.formats.damage import DamagedFile, damage_is_said

ERRORS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    MemoryError,
    OSError,
)
"""what NumPy and ``zipfile`` raise on damaged files"""


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
    with damage_is_said(path, advice, ERRORS), np.load(path, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DamagedFile(path, "it is no archive of arrays", advice)
        arrays = {name: archive[name] for name in archive.files}
    missing = [name for name in needs if name not in arrays]
    if missing:
        raise DamagedFile(path, f"it lacks {', '.join(missing)}", advice)
    return arrays
