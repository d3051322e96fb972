"""Errors of the file system that a user can cause, said in one sentence; the one place that knows them."""

import errno
import os
from pathlib import Path

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
"""``OSError.errno`` of a full disk or quota"""
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""``OSError.errno`` where a file system knows no locks"""

_OF_A_PATH = {
    errno.EACCES: "{path} may not be read or written; check its permissions, or choose another place.",
    errno.EPERM: "{path} may not be changed; check its permissions, or choose another place.",
    errno.EROFS: "{path} is on a read-only file system; choose another place.",
    errno.ENAMETOOLONG: "the name {path} is too long for the file system; choose a shorter one.",
    errno.ELOOP: "{path} is a link that leads back to itself; choose another place.",
    errno.ENOTDIR: "{path} goes through a file, where a folder is wanted; choose another place.",
    errno.EISDIR: "{path} is a folder, where a file is wanted; choose another name.",
    errno.EEXIST: "{path} is there already; choose another name.",
    errno.ENOTEMPTY: "{path} is a folder that is not empty; choose another name.",
    errno.EFBIG: "{path} would be larger than a file may be here (see ulimit -f); choose another place.",
    errno.EINVAL: "{path} is no name that the file system takes; choose another one.",
    errno.EXDEV: "{path} is on another file system; choose a place on the same one.",
    errno.ETXTBSY: "{path} is in use; try again when it is not.",
    errno.EBUSY: "{path} is in use; try again when it is not.",
    errno.EIO: "{path} can't be read or written: its disk reports an error.",
    errno.ESTALE: "{path} went away with its network file system; try again when that is back.",
}
_OF_THE_MACHINE = {
    errno.EMFILE: "too many files are open at once; raise the limit (ulimit -n), or run less at a time.",
    errno.ENFILE: "too many files are open on this machine; run less at a time.",
    errno.ENOMEM: "this machine has no memory left; run less at a time.",
}
_OF_THE_KERNEL = ("/proc", "/sys")
"""folders in which making a file reports that the file is missing"""


def in_words(error: OSError) -> str | None:
    """One sentence for an error that a user can cause; None for any other, which is a bug or of the network.

    A file that is missing from a folder that is there is nobody's mistake but the program's.
    """
    number = error.errno
    if number in DISK_FULL:
        full = _path_of(error)
        where = f" ({full})" if full is not None else ""
        return f"the disk is full{where}; free some space and try again."
    if number in _OF_THE_MACHINE:
        return _OF_THE_MACHINE[number]
    path = _path_of(error)
    if path is None:
        return None
    broken = broken_link(path)
    if broken is not None and number in (errno.ENOENT, errno.EEXIST, errno.ENOTDIR):
        return f"{broken} is a link to {os.readlink(broken)}, which does not exist; make that, or choose another place."
    if number == errno.ENOENT and not path.absolute().parent.exists():
        return f"the folder {path.parent} does not exist; make it first, or choose another place."
    if number == errno.ENOENT and any(path.absolute().is_relative_to(root) for root in _OF_THE_KERNEL):
        return f"{path} can't be made: the kernel's own folders take no files; choose another place."
    if number not in _OF_A_PATH:
        return None
    if number == errno.EEXIST and path.is_file():
        return f"{path} is a file, where a folder is wanted; choose another place."
    if number == errno.ENAMETOOLONG:
        shown = max(path.parts, key=len)
        return _OF_A_PATH[number].format(path=shown if len(shown) < 60 else f"{shown[:50]}…")
    return _OF_A_PATH[number].format(path=path)


def broken_link(path: Path) -> Path | None:
    """``path`` or the nearest part above it that is a link to nothing; None where there is no such link."""
    for part in (path, *path.parents):
        if os.path.islink(part) and not os.path.exists(part):
            return part
        if os.path.exists(part):
            return None
    return None


def _path_of(error: OSError) -> Path | None:
    """The file that an error names; of a renaming its target."""
    named = error.filename2 if error.filename2 is not None else error.filename
    return Path(os.fsdecode(named)) if isinstance(named, str | bytes | os.PathLike) else None
