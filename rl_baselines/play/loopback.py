"""This machine alone: its address, the ports that are free there, and who may speak to what is offered there."""

import re
import socket

from srl3.errors import UserError

HOST = "127.0.0.1"
OWN_PAGES = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
"""pages that may open a connection: on this machine, or at the near end of a tunnel to it, whatever its port there"""
OWN_HOSTS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
"""names by which this machine is asked; another name that leads here is a trick of somebody's page"""
TRIES = 20
"""ports from the first one on, where the user named none"""


def free_port(port: int | None, first: int) -> int:
    """``port``, or the first free one from ``first`` on.

    Raises:
        UserError: when it is in use.
    """
    if port is not None:
        if not _is_free(port):
            raise UserError(f"the port {port} is in use; choose another with --port.")
        return port
    free = next((each for each in range(first, first + TRIES) if _is_free(each)), None)
    if free is None:
        raise UserError(f"the ports {first} to {first + TRIES - 1} are in use; choose another with --port.")
    return free


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
