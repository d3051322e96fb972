"""A headless Chromium, driven over its debugging port."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import pytest

SECONDS = 30.0


class Browser:
    """A context manager that shows one page; skips the test where Chromium or websocket-client is missing.

    Args:
        page: an HTML file.
        folder: for Chromium's own files.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if program is None:
            pytest.skip("there is no Chromium here to show the page")
        self._websocket = pytest.importorskip("websocket", reason="websocket-client, which drives Chromium, is missing")
        self._command = [
            *(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--remote-debugging-port=0", "--remote-allow-origins=*", "--window-size=1200,800"),
            *(f"--user-data-dir={folder}", page.absolute().as_uri()),
        ]
        self._port_file = folder / "DevToolsActivePort"
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Any = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.wait(lambda: self._port_file.is_file() and self._port_file.read_text().count("\n") >= 1)
            port = self._port_file.read_text().splitlines()[0]
            self._socket = self._connect(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
        assert self._process is not None
        self._process.terminate()
        self._process.wait(SECONDS)

    def call(self, method: str, **parameters: Any) -> Any:
        """A command of Chromium's debugging protocol; its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, left: float, top: float) -> None:
        """Press and release the mouse there, in pixels of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=left, y=top, button="left", clickCount=1)

    def screenshot(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def wait(self, done: Any) -> None:
        """Wait until ``done()``."""
        end = time.monotonic() + SECONDS
        while not done():
            assert self._process is not None
            assert self._process.poll() is None, "Chromium ended"
            assert time.monotonic() < end, "nothing happened in the browser"
            time.sleep(0.05)

    def _connect(self, port: str) -> Any:
        import urllib.request

        def page_address() -> str | None:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=SECONDS) as answer:
                pages = [target for target in json.loads(answer.read()) if target["type"] == "page"]
            return pages[0]["webSocketDebuggerUrl"] if pages else None

        self.wait(lambda: page_address() is not None)
        return self._websocket.create_connection(page_address(), timeout=SECONDS)
