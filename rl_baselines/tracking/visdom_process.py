"""The processes that `rl_baselines.tracking.visdom_server.ensure_server` starts: visdom's server, and who fetches."""

import argparse
import getpass
import logging
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from rl_baselines.tracking.visdom_drawers import Drawers
from rl_baselines.tracking.visdom_scripts import fetch, scripts_folder, static_folder

HOST = "127.0.0.1"
FETCH_SECONDS = 120.0
"""time after which fetching the page's scripts is given up"""
_WATCH_SECONDS = 0.5


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
        static = static_folder()
        assert static is not None
        fetch(static, scripts_folder())
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
    app.tornado_settings["static_handler_class"] = _static_files(scripts_folder())
    vars(app)["IndexHandler"] = _newest_first(app.IndexHandler)
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("tornado.general").setLevel(logging.CRITICAL)  # a script of the page that is nowhere
    try:
        run_server.start_server(port=port, hostname=HOST, base_url="", env_path=env_path, bind_local=True)
    finally:
        shutil.rmtree(env_path)


def _static_files(scripts: Path) -> Any:
    """Tornado's handler of static files, which looks into the folder of scripts too."""
    from tornado.web import StaticFileHandler

    class Handler(StaticFileHandler):
        @classmethod
        def get_absolute_path(cls, root: str, path: str) -> str:
            ours = os.path.abspath(scripts / path)
            if ours.startswith(f"{scripts}{os.sep}") and os.path.isfile(ours):
                return ours
            return super().get_absolute_path(root, path)

        def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
            is_ours = absolute_path.startswith(f"{scripts}{os.sep}")
            return super().validate_absolute_path(str(scripts) if is_ours else root, absolute_path)

    return Handler


def _newest_first(index_handler: Any) -> Any:
    """Visdom's page, opened at the environment that was made last rather than at an empty one."""
    from visdom.utils.server_utils import gather_envs

    class Handler(index_handler):
        def get(self, _path: str, **_: Any) -> None:
            self.render(
                "index.html",
                user=getpass.getuser(),
                items=gather_envs(self.state, env_path=self.env_path),
                active_item=next(reversed(self.state), ""),
                wrap_socket=self.wrap_socket,
            )

    return Handler


if __name__ == "__main__":
    main()
