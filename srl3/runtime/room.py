"""Room on the disk and in memory: a full disk, said in one sentence; sizes in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from srl3.errors import UserError
from srl3.os_errors import DISK_FULL


@contextmanager
def full_disk_is_said(path: Path) -> Iterator[None]:
    """In the block a disk that fills is a `UserError`: ``path`` was not written."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise UserError(f"the disk is full, and {path} was not written; free some space and try again.") from None


def size_of(path: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def bytes_in_words(size: float) -> str:
    """``1.5 MB``; 1 MB is a million bytes."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def free_memory(device: str = "cpu") -> int | None:
    """Bytes that can still be taken of this machine's memory, or a GPU's; None where the system does not say."""
    if device != "cpu":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            values = dict(line.split(":", 1) for line in file)
        return int(values["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
