"""viser's server, for this machine's own browser only."""

import contextlib
import functools
import http
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import rich
import viser
import websockets.asyncio.server
from websockets import Headers
from websockets.http11 import Request, Response

from rl_baselines.play.loopback import HOST, OWN_HOSTS, OWN_PAGES, free_port
from srl3.errors import UserError

_QUIET = logging.getLogger(f"{__name__}.connections")
"""takes what websockets says of visitors who leave before they have asked for anything, and says nothing"""
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class LocalServer(viser.ViserServer):
    """Bound to 127.0.0.1; pages of other origins are refused, and nobody can ask for a public address."""

    def request_share_url(self, verbose: bool = True) -> str | None:
        """Refused: the page is for this machine."""
        return None

    def stop(self) -> None:
        super().stop()
        rich.get_console().quiet = False


def make_server(port: int | None, first_port: int, title: str) -> LocalServer:
    """A server at ``port``, or at the first free port from ``first_port`` on.

    Raises:
        UserError: when the port is in use.
    """
    chosen = free_port(port, first_port)
    rich.get_console().quiet = True  # viser prints addresses and connections whatever it is told
    with _guarded_connections(), contextlib.redirect_stdout(io.StringIO()):
        server = LocalServer(host=HOST, port=chosen, label=title, verbose=False)
    if server.get_port() != chosen:  # somebody else was quicker
        server.stop()
        raise UserError(f"the port {chosen} is in use by now; choose another with --port.")
    server.gui.configure_theme(show_logo=False, show_share_button=False, control_width="large")
    return server


@contextlib.contextmanager
def _guarded_connections() -> Iterator[None]:
    """A server that is begun in the block takes connections of `OWN_PAGES` only; viser has no setting for that."""
    module = websockets.asyncio.server
    serve = module.serve

    @functools.wraps(serve)
    def guarded(*arguments: Any, process_request: Callable[..., Response | None], **settings: Any) -> Any:
        def checked(connection: Any, request: Request) -> Response | None:
            if not OWN_HOSTS.fullmatch(request.headers.get("Host", "")):
                return Response(http.HTTPStatus.FORBIDDEN, "Forbidden", Headers(), b"this page is for 127.0.0.1 only\n")
            return process_request(connection, request)

        return serve(*arguments, origins=[OWN_PAGES], process_request=checked, logger=_QUIET, **settings)

    module.serve = guarded  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        module.serve = serve  # type: ignore[misc]
