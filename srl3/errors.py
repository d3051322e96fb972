"""The one exception for mistakes of the user, and the one place where errors become exits."""

import sys
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher

from srl3.os_errors import in_words
from srl3.runtime.signals import leave_on_sigterm


class UserError(Exception):
    """A mistake that the user can mend. Its text is one sentence: what is wrong, what would be right.

    Commands print it as one line on stderr and exit with status 2; it never shows a traceback.
    """


def unknown_name(kind: str, name: str, known: Iterable[str], otherwise: str = "") -> UserError:
    """The error for a name that is in no registry, with close matches or else all names.

    Args:
        kind: what was named, e.g. ``"environment"``.
        name: what the user wrote.
        known: the names that exist.
        otherwise: what is said where none is close, in place of all names.
    """
    known = sorted(known)
    close = close_to(name, known)
    everything = f"known are: {', '.join(known)}." if known else "there is none."
    hint = f"did you mean {' or '.join(close)}?" if close else otherwise or everything
    return UserError(f"unknown {kind} '{name}'; {hint}")


def close_to(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the ``known`` names that ``name`` was perhaps meant to be, the closest first."""
    likeness = {other: SequenceMatcher(None, name.lower(), other.lower()).ratio() for other in sorted(known)}
    enough = max(0.5, max(likeness.values(), default=0.0) - 0.15)
    close = (other for other in likeness if likeness[other] >= enough)
    return sorted(close, key=likeness.__getitem__, reverse=True)[:3]


def run_command(main: Callable[[list[str] | None], int | None], argv: list[str] | None = None) -> None:
    """Run a command's ``main(argv)`` and exit with its status.

    A `UserError`, and an error of the file system or a lack of memory that a user can cause, exit with 2 and one line
    on stderr; Ctrl-C with 130 and SIGTERM with 143, when what was begun is cleared away.
    """
    try:
        with leave_on_sigterm():
            status = main(argv)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, e.g. `… | head`
        sys.stderr.close()
        sys.exit(141)
    except MemoryError as error:
        what = f" ({error})" if str(error) else ""
        print(f"error: there is not enough memory{what}; ask for less: fewer worlds, smaller ones.", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        sentence = in_words(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(2)
    sys.exit(status or 0)
