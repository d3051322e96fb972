"""From what the user named to a `Player`: runs and first checkpoints are waited for, worlds are made of the first."""

import contextlib
import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gymnasium import spaces

from environments.config import flatten
from environments.flags import make_config
from environments.registry import canonical_id
from rl_baselines.checkpoints.foreign.said import Said
from rl_baselines.play.core.player import Player
from rl_baselines.play.core.slots import MAX_SLOTS, Slot
from rl_baselines.play.core.stage import Setting
from rl_baselines.play.policies.agents import AGENTS, ZeroAgent
from rl_baselines.play.policies.loader import Loaded, Loader, Wish
from rl_baselines.play.policies.sources import LOOK_SECONDS, Patience, Source, find_named, wait_for_source
from rl_baselines.play.policies.state_file import MANUAL, read_choice
from rl_baselines.play.policies.watcher import Watcher, signature
from rl_baselines.play.remote.client import is_address
from rl_baselines.play.remote.connect import Mirrors
from rl_baselines.vec_envs.wrappers.named import NONE, Wrappers
from srl3.errors import UserError
from srl3.runtime.devices import check_device


@dataclass(frozen=True)
class Wanted:
    """What the user asked for."""

    specs: Sequence[str]
    """a run, checkpoint or agent for each slot"""
    log_dir: Path
    wait: bool = False
    """for runs that are not there yet"""
    env: str | None = None
    """the world, where no checkpoint says it"""
    algo: str | None = None
    """the algorithm of models that SRL3 did not train"""
    trust_pickle: bool = False
    """whether their pickles may be opened"""
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    """over those of the run"""
    robots: int = 1
    """in each slot"""
    seed: int = 0
    device: str = "cpu"
    speed: float = 1.0
    deterministic: bool | None = None
    reset_on_load: bool = False
    pictures: bool = False
    """whether the world draws"""
    token: str = ""
    """of the machines that offer runs, where they want one"""


@dataclass(frozen=True)
class Tools:
    """What passes the time; tests have their own."""

    say: Callable[[str], None] = print
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep


def begin(wanted: Wanted, tools: Tools | None = None) -> Player:
    """Find what is named, wait for it where that is wanted, load the first checkpoint, make the world.

    Raises:
        UserError: for what can't be found, loaded or made; see `rl_baselines.runs.run_folder.find_run`.
    """
    tools = tools or Tools()
    if not 1 <= len(wanted.specs) <= MAX_SLOTS:
        raise UserError(f"up to {MAX_SLOTS} policies are shown side by side, not {len(wanted.specs)}.")
    check_device(wanted.device)
    mirrors = Mirrors(wanted.log_dir, wanted.token, wanted.wait, tools.say, tools.clock, tools.sleep)
    with contextlib.ExitStack() as undo:
        undo.callback(mirrors.close)
        sources = [_source(spec, wanted, tools, mirrors) for spec in wanted.specs]
        loader = Loader(wanted.device, Said(wanted.algo, wanted.env, wanted.env_kwargs, wanted.trust_pickle))
        undo.callback(loader.close)
        player = _with_loader(wanted, sources, loader, tools)
        undo.pop_all()  # the player closes them
        return player


