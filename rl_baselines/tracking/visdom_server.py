"""A visdom server on this machine: the one that listens already, or one of our own.

``python -m rl_baselines.tracking.visdom_server`` is the process that `ensure_server` starts.
"""

import argparse
import contextlib
import errno
import fcntl
import getpass
import http.client
import importlib.util
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType
from typing import IO, Any

from srl3.errors import UserError
from srl3.formats.json import value_of

HOST = "127.0.0.1"
START_SECONDS = 20.0
"""time that our server may take to answer"""
PAGE_SECONDS = 4.0
"""time that a training waits for the page's scripts; fetching them goes on in the background"""
FETCH_SECONDS = 120.0
"""time after which fetching the page's scripts is given up"""
_WATCH_SECONDS = 0.5
_PROBE_SECONDS = 3.0


class Drawers:
    """Who draws on a port's server: each holds a shared lock on one file, which a process that is killed lets go too.

    Args:
        path: that file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file: int | None = os.open(path, flags, 0o600)

    @classmethod
    def of_port(cls, port: int) -> "Drawers":
        """Those of this user on the server of ``port``."""
        return cls(Path(tempfile.gettempdir()) / f"srl3-visdom-{os.getuid()}-{port}.lock")

    def join(self) -> None:
        """Count as one who draws; waits while a server that nobody draws on is ending."""
        self._lock(fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Whether nobody else draws; then nobody can join any more until `leave`.

        Raises:
            OSError: where the file system has no locks.
        """
        try:
            return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False

    def leave(self) -> None:
        """Draw no more; a second call does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, operation: int) -> bool:
        assert self._file is not None
        fcntl.flock(self._file, operation)
        return True


class VisdomServer:
    """A visdom server that answers on ``127.0.0.1:port``.

    Attributes:
        port: where it listens.
        process: our server, or None for one that was there before.
    """

    def __init__(
        self,
        port: int,
        process: "subprocess.Popen[bytes] | None" = None,
        fetcher: "subprocess.Popen[bytes] | None" = None,
        env_path: str | None = None,
        drawers: Drawers | None = None,
    ) -> None:
        self.port = port
        self.process = process
        self._fetcher = fetcher
        self._env_path = env_path
        self._drawers = drawers

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """Draw no more: ends our server, or leaves it to the last of those who still draw on it.

        One that was there before is left alone. A second call does nothing.
        """
        drawers, self._drawers = self._drawers, None
        if self._fetcher is not None:
            _end(self._fetcher)
        if self.process is not None and (drawers is None or drawers.is_last()):
            _end(self.process)
            if self._env_path is not None:
                shutil.rmtree(self._env_path, ignore_errors=True)  # gone already, unless the server was killed
        if drawers is not None:
            drawers.leave()


def ensure_server(port: int, page_seconds: float = PAGE_SECONDS) -> VisdomServer | None:
    """The visdom server on ``127.0.0.1:port``; starts one, bound to 127.0.0.1 only, if nobody listens there.

    Prints its address. Ours lives while anyone draws on it: until this process and those that found it running have
    called `VisdomServer.stop`, or ended, however that comes. Ctrl-C in the terminal does not reach it.

    Args:
        port: 1 to 65535.
        page_seconds: longest wait for the scripts of visdom's page; 0 does not fetch them.

    Returns:
        None, having said why on stderr, where visdom is not installed or can't start.

    Raises:
        UserError: something else uses the port.
    """
    package = importlib.util.find_spec("visdom")
    if package is None or package.origin is None:
        _say(
            "visdom is not installed, so there are no live plots: pip install visdom adds them, --no-vis says nothing."
        )
        return None
    drawers = Drawers.of_port(port)
    try:
        with contextlib.suppress(OSError):  # without locks our server ends with this process
            drawers.join()
        if _is_visdom(port):
            return _shared(port, drawers)
        _check_free(port)
        return _start(port, Path(package.origin).parent / "static", page_seconds, drawers)
    except BaseException:
        drawers.leave()
        raise


def _shared(port: int, drawers: Drawers) -> VisdomServer:
    server = VisdomServer(port, drawers=drawers)
    print(f"visdom (already running): {server.address}", flush=True)
    return server


def _start(port: int, static: Path, page_seconds: float, drawers: Drawers) -> VisdomServer | None:
    fetcher = _spawn("--fetch") if page_seconds and missing_scripts(static) else None
    env_path = tempfile.mkdtemp(prefix="visdom-")
    with tempfile.TemporaryFile() as output:
        process = _spawn("--port", str(port), "--env-path", env_path, "--drawers", str(drawers.path), output=output)
        server = VisdomServer(port, process, fetcher, env_path, drawers)
        failure = _wait_until_up(server, output)
    if failure is not None and process.poll() is not None and _is_visdom(port):
        if fetcher is not None:
            _end(fetcher)
        shutil.rmtree(env_path, ignore_errors=True)
        return _shared(port, drawers)  # another training has started one in the meantime
    if failure is not None:
        server.stop()
        _say(f"visdom could not be started ({failure}); training goes on without live plots.")
        return None
    print(f"visdom: {server.address}", flush=True)
    if page_seconds:
        _tell_about_page(static, fetcher, page_seconds)
    return server


def request(
    port: int, method: str, path: str, body: str | None = None, timeout: float = _PROBE_SECONDS
) -> tuple[int, str]:
    """Status and text that a server on 127.0.0.1 answers; goes through no proxy.

    Raises:
        OSError, http.client.HTTPException: without an answer in HTTP within ``timeout`` seconds.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, body.encode() if body is not None else None)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    finally:
        connection.close()


