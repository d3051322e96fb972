"""The page before there is anything to show: it opens at once, and says what is waited for."""

from collections.abc import Callable

from rl_baselines.play.loopback import HOST
from rl_baselines.play.web.escaping import escaped
from rl_baselines.play.web.server import LocalServer, make_server

FIRST_PORT = 8787
TITLE = "SRL3 play"


class Front:
    """A page that says lines, until a `Page` takes its server.

    Args:
        say: takes what the page says too, such as the terminal.
        port: None takes the first free one from `FIRST_PORT` on.

    Raises:
        UserError: when the port is in use.
    """

    def __init__(self, say: Callable[[str], None], port: int | None = None) -> None:
        self._say = say
        self._server: LocalServer | None = make_server(port, FIRST_PORT, TITLE)
        self._text = self._server.gui.add_markdown("loading …")

    @property
    def address(self) -> str:
        """Of the page."""
        assert self._server is not None
        return f"http://{HOST}:{self._server.get_port()}"

    def say(self, line: str) -> None:
        """Say this, in place of what was said before."""
        self._text.content = escaped(line)
        self._say(line)

    def take(self) -> LocalServer:
        """The server, whose page is empty again; whoever takes it ends it."""
        assert self._server is not None
        server, self._server = self._server, None
        self._text.remove()
        return server

    def close(self) -> None:
        """End the server, unless it was taken."""
        if self._server is not None:
            self._server.stop()
            self._server = None
