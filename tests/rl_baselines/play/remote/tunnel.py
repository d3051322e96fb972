"""What ``ssh -L`` does, with breaks when a test wants them."""

import contextlib
import socket
import threading


class Tunnel:
    """Carries connections to a port of this machine.

    Args:
        port: of the server.

    Attributes:
        up: whether connections are taken; setting it to False breaks those that are there.
        limit: bytes of answers after which it breaks down; None: never.
        carried: bytes of answers so far.
        asked: heads of all requests.
        twist: whether the last byte of what is carried is another one.
    """

    def __init__(self, port: int) -> None:
        self.limit: int | None = None
        self.carried = 0
        self.asked: list[str] = []
        self.twist = False
        self._target = port
        self._up = True
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def up(self) -> bool:
        return self._up

    @up.setter
    def up(self, up: bool) -> None:
        self._up = up
        if not up:
            there, self._pairs = self._pairs, []  # who sees the break may connect anew before all are broken
            for pair in there:
                for each in pair:
                    with contextlib.suppress(OSError):
                        each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.up = False
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._up:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._pairs.append((near, far))
            threading.Thread(target=self._ask, args=(near, far), daemon=True).start()
            threading.Thread(target=self._answer, args=(far, near), daemon=True).start()

    def _ask(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError), far:
            while content := near.recv(1 << 16):
                self.asked.append(content.decode())
                far.sendall(content)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near:
            while content := far.recv(4096):
                if self.limit is not None and self.carried + len(content) > self.limit:
                    near.sendall(content[: self.limit - self.carried])
                    self.carried, self.limit = self.limit, None
                    self.up = False
                    return
                if self.twist and not content.endswith(b"\r\n\r\n"):
                    content = content[:-1] + bytes([content[-1] ^ 1])
                self.carried += len(content)
                near.sendall(content)
