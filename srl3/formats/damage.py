"""What becomes of a damaged file: one sentence where it is needed, and out of the way where it is not."""

import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from srl3.errors import UserError
from srl3.os_errors import broken_link, in_words

Content = TypeVar("Content")
ARCHIVE_ERRORS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    SyntaxError,
    OverflowError,
    MemoryError,
    OSError,
)
"""what ``zipfile`` and NumPy raise on damaged archives and arrays"""


class DamagedFile(UserError):
    """A file that is not what it should be.

    Attributes:
        path: the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: Path, reason: str, advice: str, fault: str = "is damaged") -> None:
        super().__init__(f"{path} {fault} ({reason}); {advice.rstrip('.')}.")
        self.path = path
        self.reason = reason
        self._parts = (path, reason, advice, fault)

    def __reduce__(self) -> tuple[Any, ...]:
        """Made anew of its parts in another process."""
        return type(self), self._parts


@contextmanager
def damage_is_said(
    path: Path, advice: str, errors: tuple[type[Exception], ...], fault: str = "is damaged"
) -> Iterator[None]:
    """In the block, which reads ``path``, what goes wrong is a `UserError`.

    Args:
        path: the file.
        advice: what to do, the second half of the sentence.
        errors: what the format's library raises on damaged files.
        fault: what is said of such a file.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        link = broken_link(path)
        what = "is missing" if link is None else f"is missing, since {link} is a link to what does not exist"
        raise UserError(f"{path} {what}; {advice.rstrip('.')}.") from None
    except errors as error:
        if isinstance(error, OSError) and (sentence := in_words(error)) is not None:
            raise UserError(sentence) from None
        raise DamagedFile(path, _in_one_line(error), advice, fault) from None
    except OSError as error:
        sentence = in_words(error)
        if sentence is None:
            raise
        raise UserError(sentence) from None


def read_or_set_aside(path: Path, read: Callable[[Path], Content]) -> Content | None:
    """What ``read`` gives; None where ``path`` is missing, or is damaged and now has another name.

    For files that a run can do without: a warning on stderr names both.
    """
    if not path.is_file():
        return None
    try:
        return read(path)
    except DamagedFile as damage:
        set_aside(path, damage.reason)
        return None


def set_aside(path: Path, reason: str) -> Path:
    """Rename a damaged file to ``<name>.damaged``, or to ``.damaged2`` and so on, and say so on stderr."""
    number, target = 1, path.with_name(f"{path.name}.damaged")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged{number}")
    path.rename(target)
    print(f"warning: {path} is damaged ({reason}): set aside as {target.name}.", file=sys.stderr, flush=True)
    return target


def _in_one_line(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not a text file"
    text = " ".join(str(error).split()).rstrip(".")
    mark = getattr(error, "problem_mark", None)
    if mark is not None:  # of PyYAML, which also quotes the lines around
        text = f"line {mark.line + 1}: {getattr(error, 'problem', None) or text}"
    elif isinstance(error, LookupError | AttributeError | TypeError):  # slips of the library, not words for a person
        text = f"{type(error).__name__}: {text}"
    text = text or type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"
