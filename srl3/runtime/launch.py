"""Starts the processes of one training on this machine, as ``torchrun`` does, and ends with them."""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from srl3.runtime.ranks import LAUNCHER, MEETING_FILE

GRACE_SECONDS = 20.0
"""what those that are left have, after one was lost, to say so and to end"""
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


def run_processes(command: Sequence[str], count: int) -> int:
    """Run ``command`` as ranks 0 to ``count`` - 1, and wait for all of them.

    Ctrl-C and SIGTERM go to each of them, once for every time that they come. When one ends with an error, the others
    are ended too.

    Returns:
        the exit status of rank 0 where that is an error, else of the first that failed; 128 + the signal's number for
        one that a signal ended.
    """
    with tempfile.TemporaryDirectory(prefix="srl3-ranks-") as folder:
        processes = [_start(command, rank, count, Path(folder) / "meeting") for rank in range(count)]

        came: list[int] = []

        def forward(number: int, _frame: FrameType | None) -> None:
            came.append(number)
            for process in processes:
                if process.poll() is None:  # two ask, as the ranks say; the third waits for nothing
                    process.send_signal(number if len(came) < 3 else signal.SIGKILL)

        previous = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return _wait(processes, came)
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                process.wait()
            for number, handler in previous.items():
                signal.signal(number, handler)


def rank_variables(rank: int, count: int, meeting: Path) -> dict[str, str]:
    """The environment variables that make a process of this machine rank ``rank`` of ``count``.

    Args:
        rank: from 0.
        count: of all.
        meeting: a file that is not there yet, by which they find one another.
    """
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    variables = {name: str(value) for name, value in place.items()}
    variables |= {MEETING_FILE: str(meeting), LAUNCHER: str(os.getpid())}
    variables["GLOO_SOCKET_IFNAME"] = os.environ.get("GLOO_SOCKET_IFNAME", LOOPBACK)
    return variables


def _start(command: Sequence[str], rank: int, count: int, meeting: Path) -> subprocess.Popen[bytes]:
    variables = rank_variables(rank, count, meeting)
    # a session of its own: the terminal's Ctrl-C comes once, from here
    return subprocess.Popen(command, env={**os.environ, **variables}, start_new_session=True)


def _wait(processes: Sequence[subprocess.Popen[bytes]], came: Sequence[int]) -> int:
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    def watch(rank: int) -> None:
        processes[rank].wait()
        ended.put(rank)

    for rank in range(len(processes)):
        threading.Thread(target=watch, args=(rank,), daemon=True).start()
    failed: int | None = None
    for _ in processes:
        try:
            rank = ended.get(timeout=None if failed is None else GRACE_SECONDS)
        except queue.Empty:
            break  # the caller ends those that are left
        status = processes[rank].returncode
        if status != 0 and failed is None:
            failed = rank
            if status < 0 and not came:
                name = signal.Signals(-status).name
                print(f"error: rank {rank} of {len(processes)} was ended by {name}.", file=sys.stderr, flush=True)
    if failed is None:
        return 0
    return _as_shell(processes[0].returncode or processes[failed].returncode)


def _as_shell(status: int) -> int:
    return status if status >= 0 else 128 - status
