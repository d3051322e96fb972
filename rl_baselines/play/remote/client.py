"""Asks for what `RunServer` offers; a transfer that breaks off goes on where it was."""

import contextlib
import http.client
import re
import socket
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from rl_baselines.play.remote.listing import MAX_BYTES, Listing, Version, parse_listing
from rl_baselines.play.remote.offer import sha256_of_file
from rl_baselines.play.remote.server import FILES
from srl3.errors import UserError

SECONDS = 10.0
"""for which an answer is waited for"""
CHUNK = 1 << 16
_ADDRESS = re.compile(r"http://([\w.-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?/?")


class LinkLost(Exception):
    """Nobody answers, or no longer; another try may do. Its text says why."""


class Changed(Exception):
    """The file is another one by now: ask for the listing again."""


class RunClient:
    """Speaks to one server, over a connection that is kept open.

    Args:
        address: ``http://HOST:PORT``.
        token: of the server, if it has one.
        seconds: for which an answer is waited for.

    Raises:
        UserError: when the address is none.
    """

    def __init__(self, address: str, token: str = "", seconds: float = SECONDS) -> None:
        match = _ADDRESS.fullmatch(address)
        if match is None or (match[2] is not None and not 0 < int(match[2]) < 2**16):
            raise UserError(f"'{address}' is no address of a run; one is http://127.0.0.1:8700.")
        self.address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._connection = http.client.HTTPConnection(match[1].strip("[]"), int(match[2] or 80), timeout=seconds)

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        self._connection.close()

    def abort(self) -> None:
        """Let a question of another thread end now, with `LinkLost`."""
        connected = self._connection.sock
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def listing(self) -> Listing:
        """What is offered now.

        Raises:
            LinkLost: when nobody answers.
            UserError: when who answers offers no run, or refuses.
        """
        response = self._ask("/")
        try:
            content = self._read(response, MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                self.close()
                raise ValueError("it is too large")
            return parse_listing(content)
        except ValueError as error:
            raise UserError(f"{self.address} offers no run that can be watched ({error}).") from None

    def fetch(self, version: Version, part: Path, go_on: Callable[[], bool]) -> bool:
        """Write a version of a file to ``part``, going on from what that holds already.

        Args:
            version: from the listing.
            part: bytes of an earlier call, or of an earlier version of a file that grows; not there at the beginning.
            go_on: asked now and then; False ends the call early.

        Returns:
            Whether ``part`` is whole and has the right SHA-256; False where ``go_on`` ended it.

        Raises:
            LinkLost: when the link broke, or what came was not what was promised; whatever is right in ``part`` stays.
            Changed: when there is another version by now.
        """
        have = part.stat().st_size if part.exists() else 0
        for start in dict.fromkeys((min(have, version.size), 0)):  # what was there may be wrong
            if (start < version.size or not start) and not self._append(version, part, start, go_on):
                return False
            if part.stat().st_size == version.size and sha256_of_file(part) == version.sha256:
                return True
        part.unlink()
        raise LinkLost(f"{version.name} came with another SHA-256 than it should have")

    def _append(self, version: Version, part: Path, have: int, go_on: Callable[[], bool]) -> bool:
        headers = {"If-Match": version.etag, **({"Range": f"bytes={have}-"} if have else {})}
        response = self._ask(FILES + version.name, headers)
        if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            self.close()
            raise LinkLost(f"{version.name} is answered with {response.status}")
        if response.status == HTTPStatus.OK:
            have = 0
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            while have < version.size:
                if not go_on():
                    self.close()
                    return False
                chunk = self._read(response, min(CHUNK, version.size - have))
                if not chunk:
                    self.close()
                    raise LinkLost(f"the link broke at {have:,} of {version.size:,} bytes of {version.name}")
                file.write(chunk)
                file.flush()
                have += len(chunk)
        if not response.isclosed():
            self.close()
        return True

    def _ask(self, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        try:
            self._connection.request("GET", path, headers={**self._headers, **(headers or {})})
            response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise LinkLost(_reason(error)) from None
        if response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED):
            self.close()
            if path != "/":
                raise Changed(path)
        if response.status == HTTPStatus.UNAUTHORIZED:
            self.close()
            raise UserError(f"{self.address} wants the token of its --token-file; give a copy of that file here too.")
        if path == "/" and response.status != HTTPStatus.OK:
            self.close()
            raise UserError(f"{self.address} offers no run that can be watched (it answers {response.status}).")
        return response

    def _read(self, response: http.client.HTTPResponse, count: int) -> bytes:
        try:
            return response.read(count)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise LinkLost(_reason(error)) from None


def is_address(spec: str) -> bool:
    """Whether a run is named by an address."""
    return spec.startswith(("http://", "https://"))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the connection was closed" if isinstance(error, http.client.HTTPException) else str(error)
