"""Who draws on a visdom server, so that it ends with the last of them."""

import fcntl
import os
import tempfile
from pathlib import Path


class Drawers:
    """Who draws on a port's server: each holds a shared lock on one file, which a process that is killed lets go too.

    Args:
        path: that file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file: int | None = os.open(path, flags, 0o600)

    @classmethod
    def of_port(cls, port: int) -> "Drawers":
        """Those of this user on the server of ``port``."""
        return cls(Path(tempfile.gettempdir()) / f"srl3-visdom-{os.getuid()}-{port}.lock")

    def join(self) -> None:
        """Count as one who draws; waits while a server that nobody draws on is ending."""
        self._lock(fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Whether nobody else draws; then nobody can join any more until `leave`.

        Raises:
            OSError: where the file system has no locks.
        """
        try:
            return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False

    def leave(self) -> None:
        """Draw no more; a second call does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, operation: int) -> bool:
        assert self._file is not None
        fcntl.flock(self._file, operation)
        return True
