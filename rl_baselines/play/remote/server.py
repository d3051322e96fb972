"""A run over HTTP, for this machine's own programs and for what comes through a tunnel; nothing can be changed."""

import hmac
import http.server
import re
from http import HTTPStatus
from typing import Any, BinaryIO

from rl_baselines.play.loopback import HOST, OWN_HOSTS
from rl_baselines.play.remote.listing import Version, listing_text
from rl_baselines.play.remote.offer import CHUNK, Offer

FILES = "/files/"
IDLE_SECONDS = 60.0
"""after which a connection is closed on which nothing is asked"""
_FROM = re.compile(r"bytes=(\d{1,15})-")


class RunServer(http.server.ThreadingHTTPServer):
    """Offers a run on 127.0.0.1: ``/`` is its listing, ``/files/NAME`` a file of the listing.

    Args:
        offer: of the run.
        port: 0 takes any that is free.
        token: who asks must have it; empty: whoever is on this machine may ask.

    Raises:
        OSError: when the port is in use.
    """

    daemon_threads = True

    def __init__(self, offer: Offer, port: int, token: str = "") -> None:
        self.offer = offer
        self.token = token
        super().__init__((HOST, port), Handler)

    @property
    def address(self) -> str:
        """As `play --run` takes it."""
        return f"http://{HOST}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone, or asked nonsense; the others are served on."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    server: RunServer
    protocol_version = "HTTP/1.1"
    server_version = "SRL3"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """The listing, or a file, or the rest of one."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """The same without its content."""
        self._answer(with_body=False)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is printed."""

    def _answer(self, with_body: bool) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self._say(*refusal)
        elif self.path == "/":
            self._listing(with_body)
        elif self.path.startswith(FILES) and (found := self.server.offer.open(self.path.removeprefix(FILES))):
            with found[0] as file:
                self._file(file, found[1], with_body)
        else:
            self._say(HTTPStatus.NOT_FOUND, "nothing of this name is offered")

    def _refusal(self) -> tuple[HTTPStatus, str] | None:
        """Pages in a browser have no business here, nor has who lacks the token."""
        headers = self.headers
        if not OWN_HOSTS.fullmatch(headers.get("Host", "")):
            return HTTPStatus.FORBIDDEN, "this run is offered to 127.0.0.1 only"
        if headers.get("Origin") is not None or headers.get("Sec-Fetch-Site", "none") != "none":
            return HTTPStatus.FORBIDDEN, "this run is not for pages"
        given, token = headers.get("Authorization", "").encode(), f"Bearer {self.server.token}".encode()
        if self.server.token and not hmac.compare_digest(given, token):
            return HTTPStatus.UNAUTHORIZED, "this run is for those who have its token"
        return None

    def _listing(self, with_body: bool) -> None:
        body = listing_text(self.server.offer.listing()).encode()
        self._head(HTTPStatus.OK, len(body), "application/json")
        if with_body:
            self.wfile.write(body)

    def _file(self, file: BinaryIO, version: Version, with_body: bool) -> None:
        wanted = self.headers.get("If-Match")
        if wanted is not None and wanted != version.etag:
            self._say(HTTPStatus.PRECONDITION_FAILED, "the file has changed")
            return
        if self.headers.get("If-None-Match") == version.etag:
            self._head(HTTPStatus.NOT_MODIFIED, None, None, {"ETag": version.etag})
            return
        match = _FROM.fullmatch(self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        headers = {"ETag": version.etag, "Accept-Ranges": "bytes"}
        if match and start >= version.size:
            headers["Content-Range"] = f"bytes */{version.size}"
            self._head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, None, headers)
            return
        if match:
            headers["Content-Range"] = f"bytes {start}-{version.size - 1}/{version.size}"
        status = HTTPStatus.PARTIAL_CONTENT if match else HTTPStatus.OK
        self._head(status, version.size - start, "application/octet-stream", headers)
        if with_body:
            self._send(file, start, version.size)

    def _send(self, file: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        left = end - start
        while left > 0:
            chunk = file.read(min(CHUNK, left))
            if not chunk:  # cut off by its writer; who asked sees that bytes are missing
                self.close_connection = True
                return
            self.wfile.write(chunk)
            left -= len(chunk)

    def _say(self, status: HTTPStatus, sentence: str) -> None:
        body = f"{sentence}\n".encode()
        self._head(status, len(body), "text/plain; charset=utf-8")
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(
        self, status: HTTPStatus, length: int | None, kind: str | None, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        if kind is not None:
            self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in {**(headers or {}), **_GUARDS}.items():
            self.send_header(name, value)
        self.end_headers()


_GUARDS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""for a browser that gets to see an answer all the same"""
