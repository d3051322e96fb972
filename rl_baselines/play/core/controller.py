"""Which checkpoint acts in which slot: looked at between two steps, never during one."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.play.core.events import Event
from rl_baselines.play.core.slots import Slot
from rl_baselines.play.policies.loader import Loaded, Loader, Wish
from rl_baselines.play.policies.state_file import AUTO, MANUAL, Choice, write_choice
from rl_baselines.play.policies.watcher import Watcher
from srl3.errors import UserError

LOOK_SECONDS = 0.1
"""between two looks at the files"""
WRITER = "rl_baselines.play"


class Controller:
    """Lets slots follow their checkpoints. All methods are for the thread that steps the world.

    Args:
        slots: by number.
        loader: loads for all of them.
        check: raises `UserError`, with its file's name, for a checkpoint that can't act in the world that is shown.
        seed: of drawn actions.
    """

    def __init__(
        self, slots: Sequence[Slot], loader: Loader, check: Callable[[Path, CheckpointInfo, Actor], None], seed: int
    ) -> None:
        self.slots = list(slots)
        self.loader = loader
        self.seed = seed
        self._check = check
        self._next_look = -float("inf")

    def tick(self, now: float) -> list[Event]:
        """Look at the files when it is time, and let what has been loaded act from here on.

        An episode in progress goes on; what a recurrent policy remembers begins with it.

        Args:
            now: seconds of a monotonic clock.

        Returns:
            What has happened: ``loaded``, ``problem``, ``choice`` and ``link``.
        """
        events = [event for loaded in self.loader.take() if (event := self._put_in(loaded, now)) is not None]
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            for slot in self.slots:
                events += self._look(slot, now)
        return events

    def follow(self, number: int) -> None:
        """Let a slot follow its newest checkpoint."""
        self._choose(self.slots[number], None)

    def show(self, number: int, checkpoint: Path) -> None:
        """Let a slot show one of its checkpoints (`Source.checkpoints`)."""
        slot = self.slots[number]
        if checkpoint in slot.source.checkpoints():
            self._choose(slot, checkpoint)
        else:
            slot.problem = f"{checkpoint.name} is no longer there; choose another checkpoint."

    def reload(self) -> None:
        """Load all checkpoints once more, changed or not."""
        for slot in self.slots:
            slot.watcher = None
        self._next_look = -float("inf")

    def put_in(self, number: int, loaded: Loaded, now: float) -> Event | None:
        """Let what was loaded elsewhere act in a slot, whose file is watched from that state on."""
        slot = self.slots[number]
        slot.watcher = Watcher(loaded.wish.path)
        slot.watcher.told = loaded.wish.signature
        return self._put_in(loaded, now)

    def _choose(self, slot: Slot, checkpoint: Path | None) -> None:
        slot.mode, slot.chosen = (AUTO, None) if checkpoint is None else (MANUAL, checkpoint)
        slot.problem = ""
        self._next_look = -float("inf")
        if slot.choices is None:
            return
        try:
            write_choice(slot.choices.run, Choice(slot.mode, checkpoint, WRITER), slot.choices.place)
        except OSError as error:
            slot.problem = f"{slot.choices.path} can't be written ({error.strerror})."

    def _look(self, slot: Slot, now: float) -> list[Event]:
        events = self._look_at_link(slot)
        if slot.choices is not None:
            before = slot.choices.problem
            choice = slot.choices.look(now)
            if choice is not None and (choice.mode, choice.checkpoint) != (slot.mode, slot.chosen):
                slot.mode, slot.chosen = choice.mode, choice.checkpoint
                named = "the newest" if choice.checkpoint is None else choice.checkpoint.name
                data = {"mode": choice.mode, "checkpoint": str(choice.checkpoint or ""), "writer": choice.writer}
                events.append(Event("choice", slot.number, f"{choice.writer or 'somebody'} chose {named}", data))
            elif slot.choices.problem and slot.choices.problem != before:
                events.append(self._problem(slot, slot.choices.problem))
        wanted = slot.wanted
        if wanted is None:
            return events
        if slot.watcher is None or slot.watcher.path != wanted:
            slot.watcher = Watcher(wanted)
        was_there = slot.watcher.present
        changed = slot.watcher.look(now)
        if changed is not None:
            self.loader.wish(Wish(slot.number, wanted, changed, self.seed))
        elif was_there and not slot.watcher.present:
            said = (
                f"{wanted.name} is gone; its policy goes on acting." if wanted == slot.shown else f"{wanted} is gone."
            )
            events.append(self._problem(slot, said))
        return events

    def _look_at_link(self, slot: Slot) -> list[Event]:
        """What brings the run here says when it can't, and when it can again."""
        problem = "" if slot.source.link is None else slot.source.link.problem
        before, slot.link_problem = slot.link_problem, problem
        if problem == before:
            return []
        if problem:
            return [Event("problem", slot.number, problem, {"problem": problem})]
        return [Event("link", slot.number, f"{slot.source.name} is up to date again")]

    def _put_in(self, loaded: Loaded, now: float) -> Event | None:
        slot = self.slots[loaded.wish.slot]
        if slot.wanted != loaded.wish.path:  # something else has been chosen meanwhile
            if loaded.actor is not None:
                self.loader.keep(slot.number, loaded.actor)
            return None
        if loaded.actor is None or loaded.info is None:
            return self._problem(slot, loaded.problem)
        try:
            self._check(loaded.wish.path, loaded.info, loaded.actor)
        except UserError as error:
            return self._problem(slot, str(error))
        if isinstance(slot.agent, Actor):
            self.loader.keep(slot.number, slot.agent)
        slot.agent, slot.info, slot.shown = loaded.actor, loaded.info, loaded.wish.path
        slot.loaded_at, slot.problem = now, ""
        slot.statistics.begin_anew()
        text = f"{loaded.wish.path.name} of {slot.source.name} acts: {loaded.info.num_timesteps:,} steps trained"
        data = {
            "checkpoint": str(loaded.wish.path),
            "trained_steps": loaded.info.num_timesteps,
            "seconds": round(loaded.seconds, 3),
        }
        return Event("loaded", slot.number, text, data)

    def _problem(self, slot: Slot, sentence: str) -> Event:
        slot.problem = sentence
        return Event("problem", slot.number, sentence, {"problem": sentence})
