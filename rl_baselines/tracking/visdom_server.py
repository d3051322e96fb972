"""A visdom server on this machine: the one that listens already, or one of our own."""

import contextlib
import errno
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from rl_baselines.tracking.visdom_drawers import Drawers
from rl_baselines.tracking.visdom_process import HOST
from rl_baselines.tracking.visdom_scripts import VARIABLE, missing_scripts, scripts_folder, static_folder
from srl3.errors import UserError
from srl3.formats.json import value_of

START_SECONDS = 20.0
"""time that our server may take to answer"""
PAGE_SECONDS = 4.0
"""time that a training waits for the page's scripts; fetching them goes on in the background"""
_PROBE_SECONDS = 3.0


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
    def is_ours(self) -> bool:
        """Whether this process started it."""
        return self.process is not None

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

    Ours lives while anyone draws on it: until this process and those that found it running have
    called `VisdomServer.stop`, or ended, however that comes. Ctrl-C in the terminal does not reach it.

    Args:
        port: 1 to 65535.
        page_seconds: longest wait for the scripts of visdom's page; 0 does not fetch them.

    Returns:
        None, having said why on stderr, where visdom is not installed or can't start.

    Raises:
        UserError: something else uses the port.
    """
    static = static_folder()
    if static is None:
        _say(
            "visdom is not installed, so there are no live plots: pip install visdom adds them, --no-vis says nothing."
        )
        return None
    drawers = Drawers.of_port(port)
    try:
        with contextlib.suppress(OSError):  # without locks our server ends with this process
            drawers.join()
        if _is_visdom(port):
            return VisdomServer(port, drawers=drawers)
        _check_free(port)
        return _start(port, static, page_seconds, drawers)
    except BaseException:
        drawers.leave()
        raise


def _start(port: int, static: Path, page_seconds: float, drawers: Drawers) -> VisdomServer | None:
    fetcher = _spawn("--fetch") if page_seconds and missing_scripts(static, scripts_folder()) else None
    env_path = tempfile.mkdtemp(prefix="visdom-")
    with tempfile.TemporaryFile() as output:
        process = _spawn("--port", str(port), "--env-path", env_path, "--drawers", str(drawers.path), output=output)
        server = VisdomServer(port, process, fetcher, env_path, drawers)
        failure = _wait_until_up(server, output)
    if failure is not None and process.poll() is not None and _is_visdom(port):
        if fetcher is not None:
            _end(fetcher)
        shutil.rmtree(env_path, ignore_errors=True)
        return VisdomServer(port, drawers=drawers)  # another training has started one in the meantime
    if failure is not None:
        server.stop()
        _say(f"visdom could not be started ({failure}); training goes on without live plots.")
        return None
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
    """`rl_baselines.tracking.visdom_process` in a group of its own, which ends when nobody needs it."""
    search_path = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", "rl_baselines.tracking.visdom_process", "--parent", str(os.getpid()), *arguments],
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
    if not missing_scripts(static, scripts_folder()):
        return
    if fetcher is not None and fetcher.poll() is None:
        _say("the scripts of visdom's page are still being fetched; if it is bare, reload it in a minute.")
    else:
        _say(
            "the scripts of visdom's page can't be fetched, so it will be bare: fill a folder where there is a network "
            f"(python -m rl_baselines.tracking.visdom_scripts FOLDER) and name it in {VARIABLE}."
        )
