"""What the keys of MuJoCo's own window do: those that MuJoCo leaves free. Needs no display."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rl_baselines.play.core import steering
from rl_baselines.play.core.player import Player
from rl_baselines.play.policies.state_file import AUTO

Do = Callable[[], str]
"""does something, and says it"""


@dataclass(frozen=True)
class Key:
    """A key, or a few that belong together."""

    name: str
    does: str
    """for the help"""
    codes: tuple[int, ...]
    """GLFW's numbers"""


PAUSE = Key("Space", "pause, or go on", (32,))
STEP = Key("Right", "one step", (262,))
SPEED = Key("-  =", "slower, faster", (45, 61))
RESET = Key("Backspace", "new episodes from the seed", (259,))
CHECKPOINT = Key("Down  Up", "older, newer checkpoint", (264, 265))
AUTO_MANUAL = Key("Home  End", "Auto: the newest; Manual: stay", (268, 269))
RELOAD = Key("Enter", "load the checkpoints again", (257,))
SLOT = Key(".", "next slot, whose checkpoints are chosen", (46,))
PUSH = Key("6 7 8 9", "push to -x, +x, -y, +y", (54, 55, 56, 57))
COMMAND = Key("F8", "next command; after the last one the world's own", (297,))
CHANGE = Key("F9  F10", "lower, higher", (298, 299))
HELP = Key("F12", "hide or show these keys", (301,))
WAYS = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Keys:
    """Steers a player by keys. `pressed` may be called in any thread; the rest is for the player's.

    Args:
        player: steered.

    Attributes:
        slot: the number of the slot whose checkpoints are chosen.
        term: place of the command that is changed; None: the world draws its own.
        help_is_shown: whether the window lists the keys.
        said: what the last key did.
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self.slot = 0
        self.term: int | None = None
        self.help_is_shown = True
        self.said = ""
        self.offered = self._offered()
        self._does: dict[int, Do] = {}
        for key, does in self.offered:
            self._does |= dict(zip(key.codes, does, strict=True))

    def pressed(self, code: int) -> None:
        """A key was pressed: what it does is done between two steps."""
        if code in self._does:
            self._player.post(lambda: self._do(self._does[code]))

    def help(self) -> list[tuple[str, str]]:
        """The keys, and what they do in this world."""
        return [(key.name, key.does) for key, _ in self.offered]

    def state(self) -> list[tuple[str, str]]:
        """What is chosen, and what the last key did."""
        player, rows = self._player, []
        slot = player.slots[self.slot]
        name = f"slot {self.slot + 1}" if len(player.slots) > 1 else "checkpoint"
        if slot.source.agent:
            rows.append((name, f"{slot.source.agent}, without a checkpoint"))
        else:
            shown = "none yet" if slot.shown is None else slot.shown.name
            rows.append((name, f"{shown}, {'Auto' if slot.mode == AUTO else 'Manual'}"))
        rows.append(("speed", steering.speed_name(player.pace.speed)))
        terms = player.stage.command_terms()
        for place, (term, value) in enumerate(zip(terms, player.stage.command(self._row), strict=True)):
            rows.append((f"{'> ' if place == self.term else ''}{term.name}", f"{value:.2f} {term.unit}"))
        if self.said:
            rows.append(("", self.said))
        return rows

    def _offered(self) -> list[tuple[Key, tuple[Do, ...]]]:
        """Those that do something for these slots in this world."""
        player = self._player
        offered: list[tuple[Key, tuple[Do, ...]]] = [
            (PAUSE, (self._pause,)),
            (STEP, (lambda: steering.single_step(player),)),
            (SPEED, (lambda: steering.change_speed(player, -1), lambda: steering.change_speed(player, 1))),
            (RESET, (self._begin,)),
        ]
        if any(not slot.source.agent for slot in player.slots):
            offered += [
                (CHECKPOINT, (lambda: self._checkpoint(-1), lambda: self._checkpoint(1))),
                (
                    AUTO_MANUAL,
                    (
                        lambda: steering.follow_newest(player, self.slot),
                        lambda: steering.stay_with_shown(player, self.slot),
                    ),
                ),
                (RELOAD, (self._reload,)),
            ]
        if len(player.slots) > 1:
            offered.append((SLOT, (self._next_slot,)))
        if player.stage.can_be_pushed:
            offered.append((PUSH, tuple(partial(self._push, x, y) for x, y in WAYS)))
        if player.stage.command_terms():
            offered.append((COMMAND, (self._next_command,)))
            offered.append((CHANGE, (lambda: self._change(-1), lambda: self._change(1))))
        offered.append((HELP, (self._toggle_help,)))
        return offered

    @property
    def _row(self) -> int:
        """The first robot of the chosen slot."""
        return int(self._player.stage.rows(self.slot).start)

    def _do(self, does: Do) -> None:
        self.said = does()

    def _pause(self) -> str:
        self._player.paused = not self._player.paused
        return ""

    def _begin(self) -> str:
        self._player.begin(self._player.stage.setting.seed)
        return "new episodes"

    def _reload(self) -> str:
        self._player.controller.reload()
        return "the checkpoints are loaded again"

    def _checkpoint(self, by: int) -> str:
        return steering.change_checkpoint(self._player, self.slot, by)

    def _push(self, x: int, y: int) -> str:
        steering.push(self._player, x, y)
        return "pushed"

    def _next_slot(self) -> str:
        self.slot = (self.slot + 1) % len(self._player.slots)
        return ""

    def _next_command(self) -> str:
        terms = self._player.stage.command_terms()
        place = 0 if self.term is None else self.term + 1
        if place == len(terms):
            self.term = None
            self._player.stage.set_command(None)
            return "the world draws its commands"
        self.term = place
        return f"{CHANGE.name}: {terms[place].name}"

    def _change(self, by: int) -> str:
        if self.term is None:
            self.term = 0
        return steering.change_command(self._player, self.term, by, self._row)

    def _toggle_help(self) -> str:
        self.help_is_shown = not self.help_is_shown
        return ""
