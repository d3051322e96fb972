"""What a run offers to other machines: its files by name, each with its SHA-256."""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from rl_baselines.play.policies.watcher import Signature
from rl_baselines.play.remote.listing import Listing, Version
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.runs.shared import grows, may_be_shared, shared_files

CHUNK = 1 << 18
GROWTH_SECONDS = 5.0
"""for which a growing file is offered as it was, so that it is not read again for each line"""


class Offer:
    """The files of one run. May be asked by several threads.

    Args:
        run: offered; nothing in it is changed.
        clock: seconds, monotonic.
    """

    def __init__(self, run: RunFolder, clock: Callable[[], float] = time.monotonic) -> None:
        self.run = run
        self._root = run.path.resolve()
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Signature, float, Version]] = {}

    def listing(self) -> Listing:
        """What is there now."""
        versions = []
        for name in shared_files(self.run):
            found = self.open(name)
            if found is not None:
                found[0].close()
                versions.append(found[1])
        return Listing(self.run.path.name, self._identity(), tuple(versions))

    def open(self, name: str) -> tuple[BinaryIO, Version] | None:
        """A file to read, and what of it is offered; None for any name that is not in the listing."""
        path = self.run.path / name
        if not may_be_shared(name) or not path.is_file():
            return None
        if not path.resolve().is_relative_to(self._root):  # a link out of the run
            return None
        try:
            file = path.open("rb")
        except OSError:  # gone by now
            return None
        try:
            return file, self._version(name, file)
        except BaseException:
            file.close()
            raise

    def _version(self, name: str, file: BinaryIO) -> Version:
        status = os.fstat(file.fileno())
        now, signature = self._clock(), Signature(status.st_ino, status.st_size, status.st_mtime_ns)
        with self._lock:
            before, since, version = self._known.get(name, (None, 0.0, None))
            if version is not None and before is not None:
                grown = grows(name) and before.inode == signature.inode and version.size <= signature.size
                if before == signature or (grown and now - since < GROWTH_SECONDS):
                    return version
            version = Version(name, signature.size, signature.mtime_ns, sha256_of(file, signature.size))
            self._known[name] = (signature, now, version)
            return version

    def _identity(self) -> str:
        """The same for the same run as long as it stays where it is."""
        return hashlib.sha256(f"{socket.gethostname()}\n{self._root}".encode()).hexdigest()[:12]


def sha256_of(file: BinaryIO, size: int) -> str:
    """Of the first ``size`` bytes, in hexadecimal digits."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (chunk := file.read(min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    """Of a whole file.

    Raises:
        OSError: when it can't be read.
    """
    with path.open("rb") as file:
        return sha256_of(file, os.fstat(file.fileno()).st_size)
