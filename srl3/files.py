"""Files that are whole or not there at all."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from srl3.errors import UserError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """A temporary path beside ``path`` that replaces it when the block ends well.

    A reader sees the previous file or the new one, never half of one; when the block raises,
    the previous file stays and the temporary one is removed. The temporary name starts with a dot.

    Raises:
        OSError: when it can't be written; ``filename`` is ``path``, not the temporary one.
    """
    path = Path(path)
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes files only their owner may read; give ours what open() would have given
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        if name is None or error.filename in (None, name):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file (UTF-8) in one piece."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def make_folder(path: Path) -> None:
    """Make a folder and those above it, or, when one can't be made, none of them; an existing folder is left as it is.

    Raises:
        OSError: when it can't be made.
    """
    missing = [part for part in (path, *path.parents) if not os.path.lexists(part)]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        remove_empty(missing)
        raise


def check_target(path: Path, endings: Sequence[str] = (), flag: str = "") -> None:
    """Refuse a file that can't be written, before what it would hold is worked out.

    Args:
        path: of the file, which may be there already.
        endings: that its name may have; any, where there are none.
        flag: by which the user named it.

    Raises:
        UserError: saying why.
    """
    if endings and path.suffix not in endings:
        raise UserError(f"{flag or 'this'} writes {', '.join(endings)}; name a file that ends so, not {path}.")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UserError(f"the folder of {path} does not exist; make it first.")
    if path.is_dir():
        raise UserError(f"{path} is a folder, where a file is wanted; choose another name.")
    check_takes_files(folder, f"{flag} {path}".lstrip())


def check_takes_files(folder: Path, wanted: str) -> None:
    """Refuse a folder in which no file can be made, before anything is worked out that would go there.

    Args:
        folder: is there.
        wanted: what goes there, as the user named it.

    Raises:
        UserError: saying why.
    """
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".srl3."):
            pass
    except OSError as error:
        raise UserError(f"{wanted} can't be written ({error.strerror}); choose another folder.") from None


def remove_empty(folders: list[Path]) -> None:
    """Remove those of the folders, innermost first, that hold nothing."""
    for folder in folders:
        with suppress(OSError):  # never made, or in use by now
            folder.rmdir()