def _with_loader(wanted: Wanted, sources: list[Source], loader: Loader, tools: Tools) -> Player:
    first = next((number for number, source in enumerate(sources) if not source.agent), None)
    if first is None:
        if wanted.env is None:
            raise UserError("agents without a checkpoint need a world; name one with --env.")
        loaded, env_id, base, wrappers = None, canonical_id(wanted.env), {}, NONE
    else:
        loaded = _first_checkpoint(sources[first], first, wanted.seed, loader, tools)
        assert loaded.info is not None
        env_id, base = loaded.info.env_id, loaded.info.env_kwargs_planned
        wrappers = Wrappers.of(loaded.info.hyperparams)
        if wanted.env is not None and canonical_id(wanted.env) != env_id:
            raise UserError(f"{sources[first].name} is of {env_id}, not of {wanted.env}; leave out --env.")
    config = make_config(env_id, {**base, **wanted.env_kwargs}).holding(flatten(wanted.env_kwargs))
    if loaded is not None and config.srl_model != base["srl_model"]:
        raise UserError(f"the policy observes {base['srl_model']}, and can't act from {config.srl_model}.")
    setting = Setting(env_id, config.as_dict(), len(sources), wanted.robots, wanted.seed, wanted.pictures, wrappers)
    slots = _slots(sources, spaces.Discrete(1))
    player = Player(
        setting,
        slots,
        loader,
        speed=wanted.speed,
        deterministic=wanted.deterministic,
        reset_on_load=wanted.reset_on_load,
        clock=tools.clock,
    )
    for slot in slots:
        slot.agent = AGENTS.get(slot.source.agent, ZeroAgent)(player.stage.action_space)
        slot.agent.seed(wanted.seed)
    if first is not None:
        assert loaded is not None
        if slots[first].wanted != loaded.wish.path:  # chosen by the run's state file
            slots[first].mode, slots[first].chosen = MANUAL, loaded.wish.path
        event = player.controller.put_in(first, loaded, tools.clock())
        if slots[first].problem or event is None:
            player.stage.close()
            raise UserError(slots[first].problem)
        player.news.append(event)
        try:
            for slot in slots[first + 1 :]:
                _put_in_if_there(player, slot, tools)
        except UserError:
            player.stage.close()
            raise
        player.follow_curriculum()
        player.stage.begin(wanted.seed)  # in that stage
    return player


def _put_in_if_there(player: Player, slot: Slot, tools: Tools) -> None:
    """Let a slot's checkpoint act from the first step; one that a run does not have yet comes later."""
    path = slot.wanted
    found = None if path is None else signature(path)
    if path is None or found is None:
        return
    loaded = player.loader.load_now(Wish(slot.number, path, found, player.stage.setting.seed))
    if loaded.actor is None and slot.source.file is None:  # its run may write another
        return
    event = player.controller.put_in(slot.number, loaded, tools.clock())
    if slot.problem or event is None:
        raise UserError(slot.problem)
    player.news.append(event)


def _source(spec: str, wanted: Wanted, tools: Tools, mirrors: Mirrors) -> Source:
    if is_address(spec):
        return mirrors.source(spec)
    if wanted.wait:
        return wait_for_source(spec, wanted.log_dir, tools.say, tools.clock, tools.sleep)
    return find_named(spec, wanted.log_dir)


def _slots(sources: list[Source], anything: spaces.Space[Any]) -> list[Slot]:
    """One for each source; those of a run follow a state file each, and their names say which one."""
    seen: Counter[Path] = Counter()
    slots = []
    for number, source in enumerate(sources):
        place = None
        if source.run is not None and source.file is None:
            path = source.run.path.resolve()
            seen[path] += 1
            place = seen[path]
            if place > 1:
                source = dataclasses.replace(source, name=f"{source.name} ({place})")
        slots.append(Slot(number, source, ZeroAgent(anything), place))
    return slots


def _first_checkpoint(source: Source, slot: int, seed: int, loader: Loader, tools: Tools) -> Loaded:
    """What tells the world: the chosen or newest checkpoint, waited for where its run has none yet.

    Torch is warm afterwards, so that later loads take no time.
    """
    chosen = source.file or _chosen(source)
    watcher, patience, problem = None, None, ""
    while True:
        path = chosen or source.newest()
        if watcher is None or watcher.path != path:
            watcher = Watcher(path)
        found = watcher.look(tools.clock())
        if found is not None:
            loaded = loader.load_now(Wish(slot, path, found, seed))
            if loaded.actor is not None:
                return loaded
            if source.run is None or source.file is not None:
                raise UserError(loaded.problem)
            if loaded.problem != problem:
                tools.say(loaded.problem)
            problem = loaded.problem
        elif not watcher.present and patience is None:
            patience = Patience(f"the first checkpoint of {source.name}, {path}", tools.say, tools.clock())
        if source.link is not None and source.link.problem not in ("", problem):
            problem = source.link.problem
            tools.say(problem)
        if patience is not None:
            patience.still(tools.clock())
        tools.sleep(LOOK_SECONDS / 10 if watcher.present else LOOK_SECONDS)


def _chosen(source: Source) -> Path | None:
    if source.run is None:
        return None
    try:
        return read_choice(source.run).checkpoint
    except UserError:  # the controller says so
        return None
