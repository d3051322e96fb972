"""Storages: which text names which, what they refuse, and waiting for one that went away."""

import re
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import optuna
import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, InMemoryStorage
from sqlalchemy.exc import IntegrityError, OperationalError

from rl_baselines.hyperparam_search import _storage_url
from rl_baselines.search.plan import without_credentials
from rl_baselines.search.studies import storage as module
from rl_baselines.search.studies.storage import PatientStorage, StorageLost, is_journal, open_storage
from srl3.errors import UserError

GOING_ON = SimpleNamespace(requested=False)


def gone() -> StorageInternalError:
    """What Optuna raises when a server has stopped."""
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = OperationalError("SELECT 1", {}, Exception("server closed the connection\nunexpectedly"))
    return error


class Flaky(InMemoryStorage):
    """Refuses as often as ``errors`` says, and then works."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []
        self.calls = 0

    def get_all_studies(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return super().get_all_studies()

    def set_trial_state_values(self, *args, **kwargs):
        if self.errors:
            raise self.errors.pop(0)
        return super().set_trial_state_values(*args, **kwargs)


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def patient(storage, patience=60.0, stop=GOING_ON):
    notes: list[str] = []
    return PatientStorage(storage, "postgresql://…@host/srl3", patience, stop, notes.append), notes


def test_every_method_of_a_storage_is_patient():
    public = {name for name, value in vars(BaseStorage).items() if callable(value) and not name.startswith("_")}
    assert public <= set(vars(PatientStorage))
    assert not PatientStorage.__abstractmethods__


def test_an_access_is_tried_again_until_the_storage_is_back(clock):
    flaky = Flaky()
    storage, notes = patient(flaky)
    flaky.errors = [gone(), gone(), OSError("Stale file handle")]
    assert storage.get_all_studies() == []
    assert flaky.calls == 4
    assert notes[0].startswith("the storage postgresql://…@host/srl3 went away (server closed the connection)")
    assert notes[1].startswith("the storage is back after")
    assert len(notes) == 2


def test_a_storage_that_stays_away_is_given_up_with_the_reason(clock):
    flaky = Flaky()
    storage, _ = patient(flaky, patience=10)
    flaky.errors = [gone() for _ in range(100)]
    with pytest.raises(StorageLost, match=r"went away and was waited for 8 s \(server closed the connection\);"):
        storage.get_all_studies()
    assert flaky.calls == 5, "after 0.5, 1, 2 and 4 s more"
    assert 7.5 <= clock.now < 8.5
    calls = flaky.calls
    with pytest.raises(StorageLost):
        storage.get_n_trials(0)
    assert flaky.calls == calls, "it is not asked again"


def test_a_search_that_is_stopped_does_not_wait(clock):
    flaky = Flaky()
    storage, _ = patient(flaky, patience=1000, stop=SimpleNamespace(requested=True))
    flaky.errors = [gone() for _ in range(100)]
    with pytest.raises(StorageLost):
        storage.get_all_studies()
    assert flaky.calls == 1


def test_what_is_wrong_with_a_question_is_not_asked_again(clock):
    flaky = Flaky()
    storage, _ = patient(flaky)
    wrong = StorageInternalError("An exception is raised during the commit.")
    wrong.__cause__ = IntegrityError("INSERT", {}, Exception("duplicate key"))
    for error in (wrong, KeyError("no such trial")):
        flaky.errors, flaky.calls = [error], 0
        with pytest.raises(type(error)):
            storage.get_all_studies()
        assert flaky.calls == 1


def test_a_trial_that_was_finished_before_the_answer_got_lost_stays_finished(clock):
    flaky = Flaky()
    storage, _ = patient(flaky)
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    flaky.errors = [gone(), UpdateFinishedTrialError()]
    study.tell(trial, 1.0)
    flaky.errors = [UpdateFinishedTrialError()]
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.FAIL)


def test_a_missed_heartbeat_is_no_error(tmp_path):
    storage = open_storage(
        f"sqlite:///{tmp_path}/study.db", patience=1, stop=GOING_ON, note=print, on_dead_worker=lambda *_: None
    )
    assert storage.get_heartbeat_interval() == 60
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    storage.storage._backend.record_heartbeat = lambda _: (_ for _ in ()).throw(gone())
    storage.record_heartbeat(trial._trial_id)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (None, "sqlite:////studies/study.db"),
        ("other.db", "sqlite:///other.db"),
        ("journal:///there/study", "journal:///there/study"),
        ("/there/study.log", "journal:///there/study.log"),
        ("postgresql://me:secret@host:5432/srl3", "postgresql://me:secret@host:5432/srl3"),
        ("mysql+pymysql://host/srl3", "mysql+pymysql://host/srl3"),
    ],
)
def test_a_storage_is_named_by_url_or_path(text, url):
    from pathlib import Path

    assert _storage_url(text, Path("/studies/study.db")) == url
    assert is_journal(url) == url.startswith("journal")


@pytest.mark.parametrize("text", ["redis://host", "study.txt", "postgresql://", "oracle", "://x"])
def test_another_storage_is_refused(text):
    from pathlib import Path

    with pytest.raises(UserError, match="--storage takes sqlite://…, postgresql://…, .* not '" + text):
        _storage_url(text, Path("study.db"))


def test_passwords_are_not_shown():
    command = "python -m x --storage postgresql://me:se@cr/et@host/srl3 --n-jobs 2"
    assert without_credentials(command) == "python -m x --storage postgresql://…@host/srl3 --n-jobs 2"
    assert without_credentials("journal:///a/b.log") == "journal:///a/b.log"


def test_a_damaged_file_refuses(tmp_path, clock):
    (tmp_path / "study.db").write_bytes(b"no database at all, but long enough to be looked at" * 10)
    with pytest.raises(UserError, match=r"the storage sqlite:///\S+ refuses: file is not a database\."):
        open_storage(f"sqlite:///{tmp_path}/study.db", patience=1, stop=GOING_ON, note=print, on_dead_worker=print)
    with pytest.raises(UserError, match=r"refuses: the folder of \S+ does not exist"):
        open_storage("journal:///nowhere/study.log", patience=1, stop=GOING_ON, note=print, on_dead_worker=print)


def test_a_server_that_does_not_listen_refuses_at_once(clock):
    pytest.importorskip("psycopg")
    with pytest.raises(UserError, match=r"the storage postgresql://…@127.0.0.1:1/x refuses: .*[Cc]onnection refused"):
        open_storage(
            "postgresql://me:secret@127.0.0.1:1/x", patience=60, stop=GOING_ON, note=print, on_dead_worker=print
        )
    assert clock.now == 0


@pytest.mark.parametrize(
    ("url", "how"),
    [
        ("mysql://host/srl3", r"pip install pymysql has one, and write mysql\+pymysql://… then"),
        ("mysql+pymysql://host/srl3", "pip install pymysql has it"),
        ("mariadb+mariadbconnector://host/srl3", "pip install mariadbconnector has it"),
    ],
)
def test_a_missing_driver_is_named_with_what_has_it(url: str, how: str):
    with pytest.raises(UserError, match=rf"the driver for {re.escape(url)} is missing; {how}"):
        open_storage(url, patience=1, stop=GOING_ON, note=print, on_dead_worker=print)


def test_the_file_is_one_that_plain_optuna_opens(tmp_path):
    storage = open_storage(
        f"sqlite:///{tmp_path}/study.db", patience=1, stop=GOING_ON, note=print, on_dead_worker=print
    )
    optuna.create_study(study_name="mine", storage=storage)
    assert optuna.load_study(study_name="mine", storage=f"sqlite:///{tmp_path}/study.db").trials == []
    assert sqlite3.connect(tmp_path / "study.db").execute("select study_name from studies").fetchall() == [("mine",)]


CREATOR = (
    "import sys\n"
    "from types import SimpleNamespace\n"
    "from rl_baselines.search.studies.storage import open_storage\n"
    "print('ready', flush=True)\n"
    "sys.stdin.readline()\n"
    "stop = SimpleNamespace(requested=False)\n"
    "open_storage(sys.argv[1], patience=1, stop=stop, note=print, on_dead_worker=print).get_all_studies()\n"
)


def test_the_tables_are_made_once_by_processes_that_begin_together(tmp_path):
    """And nothing is left beside the file."""
    call = [sys.executable, "-c", CREATOR, f"sqlite:///{tmp_path}/study.db"]
    workers = [
        subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    for worker in workers:
        _, errors = worker.communicate(timeout=100)
        assert worker.returncode == 0, errors
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def test_tables_that_another_made_meanwhile_are_taken(tmp_path, monkeypatch):
    """As on a file system without locks."""
    made = module.RDBStorage
    attempts: list[str] = []

    def making(url, **kwargs):
        attempts.append(url)
        if len(attempts) == 1:
            reason = sqlite3.OperationalError("table studies already exists")
            raise OperationalError("CREATE TABLE studies", {}, reason)
        return made(url, **kwargs)

    monkeypatch.setattr(module, "RDBStorage", making)
    open_storage(f"sqlite:///{tmp_path}/study.db", patience=1, stop=GOING_ON, note=print, on_dead_worker=print)
    assert len(attempts) == 2


def test_a_waiting_trial_is_taken_by_one_worker(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    study = optuna.create_study(storage=url)
    for _ in range(40):
        study.enqueue_trial({})
    numbers = [trial._trial_id for trial in study.get_trials()]
    together = threading.Barrier(2)

    def take(_: int) -> list[bool]:
        storage = open_storage(url, patience=30, stop=GOING_ON, note=print, on_dead_worker=print)
        taken = []
        for number in numbers:
            together.wait()
            try:
                taken.append(storage.set_trial_state_values(number, optuna.trial.TrialState.RUNNING))
            except UpdateFinishedTrialError:
                taken.append(False)
        return taken

    with ThreadPoolExecutor(2) as workers:
        first, second = workers.map(take, range(2))
    assert [a + b for a, b in zip(first, second, strict=True)] == [1] * len(numbers)
