"""A PostgreSQL server of the test's own: on 127.0.0.1, with its own data, started and stopped at will."""

import fcntl
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

START_SECONDS = 60.0
DEBIAN = Path("/usr/lib/postgresql")
NOT_NEEDED = re.compile(r"llvm|perl|locales|ssl-cert|common|systemd|sysstat|logrotate|cron|tzdata")
"""packages that Debian's server asks for and a server that is started by hand does without"""


class PostgreSQL:
    """A server; PostgreSQL refuses to run as root, so root starts it as ``nobody``.

    Args:
        programs: folder of ``initdb`` and ``postgres``.
        root: folder in which Debian's packages were unpacked, if they were.
        folder: for its data, made here.
    """

    def __init__(self, programs: Path, root: Path | None, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}
        if root is not None:
            self._as["env"]["LD_LIBRARY_PATH"] = ":".join(map(str, sorted(root.glob("usr/lib/*-linux-gnu"))))
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._as |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        init = [programs / "initdb", "-D", self.data, "-U", "srl3", "--auth=trust", "-N", "-E", "UTF8", "--no-locale"]
        done = subprocess.run(init, capture_output=True, text=True, **self._as)
        if done.returncode:
            pytest.skip(f"PostgreSQL's initdb fails here: {done.stderr.strip().splitlines()[-1]}")
        self.start()

    def url(self, database: str = "postgres") -> str:
        """Where it listens."""
        return f"postgresql://srl3@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        import psycopg

        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.data, "-p", str(self.port), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._as,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, "the server ended at once"
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        """Break all connections and stop it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(START_SECONDS)
            self.process = None

    def new_database(self, name: str) -> str:
        """Make an empty database; gives its URL."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        return self.url(name)


@contextmanager
def server(cache: Path) -> Iterator[PostgreSQL]:
    """A running server; skips the test, with the reason, where there is none and none can be had.

    Args:
        cache: folder for Debian's packages, where they are not installed.
    """
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="srl3-postgresql-"))
    folder.chmod(0o755)
    try:
        programs, root = _installed() or _unpacked(cache, folder / "packages")
        data = folder / "server"
        data.mkdir()
        running = PostgreSQL(programs, root, data)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder)


def _installed() -> tuple[Path, None] | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent, None
    versions = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").exists() and (path / "postgres").exists()]
    return (max(versions, key=lambda path: int(path.parent.name)), None) if versions else None


def _unpacked(cache: Path, root: Path) -> tuple[Path, Path]:
    """Debian's packages, unpacked without installing them."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        pytest.skip("PostgreSQL is not installed, and this is no Debian")
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes that run tests, one fetches them
        if not list(cache.glob("postgresql-*.deb")):
            plan = _apt("install", "--simulate", "--no-install-recommends", "postgresql")
            names = [name for name in re.findall(r"^Inst (\S+)", plan, re.M) if not NOT_NEEDED.search(name)]
            _apt("download", *names, cwd=cache)
    for package in sorted(cache.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    (programs,) = root.glob("usr/lib/postgresql/*/bin")
    return programs, root


def _apt(*arguments: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            ["apt-get", "-q", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        lines = (error.stderr or str(error)).strip().splitlines()
        pytest.skip(f"PostgreSQL is not installed, and apt-get {arguments[0]} can't fetch it: {lines[-1]}")
    return done.stdout
