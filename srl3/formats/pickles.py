"""Pickles that other programs wrote. Opening one can run any code, so it takes the user's word (`check_trust`)."""

import pickle
from pathlib import Path
from typing import Any

from srl3.errors import UserError


def check_trust(path: Path, what: str, *, trusted: bool) -> None:
    """Raise `UserError`, saying why, unless the user trusts pickles.

    Args:
        path: the file.
        what: what of it is a pickle, a half sentence that begins with a verb.
        trusted: whether ``--trust-pickle`` was given.
    """
    if not trusted:
        raise UserError(
            f"{path} {what}, and opening a pickle can run any code that its writer put in; "
            "give --trust-pickle if you trust where it comes from."
        )


def read_pickle(path: Path) -> Any:
    """What a trusted file holds; errors as `value_of`."""
    return value_of(path.read_bytes(), path, "it")


def value_of(content: bytes, path: Path, what: str) -> Any:
    """What a trusted pickle holds.

    Args:
        content: the pickle.
        path: the file that it is in.
        what: what of that file it is.

    Raises:
        UserError: when it can't be opened, for example since a module that it names is not installed.
    """
    try:
        return pickle.loads(content)
    except Exception as error:  # a pickle runs any code, which may fail in any way
        reason = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
        raise UserError(f"{path}: {what} can't be unpickled here ({reason}).") from None