def missing_scripts(static: Path) -> list[str]:
    """Scripts and styles that visdom's page asks for and that are not in its ``static`` folder."""
    page = (static / "index.html").read_text(encoding="utf-8")
    named = re.findall(r"static_url\([\"']((?:js|css)/[^\"']+)[\"']\)", page)
    return [name for name in named if not (static / name).is_file()]


def _is_visdom(port: int) -> bool:
    """Whether a visdom answers; False if nobody listens.

    Raises:
        UserError: something else listens, or a visdom that asks for a login.
    """
    try:
        status, page = request(port, "GET", "/")
        if status != 200 or "<title>visdom" not in page.lower():
            raise http.client.HTTPException
        status, answer = request(port, "POST", "/env_state", "{}")
    except ConnectionRefusedError:
        return False
    except (OSError, http.client.HTTPException):
        raise _in_use(port, "something that is not visdom") from None
    try:
        if status == 200 and isinstance(value_of(answer), list):
            return True
    except ValueError:
        pass
    raise _in_use(port, "a visdom that asks for a login")


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _in_use(port, "something that is not visdom") from None
            raise UserError(f"port {port} can't be used for visdom ({error.strerror}); pass another --port.") from None


def _in_use(port: int, by: str) -> UserError:
    return UserError(f"port {port} is in use by {by}; pass another --port, or --no-vis for no live plots.")


def _say(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _spawn(*arguments: str, output: int | IO[bytes] = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """This module as a process in a group of its own, which ends when nobody needs it."""
    search_path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", "rl_baselines.tracking.visdom_server", "--parent", str(os.getpid()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, search_path))},
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_up(server: VisdomServer, output: IO[bytes]) -> str | None:
    """None once the server answers its page, else why it does not."""
    assert server.process is not None
    deadline = time.monotonic() + START_SECONDS
    answer = "no answer"
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            output.seek(0)
            lines = output.read().decode("utf-8", "replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a word")
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _ = request(server.port, "GET", "/")
            if status == 200:
                return None
            answer = f"its page answers with status {status}"
        time.sleep(0.05)
    return f"{answer} within {START_SECONDS:.0f} s"


def _tell_about_page(static: Path, fetcher: "subprocess.Popen[bytes] | None", seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while fetcher is not None and fetcher.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if not missing_scripts(static):
        return
    if fetcher is not None and fetcher.poll() is None:
        _say("the scripts of visdom's page are still being fetched; if it is bare, reload it in a minute.")
    else:
        _say("the scripts of visdom's page can't be fetched, so it will be bare; TensorBoard shows the curves too.")


# the process that `ensure_server` starts


def main(argv: list[str] | None = None) -> None:
    """Serve visdom on ``--port`` while anyone draws on it, or fetch its page's scripts until the parent is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--env-path", help="where visdom keeps its state; removed at the end")
    parser.add_argument("--parent", type=int, required=True, help="fetching ends when this process is gone")
    parser.add_argument("--drawers", type=Path, help="locked by those who draw; serving ends when nobody does")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--port", type=int)
    what.add_argument("--fetch", action="store_true")
    arguments = parser.parse_args(argv)

    signal.signal(signal.SIGTERM, _leave)
    deadline = time.monotonic() + FETCH_SECONDS if arguments.fetch else float("inf")
    drawers = None if arguments.drawers is None else Drawers(arguments.drawers)
    threading.Thread(target=_end_when_alone, args=(arguments.parent, drawers, deadline), daemon=True).start()
    # visdom's client, which comes with its server, would load torch only to know its tensors
    sys.modules["torch"] = None  # type: ignore[assignment]
    if arguments.fetch:
        _fetch()
    else:
        _serve(arguments.port, arguments.env_path)


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _end_when_alone(parent: int, drawers: Drawers | None, deadline: float) -> None:
    while _is_needed(parent, drawers) and time.monotonic() < deadline:
        time.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_needed(parent: int, drawers: Drawers | None) -> bool:
    try:
        return os.getppid() == parent if drawers is None else not drawers.is_last()
    except OSError:  # a file system without locks
        return os.getppid() == parent


def _serve(port: int, env_path: str) -> None:
    from visdom.server import app, run_server

    try:
        getpass.getuser()
    except (KeyError, OSError):  # a user without a name; visdom's page wants one
        os.environ["LOGNAME"] = "user"
    app.tornado_settings["autoreload"] = False
    logging.getLogger().setLevel(logging.ERROR)
    try:
        run_server.start_server(port=port, hostname=HOST, base_url="", env_path=env_path, bind_local=True)
    finally:
        shutil.rmtree(env_path)


def _fetch() -> None:
    """Download what visdom's own entry point would, beside its page; files arrive whole or not at all."""
    from visdom.server import build

    requests: Any = importlib.import_module("requests")

    def get(url: str) -> Any:
        response = requests.request("GET", url, timeout=10)
        response.raise_for_status()
        return response

    socket.setdefaulttimeout(10)
    requests.get = get  # visdom's own call has no time limit and keeps error pages
    static = Path(build.get_visdom_path("static"))
    with tempfile.TemporaryDirectory(dir=static, prefix=".fetch-") as folder:
        try:
            build.download_scripts(install_dir=folder)
        finally:
            for file in (Path(folder) / "static").rglob("*"):
                target = static / file.relative_to(Path(folder) / "static")
                if file.is_file() and file.stat().st_size:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(file, target)


if __name__ == "__main__":
    main()
