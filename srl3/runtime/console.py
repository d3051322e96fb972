"""What the console shows, kept in ``train.log``."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from srl3.os_errors import DISK_FULL


class _Log:
    """A log file that is given up, with one warning, when it can't be written (a full disk)."""

    def __init__(self, path: Path, warn_on: TextIO) -> None:
        self._path = path
        self._warn_on = warn_on
        self._file: TextIO | None = path.open("a", encoding="utf-8", buffering=1)

    def write(self, text: str) -> None:
        if self._file is not None:
            try:
                self._file.write(text)
                self._file.flush()
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _give_up(self, error: OSError) -> None:
        assert self._file is not None
        with contextlib.suppress(OSError):  # closing tries to write what is left
            self._file.close()
        self._file = None
        print(f"warning: {self._path} can't be written ({error.strerror}), and ends here.", file=self._warn_on)


class _Tee:
    """A text stream that also writes whole lines to a log; a line redrawn with ``\\r`` is logged once, as it ended."""

    def __init__(self, stream: TextIO, log: _Log) -> None:
        self._stream = stream
        self._log = log
        self._line = ""

    def write(self, text: str) -> int:
        self._stream.write(text)
        *lines, self._line = (self._line + text).split("\n")
        if lines:
            self._log.write("".join(line.rpartition("\r")[2] + "\n" for line in lines))
        self._line = self._line.rpartition("\r")[2]
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def full_disk_said_once() -> Iterator[None]:
    """In the block a thread that ends on a full disk prints no traceback.

    TensorBoard writes in a thread, and raises that thread's error again in the next write.
    """
    previous = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value
        if not (isinstance(error, OSError) and error.errno in DISK_FULL):
            previous(arguments)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = previous


@contextmanager
def logged_console(path: Path) -> Iterator[None]:
    """Standard output and errors are also appended to ``path`` inside the block."""
    out, err = sys.stdout, sys.stderr
    log = _Log(path, warn_on=err)
    sys.stdout, sys.stderr = _Tee(out, log), _Tee(err, log)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
        log.close()
