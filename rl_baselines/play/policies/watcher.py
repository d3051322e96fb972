"""Whether a file has changed, and is whole by now."""

import os
from pathlib import Path
from typing import NamedTuple

SETTLE_SECONDS = 0.15
"""for which a file must have stayed the same to count as written"""


class Signature(NamedTuple):
    """A file's state; of two states in a row at least one number differs, while an inode alone comes again."""

    inode: int
    size: int
    mtime_ns: int


def signature(path: Path) -> Signature | None:
    """The state of the file at ``path`` now; None where there is no file that may be looked at."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return Signature(status.st_ino, status.st_size, status.st_mtime_ns)


class Watcher:
    """Looks at one file again and again, and tells each new state once.

    A file that is replaced in one piece is told as soon as one that is written in place: when it has stayed the same
    for a moment, so that what is still being written is left alone.

    Args:
        path: the file, which need not be there.
        settle: seconds for which it must have stayed the same.
    """

    def __init__(self, path: Path, settle: float = SETTLE_SECONDS) -> None:
        self.path = path
        self.told: Signature | None = None
        """the state that was told last"""
        self.present = False
        """whether the file was there when it was looked at last"""
        self._settle = settle
        self._seen: Signature | None = None
        self._since = 0.0

    def look(self, now: float) -> Signature | None:
        """The file's state if it is new and at rest, else None.

        Args:
            now: seconds of a monotonic clock.
        """
        found = signature(self.path)
        self.present = found is not None
        if found != self._seen:
            self._seen, self._since = found, now
        if found is None or found == self.told or now - self._since < self._settle:
            return None
        self.told = found
        return found
