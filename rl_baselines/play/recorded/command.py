"""What ``play --recording`` does with its flags."""

import argparse
import json
import sys
from collections.abc import Collection
from contextlib import closing

from rl_baselines.play.core.pace import FULL
from rl_baselines.play.recorded.library import Library, find_library
from rl_baselines.play.recorded.words import in_lines
from srl3.errors import UserError

FITTING = {"recording", "log_dir", "speed", "viewer", "port", "fps", "json"}
"""flags of ``play`` that say something of recordings"""


def show_recordings(arguments: argparse.Namespace, given: Collection[str]) -> int:
    """Find the recordings, and show them on a page or print what is in them; returns the exit status."""
    for name in sorted(set(given) - FITTING):
        raise UserError(f"--recording shows what was recorded; leave out --{name.replace('_', '-')}.")
    if arguments.viewer == "native":
        raise UserError("recordings are shown on a page, for they have no engine; leave out --viewer native.")
    if arguments.speed == FULL:
        raise UserError("a recording is shown at a speed from 0.01 to 100, not as fast as it goes.")
    library = find_library(arguments.recording, arguments.log_dir)
    if arguments.viewer == "none":
        return _print(library, as_json=arguments.json)

    from rl_baselines.play.recorded.page import RecordedPage
    from rl_baselines.play.recorded.reel import Reel
    from srl3.runtime.signals import StopRequest

    reel = Reel(library, arguments.speed)
    with (
        closing(RecordedPage(reel, arguments.port, arguments.fps)) as page,
        StopRequest(None, leave=sys.exit) as stop,
    ):
        print(f"look at it at {page.address} (only from this machine; Ctrl-C ends it)", file=sys.stderr, flush=True)
        reel.run(page, lambda: stop.requested)
        return stop.exit_status


def _print(library: Library, *, as_json: bool) -> int:
    for path in library.paths():
        recording = library.read(path)
        if as_json:
            print(json.dumps({"recording": str(path), **recording.summary()}), flush=True)
        else:
            print("\n".join(in_lines(path, recording)), flush=True)
    return 0
