"""Tensors in the files of ``torch.save``; nothing in them is unpickled but tensors and plain values."""

import io
import pickle
from pathlib import Path
from typing import Any

from srl3.formats.damage import ARCHIVE_ERRORS, DamagedFile, damage_is_said

ERRORS: tuple[type[Exception], ...] = (*ARCHIVE_ERRORS, pickle.UnpicklingError, AssertionError)
"""what torch raises on damaged files"""


def tensors_of(content: bytes, device: str = "cpu") -> Any:
    """What ``torch.save`` wrote into memory.

    Raises:
        ERRORS: when it is damaged, for the reader of the file that it is part of.
    """
    import torch

    return torch.load(io.BytesIO(content), map_location=device, weights_only=True)


def read_tensors(path: Path, advice: str) -> dict[str, Any]:
    """The mapping that a file holds, its tensors on the CPU.

    Args:
        path: the file.
        advice: what to do when it can't be read, the second half of the sentence.

    Raises:
        DamagedFile: when it is damaged, or holds something other than tensors and plain values by name.
        UserError: when it is missing or may not be read.
    """
    import torch

    with damage_is_said(path, advice, ERRORS):
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            raise DamagedFile(path, "it holds something other than tensors", advice) from None
    if not isinstance(content, dict):
        raise DamagedFile(path, "it holds no tensors by name", advice)
    return content
