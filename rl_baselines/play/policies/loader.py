"""Checkpoints become actors in a thread of its own, so that the world is stepped meanwhile."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.checkpoints.foreign.opened import open_checkpoint
from rl_baselines.checkpoints.foreign.said import NOTHING_SAID, Said
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.play.policies.watcher import Signature
from srl3.errors import UserError

KEPT = 4
"""checkpoints in memory, for other slots that want the same"""


@dataclass(frozen=True)
class Wish:
    """A checkpoint that a slot wants."""

    slot: int
    path: Path
    signature: Signature
    seed: int
    """of the actions that are drawn"""


@dataclass(frozen=True)
class Loaded:
    """What became of a wish."""

    wish: Wish
    actor: Actor | None
    """None where it could not be loaded"""
    info: CheckpointInfo | None
    problem: str
    """why, else empty"""
    seconds: float
    """that loading took"""


class Loader:
    """Loads what slots wish for, in a thread; of a slot's wishes the newest wins.

    What acted in a slot before is filled with the next checkpoint of the same training (`keep`), since to build a
    policy takes many times as long, and borrows the process's random numbers: who draws in another thread meanwhile
    holds `generators`.

    Args:
        device: torch device of the actors.
        said: by the user, of files that SRL3 did not write.
    """

    def __init__(self, device: str = "cpu", said: Said = NOTHING_SAID) -> None:
        self.generators = threading.Lock()
        self._device = device
        self._said = said
        self._spares: dict[int, Actor] = {}
        self._cache: OrderedDict[tuple[Path, Signature], Checkpoint] = OrderedDict()
        self._wishes: dict[int, Wish] = {}
        self._done: dict[int, Loaded] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="checkpoint loader", daemon=True)
        self._thread.start()

    def wish(self, wish: Wish) -> None:
        """Load this next for its slot; what the slot wished for before is forgotten."""
        with self._changed:
            self._wishes[wish.slot] = wish
            self._done.pop(wish.slot, None)
            self._changed.notify_all()

    def take(self) -> list[Loaded]:
        """What has been loaded since the last call."""
        with self._changed:
            done = list(self._done.values())
            self._done.clear()
        return done

    def wait(self, seconds: float) -> bool:
        """Until something can be taken, but no longer than so; whether there is something."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._done), seconds)

    def load_now(self, wish: Wish) -> Loaded:
        """The same in the calling thread, and what the slot's next load is quick by.

        The first load of a process takes seconds, for torch's own imports.
        """
        loaded = self._load(wish)
        if loaded.actor is not None and wish.slot not in self._spares:
            checkpoint = self._checkpoint(wish.path, wish.signature)
            with self.generators:
                self.keep(wish.slot, Actor.from_checkpoint(checkpoint, self._device, wish.seed))
        return loaded

    def keep(self, slot: int, actor: Actor) -> None:
        """Let this actor, which acts no longer, be what the slot's next checkpoint is put into."""
        self._spares[slot] = actor

    def close(self) -> None:
        """End the thread, once it has loaded what it is loading."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._wishes))
                if self._closed:
                    return
                wish = self._wishes.pop(next(iter(self._wishes)))
            loaded = self._load_safely(wish)
            with self._changed:
                if wish.slot not in self._wishes:
                    self._done[wish.slot] = loaded
                    self._changed.notify_all()
                elif loaded.actor is not None:  # a newer wish has come meanwhile
                    self.keep(wish.slot, loaded.actor)

    def _load_safely(self, wish: Wish) -> Loaded:
        try:
            return self._load(wish)
        except Exception as error:  # the thread must go on for the other slots; a file may hold anything
            return Loaded(wish, None, None, f"{wish.path} can't be loaded ({type(error).__name__}: {error}).", 0.0)

    def _load(self, wish: Wish) -> Loaded:
        start = time.perf_counter()
        try:
            checkpoint = self._checkpoint(wish.path, wish.signature)
            actor = self._filled(wish, checkpoint)
        except UserError as error:
            return Loaded(wish, None, None, str(error), time.perf_counter() - start)
        return Loaded(wish, actor, checkpoint.info, "", time.perf_counter() - start)

    def _filled(self, wish: Wish, checkpoint: Checkpoint) -> Actor:
        spare = self._spares.pop(wish.slot, None)
        if spare is None or not spare.take(checkpoint):
            with self.generators:
                spare = Actor.from_checkpoint(checkpoint, self._device, wish.seed)
        with self.generators:
            spare.seed(wish.seed)
        return spare

    def _checkpoint(self, path: Path, signature: Signature) -> Checkpoint:
        key = (path, signature)
        if key not in self._cache:
            self._cache[key] = open_checkpoint(path, self._said, only_to_act=True)
            while len(self._cache) > KEPT:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]
