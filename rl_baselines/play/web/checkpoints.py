"""The panel that chooses checkpoints: a list, newest first, with Auto and Manual."""

import time
from pathlib import Path
from typing import Any

from rl_baselines.play.core.player import Player
from rl_baselines.play.core.slots import Slot
from rl_baselines.play.policies.labels import checkpoint_label
from rl_baselines.play.policies.state_file import AUTO
from rl_baselines.play.web.texts import current_checkpoint

REFRESH_SECONDS = 5.0
NOTHING = "no checkpoint fits the filter"
MODES = ("Auto", "Manual")


class CheckpointPanel:
    """Which checkpoint acts in which slot. Callbacks only post to the player.

    Args:
        gui: viser's.
        player: steered.
    """

    def __init__(self, gui: Any, player: Player) -> None:
        self._player = player
        self._number = 0
        self._paths: dict[str, Path] = {}
        self._newest: Path | None = None
        self._next_refresh = 0.0
        self._slot = None
        if len(player.slots) > 1:
            names = tuple(f"{slot.number + 1}: {slot.source.name}" for slot in player.slots)
            self._slot = gui.add_dropdown("Slot", names, hint="whose checkpoints are listed below")
            self._slot.on_update(lambda _: player.post(self._choose_slot))
        self._mode = gui.add_button_group("Mode", MODES, hint="Auto follows the newest checkpoint; Manual stays")
        self._mode_text = gui.add_markdown("")
        self._filter = gui.add_text("Filter", "", hint="part of a checkpoint's name")
        self._list = gui.add_dropdown("Checkpoints", (NOTHING,), hint="newest first: name (size) - time")
        self._refresh = gui.add_button("Refresh List")
        self._load = gui.add_button("Load Selected")
        self._current = gui.add_markdown("")
        self._reset = gui.add_checkbox("Reset on load", player.reset_on_load, hint="new episodes with each checkpoint")
        self._mode.on_click(lambda _: player.post(self._set_mode))
        self._filter.on_update(lambda _: player.post(self.refresh))
        self._refresh.on_click(lambda _: player.post(self.refresh))
        self._load.on_click(lambda _: player.post(self._load_selected))
        self._reset.on_update(lambda _: player.post(self._set_reset))

    @property
    def slot(self) -> Slot:
        """The slot that the panels speak of."""
        return self._player.slots[self._number]

    def update(self, now: float) -> None:
        """Bring texts up to date, and the list when it is time."""
        if now >= self._next_refresh:
            self._next_refresh = now + REFRESH_SECONDS
            self.refresh()
        slot = self.slot
        _set(self._current, "content", f"**Current Checkpoint**\n\n{current_checkpoint(slot, now)}")
        mode = "follows the newest checkpoint" if slot.mode == AUTO else "stays with the chosen checkpoint"
        _set(self._mode_text, "content", f"**{MODES[slot.mode != AUTO]}**: {mode}")
        for handle in (self._mode, self._mode_text, self._list, self._load, self._refresh, self._filter, self._reset):
            _set(handle, "visible", not slot.source.agent)

    def refresh(self) -> None:
        """List the checkpoints that are there now."""
        slot = self.slot
        folder = None if slot.source.run is None else slot.source.run.path
        wanted = self._filter.value.strip().lower()
        now = time.time()
        chosen = self._paths.get(self._list.value)
        self._paths = {
            checkpoint_label(path, folder, now): path
            for path in slot.source.checkpoints()
            if wanted in path.name.lower()
        }
        newest = next(iter(self._paths.values()), None)
        if chosen == self._newest:  # as long as nobody chooses another
            chosen = newest
        self._newest = newest
        options = tuple(self._paths) or (NOTHING,)
        selected = next((label for label, path in self._paths.items() if path == chosen), options[0])
        if options != tuple(self._list.options):
            self._list.options = options
        _set(self._list, "value", selected)

    def _choose_slot(self) -> None:
        assert self._slot is not None
        self._number = int(self._slot.value.partition(":")[0]) - 1
        self.refresh()

    def _set_mode(self) -> None:
        if self._mode.value == MODES[0]:
            self._player.controller.follow(self._number)
        elif self.slot.shown is not None:
            self._player.controller.show(self._number, self.slot.shown)

    def _load_selected(self) -> None:
        path = self._paths.get(self._list.value)
        if path is not None:
            self._player.controller.show(self._number, path)

    def _set_reset(self) -> None:
        self._player.reset_on_load = self._reset.value


def _set(handle: Any, name: str, value: Any) -> None:
    """Set a property if it has another value: each setting is a message to all pages."""
    if getattr(handle, name) != value:
        setattr(handle, name, value)
