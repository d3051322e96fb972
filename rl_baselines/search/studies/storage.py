"""Where a study is kept: an SQLite file, a database server, a journal file; and waiting for one that went away."""

import abc
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages._heartbeat import BaseHeartbeat  # a storage that has heartbeats must be one
from optuna.storages.journal import JournalFileBackend
from sqlalchemy import event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rl_baselines.search.plan import without_credentials
from rl_baselines.search.stop import Stop
from srl3.errors import UserError

JOURNAL = "journal://"
SQLITE = "sqlite://"
DRIVERS = {"postgresql://": "postgresql+psycopg://", "postgres://": "postgresql+psycopg://"}
HEARTBEAT_SECONDS = 60
GRACE_SECONDS = 240
"""silence after which another worker takes a trial for dead"""
LOCK_SECONDS = 60
"""time that a worker waits for others to be done with the SQLite file"""
FIRST_WAIT = 0.5
LONGEST_WAIT = 15.0
"""seconds between two attempts to reach a storage that went away; they double from the first"""
CREATIONS = 5
"""attempts to create the tables of a database, where another worker may be creating them at the same moment"""
SERVER_OPTIONS = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""so that a PostgreSQL server whose machine vanished is noticed (libpq's names, seconds and milliseconds)"""

Note = Callable[[str], None]
Unreachable = (StorageInternalError, DBAPIError, OSError)


class StorageLost(UserError):
    """The storage went away and stayed away."""


def open_storage(
    url: str, *, patience: float, stop: Stop, note: Note, on_dead_worker: Callable[[Any, Any], None]
) -> "PatientStorage":
    """The storage at ``url``.

    Args:
        url: ``sqlite:///FILE``, ``postgresql://…``, ``mysql://…``, ``journal:///FILE`` or a path ending in ``.log``.
        patience: seconds for which each access waits for a storage that went away.
        stop: ends the waiting.
        note: is told when a storage goes away, and when it is back.
        on_dead_worker: called with study and trial for a trial whose worker fell silent (databases only).

    Raises:
        UserError: when there is no such kind of storage, its driver is missing, or it refuses.
    """
    shown = without_credentials(url)
    try:
        storage = _journal(url) if is_journal(url) else _database(url, on_dead_worker)
    except ImportError as error:
        raise UserError(f"the driver for {shown} is missing; {_how_to_get_driver(url)}.") from error
    except (*Unreachable, SQLAlchemyError, RuntimeError, ValueError, KeyError) as error:
        raise UserError(f"the storage {shown} refuses: {reason_of(error)}.") from error
    patient: Any = PatientStorage  # its methods are made, which a type checker can't see
    return patient(storage, shown, patience, stop, note)


def is_journal(url: str) -> bool:
    """Whether this is a journal file rather than a database."""
    return url.startswith(JOURNAL) or ("://" not in url and url.endswith(".log"))


def reason_of(error: BaseException) -> str:
    """The first line of what the innermost driver said."""
    while isinstance(error, StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _journal(url: str) -> BaseStorage:
    path = Path(url.removeprefix(JOURNAL))
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"the folder of {path} does not exist")
    return JournalStorage(JournalFileBackend(str(path)))


def _how_to_get_driver(url: str) -> str:
    """What to install for a database: an extra of ours, or a driver that is in none."""
    kind, _, driver = url.partition("://")[0].partition("+")
    if kind.startswith("postgres"):
        return "pip install 'srl3[postgresql]' has it"
    if kind in ("mysql", "mariadb"):
        if driver:
            return f"pip install {driver} has it"
        return f"pip install pymysql has one, and write {kind}+pymysql://… then"
    return "pip install 'srl3[search]' has it"


def _database(url: str, on_dead_worker: Callable[[Any, Any], None]) -> BaseStorage:
    for prefix, driver in DRIVERS.items():
        if url.startswith(prefix):
            url = driver + url.removeprefix(prefix)
    options: dict[str, Any] = {"pool_pre_ping": True}
    in_a_file = url.startswith(SQLITE)
    if in_a_file:
        options = {"connect_args": {"timeout": LOCK_SECONDS}}
    elif "psycopg" in url:
        options["connect_args"] = SERVER_OPTIONS
    for attempt in range(1, CREATIONS + 1):
        try:
            with _alone_in_the_folder_of(url) if in_a_file else nullcontext():
                storage = RDBStorage(
                    url,
                    engine_kwargs=options,
                    heartbeat_interval=HEARTBEAT_SECONDS,
                    grace_period=GRACE_SECONDS,
                    heartbeat_stale_trial_callback=on_dead_worker,
                )
            if in_a_file:
                # else a transaction begins at its first write, after two workers have read that a trial waits for one
                event.listen(
                    storage.engine, "begin", lambda transaction: transaction.exec_driver_sql("BEGIN IMMEDIATE")
                )
            return get_storage(storage)
        except (SQLAlchemyError, StorageInternalError) as error:
            made_meanwhile = "already exists" in str(error)  # which SQLite's driver calls an OperationalError
            if attempt == CREATIONS or (_is_unreachable(error) and not made_meanwhile):
                raise
            time.sleep(0.2 * attempt)
    raise AssertionError


@contextmanager
def _alone_in_the_folder_of(url: str) -> Iterator[None]:
    """Hold a lock on the folder of an SQLite file: Optuna looks which tables there are and makes the others in two
    transactions, between which another worker may make them.
    """
    folder = Path(make_url(url).database or "").absolute().parent
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # no such folder, which SQLite itself refuses best
        yield
        return
    try:
        with suppress(OSError):  # without such locks, what another makes meanwhile is found at the next attempt
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_unreachable(error: BaseException) -> bool:
    """Whether the storage itself failed, rather than what it was asked."""
    if isinstance(error, StorageInternalError):
        return error.__cause__ is None or _is_unreachable(error.__cause__)
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")
    return isinstance(error, OSError | SQLAlchemyError)


def _delegate(cls: Any) -> Any:
    """Give ``cls`` every method of a storage, as a patient call of the same method of ``self.storage``."""
    for base in (BaseStorage, BaseHeartbeat):
        for name, method in vars(base).items():
            if callable(method) and name not in vars(cls) and not name.startswith("__"):
                setattr(cls, name, _patient(name))
    return abc.update_abstractmethods(cls)


def _patient(name: str) -> Callable[..., Any]:
    def call(self: "PatientStorage", *args: Any, **kwargs: Any) -> Any:
        return self.patiently(name, *args, **kwargs)

    call.__name__ = name
    return call


@_delegate
class PatientStorage(BaseStorage, BaseHeartbeat):
    """A storage whose every access tries again, with growing pauses, while the storage is away.

    Attributes:
        storage: the storage itself.
        lost: set once it stayed away for longer than ``patience``; from then on every access raises it at once.
    """

    def __init__(self, storage: BaseStorage, shown: str, patience: float, stop: Stop, note: Note) -> None:
        self.storage = storage
        self.shown = shown
        self.patience = patience
        self.stop = stop
        self.note = note
        self.lost: StorageLost | None = None

    def patiently(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call the storage's method ``name``.

        Raises:
            StorageLost: when the storage stays away.
        """
        if self.lost is not None:
            raise self.lost
        start, wait, tries = time.monotonic(), FIRST_WAIT, 0
        while True:
            try:
                result = getattr(self.storage, name)(*args, **kwargs)
            except UpdateFinishedTrialError:
                if tries and name == "set_trial_state_values":
                    return True  # an earlier attempt did it, and the answer got lost
                raise
            except Unreachable as error:
                if not _is_unreachable(error):
                    raise
                reason = reason_of(error)
                waited = time.monotonic() - start
                if waited + wait > self.patience or self.stop.requested:
                    self.lost = StorageLost(
                        f"the storage {self.shown} went away and was waited for {waited:.0f} s ({reason}); "
                        "what had finished is in it, and the same command goes on once it is back."
                    )
                    raise self.lost from error
                if not tries:
                    self.note(f"the storage {self.shown} went away ({reason}); trying for {self.patience:.0f} s")
                tries += 1
                self._sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                if tries:
                    self.note(f"the storage is back after {time.monotonic() - start:.0f} s")
                return result

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stop.requested:
            time.sleep(min(0.1, seconds))

    def record_heartbeat(self, trial_id: int) -> None:
        """One beat; a missed one is made up for by the next."""
        if self.lost is None and isinstance(self.storage, BaseHeartbeat):
            try:
                self.storage.record_heartbeat(trial_id)
            except Unreachable as error:
                if not _is_unreachable(error):
                    raise

    def get_heartbeat_interval(self) -> int | None:
        """Seconds between two beats; None for a journal, which has none."""
        return self.storage.get_heartbeat_interval() if isinstance(self.storage, BaseHeartbeat) else None

    def get_failed_trial_callback(self) -> Any:
        return self.get_heartbeat_stale_trial_callback()
