"""Which process runs a trial, and whether it still does."""

import os
import socket
from pathlib import Path

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19
"""fields of ``/proc/<pid>/stat`` after the command's name (proc(5): fields 3 and 22)"""


def this_worker() -> dict[str, str | int]:
    """Where this process is and which it is, as a trial records it."""
    pid = os.getpid()
    return {"place": _place(), "pid": pid, "started": _started(pid) or 0}


def is_dead(worker: dict[str, str | int]) -> bool:
    """Whether that worker was on this machine and is gone; of other machines' workers nothing is known here."""
    if not _PROC.is_dir() or worker.get("place") != _place():
        return False
    return _started(int(worker["pid"])) != worker["started"]


def _place() -> str:
    """This machine since it was started, and the container in it, if any."""
    parts = [socket.gethostname()]
    if _PROC.is_dir():
        parts.append((_PROC / "sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink(_PROC / "self/ns/pid"))
    return " ".join(parts)


def _started(pid: int) -> int | None:
    """When a living process was started, in ticks since boot; None without /proc or for a process that has ended."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[_STATE] in "ZX" else int(fields[_STARTED])
