"""What ``python -m rl_baselines.play`` does with its flags."""

import argparse
import contextlib
import dataclasses
import io
import secrets
import sys
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.flags import env_kwargs_from_flags
from rl_baselines.play.flags import make_parser
from rl_baselines.play.remote.client import is_address
from srl3.errors import UserError

AGENT_NAMES = ("random", "zero")
"""`rl_baselines.play.policies.agents.AGENTS`, which loads more than a command's start should"""

if TYPE_CHECKING:
    from rl_baselines.play.core.beginning import Wanted
    from rl_baselines.play.core.player import Player, Viewer
    from rl_baselines.play.core.saved import Saved
    from rl_baselines.play.web.front import Front


def run(argv: list[str] | None = None) -> int:
    """Parse, find what is to be watched, watch; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    if arguments.serve:
        return _serve(arguments, given)
    if arguments.recording is not None:
        from rl_baselines.play.recorded.command import show_recordings

        return show_recordings(arguments, given)
    if arguments.run is not None and arguments.compare:
        raise UserError("--run shows one policy, --compare several; give one of them.")
    specs = list(arguments.compare) or ([] if arguments.run is None else [arguments.run])
    if not specs and arguments.state is None:
        raise UserError("name a run with --run, several with --compare, or what was recorded with --recording.")
    if not all(spec.strip() for spec in specs):
        raise UserError("the name of a run is empty; name a run folder, part of a run's name, or an agent.")
    if arguments.state is None and arguments.env is None and all(spec in AGENT_NAMES for spec in specs):
        raise UserError("agents without a checkpoint need a world; name one with --env.")
    if arguments.trust_pickle and any(map(is_address, specs)):
        raise UserError("--trust-pickle is for files of this machine; what comes from an address is never unpickled.")
    env_kwargs = env_kwargs_from_flags(arguments, given)
    if arguments.viewer == "none":
        return _play(arguments, specs, env_kwargs, None)
    if not arguments.wait:
        _check_named(specs, arguments.log_dir)
    if arguments.env is not None:
        from environments.registry import find_env

        find_env(arguments.env)
    if arguments.viewer == "native":
        from rl_baselines.play.native.display import check_display

        check_display()  # before anything heavy is loaded
        return _play(arguments, specs, env_kwargs, None)

    from rl_baselines.play.web.front import Front

    with closing(Front(_say, arguments.port)) as front:  # before torch is loaded, which takes seconds
        _say(f"watch it at {front.address} (only from this machine; Ctrl-C ends it)")
        return _play(arguments, specs, env_kwargs, front)


def _check_named(specs: Collection[str], log_dir: Path) -> None:
    """Refuse what is not there before a page opens."""
    from rl_baselines.play.policies.sources import find_named

    for spec in specs:
        if not is_address(spec):
            with contextlib.redirect_stderr(io.StringIO()):  # which run was meant is said when it is taken
                find_named(spec, log_dir)


def _play(
    arguments: argparse.Namespace, specs: Collection[str], env_kwargs: dict[str, Any], front: "Front | None"
) -> int:
    from rl_baselines.play.core.beginning import Tools, begin
    from rl_baselines.play.core.saved import go_to, read_saved
    from srl3.runtime.signals import StopRequest
    from srl3.runtime.threads import torch_threads

    with torch_threads(images=False):
        saved = None if arguments.state is None else read_saved(arguments.state)
        wanted = _wanted(arguments, specs, env_kwargs)
        if saved is not None:
            wanted = _of_moment(wanted, saved)
        player = begin(wanted, Tools(say=_say if front is None else front.say))
        with (
            closing(player),
            closing(_viewer(arguments, player, front)) as viewer,
            StopRequest(None, leave=sys.exit) as stop,
        ):
            if saved is not None:
                go_to(player, saved)
            player.run(viewer, lambda: stop.requested)
            return stop.exit_status


def _serve(arguments: argparse.Namespace, given: set[str]) -> int:
    taken = {"serve", "run", "log_dir", "port", "token_file", "wait"}
    if arguments.run is None or given - taken:
        refused = sorted(f"--{name.replace('_', '-')}" for name in given - taken)
        said = f", and takes no {refused[0]}" if refused else ""
        raise UserError(f"--serve offers the run that --run names{said}.")

    from rl_baselines.play.remote.command import serve

    return serve(arguments.run, arguments.log_dir, arguments.port, arguments.token_file, arguments.wait, _say)


def _wanted(arguments: argparse.Namespace, specs: Collection[str], env_kwargs: dict[str, Any]) -> "Wanted":
    from rl_baselines.play.core.beginning import Wanted
    from rl_baselines.play.remote.command import read_token

    return Wanted(
        specs=list(specs),
        log_dir=arguments.log_dir,
        wait=arguments.wait,
        env=arguments.env,
        algo=arguments.algo,
        trust_pickle=arguments.trust_pickle,
        env_kwargs=env_kwargs,
        robots=arguments.num_envs,
        seed=secrets.randbelow(2**31) if arguments.seed == -1 else arguments.seed,
        device=arguments.device,
        speed=arguments.speed,
        deterministic=True if arguments.deterministic else False if arguments.stochastic else None,
        reset_on_load=arguments.reset_on_load,
        pictures=arguments.viewer == "web",
        token="" if arguments.token_file is None else read_token(arguments.token_file),
    )


def _of_moment(wanted: "Wanted", saved: "Saved") -> "Wanted":
    """With the world, number of robots and, where none are named, the policies of a saved moment."""
    missing = next((each for each in saved.policies if each not in AGENT_NAMES and not Path(each).is_file()), None)
    if not wanted.specs and missing is not None:
        raise UserError(f"the checkpoint {missing} of the saved moment is not there; name policies with --compare.")
    setting = saved.setting
    return dataclasses.replace(
        wanted,
        specs=wanted.specs or saved.policies,
        env=setting.env_id,
        env_kwargs={**setting.env_kwargs, **wanted.env_kwargs},
        robots=setting.robots,
        seed=setting.seed,
    )


def _viewer(arguments: argparse.Namespace, player: "Player", front: "Front | None") -> "Viewer":
    if arguments.viewer == "native":
        from rl_baselines.play.native.window import Window

        return Window(player, arguments.fps)
    if front is None:
        from rl_baselines.play.headless import Lines

        return Lines(arguments.json, arguments.num_episodes)
    from rl_baselines.play.web.page import Page

    return Page(player, front.take(), arguments.fps)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
