"""What ``play --serve`` does."""

import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from rl_baselines.play.loopback import free_port
from rl_baselines.play.policies.sources import find_source, wait_for_source
from rl_baselines.play.remote.client import is_address
from rl_baselines.play.remote.offer import Offer
from rl_baselines.play.remote.server import RunServer
from srl3.errors import UserError
from srl3.runtime.signals import StopRequest

FIRST_PORT = 8700
LOOK_SECONDS = 0.2
"""between two looks at whether it is to end"""


def serve(
    spec: str, log_dir: Path, port: int | None, token_file: Path | None, wait: bool, say: Callable[[str], None]
) -> int:
    """Offer a run until Ctrl-C; returns the exit status.

    Args:
        spec: what names the run.
        log_dir: where runs are looked for by name.
        port: None takes the first free one from `FIRST_PORT` on.
        token_file: holds the token that who asks must have; it is made where it is not there. None: no token.
        wait: for a run that is not there yet.
        say: takes a line for people.

    Raises:
        UserError: for what can't be offered.
    """
    if is_address(spec):
        raise UserError("--serve offers a run of this machine, and not one that another machine offers.")
    source = wait_for_source(spec, log_dir, say) if wait else find_source(spec, log_dir)
    if source.run is None:
        raise UserError(f"--serve offers a run with its checkpoints, and {spec} is none.")
    token = "" if token_file is None else _made_token(token_file)
    chosen = free_port(port, FIRST_PORT)
    try:
        server = RunServer(Offer(source.run), chosen, token)
    except OSError:  # somebody else was quicker
        raise UserError(f"the port {chosen} is in use by now; choose another with --port.") from None
    more = "" if token_file is None else f" --token-file {token_file.name}"
    say(f"{source.run.path} is offered at {server.address}, to be read only and from this machine only")
    say(f"elsewhere:  ssh -N -L {chosen}:127.0.0.1:{chosen} {socket.gethostname()}")
    say(f"            python -m rl_baselines.play --run {server.address}{more}")
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), name="run server", daemon=True)
    with StopRequest(None, leave=sys.exit) as stop:
        thread.start()
        try:
            while not stop.requested:
                thread.join(LOOK_SECONDS)
        finally:
            server.shutdown()
            server.server_close()
        return stop.exit_status


def read_token(path: Path) -> str:
    """The token that a file holds.

    Raises:
        UserError: when it can't be read, or holds none.
    """
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise UserError(f"{path} can't be read; copy it from the machine on which play --serve made it.") from None
    if not token or not token.isprintable() or " " in token or len(token) > 200:
        raise UserError(f"{path} holds no token; let play --serve make another file.")
    return token


def _made_token(path: Path) -> str:
    try:
        with open(path, "x", opener=_private, encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(24)}\n")
    except FileExistsError:
        pass
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror}); choose another --token-file.") from None
    return read_token(path)


def _private(path: str, flags: int) -> int:
    """Nobody else may read it."""
    return os.open(path, flags, 0o600)
