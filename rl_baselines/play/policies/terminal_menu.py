"""A menu in a terminal over a run's state file: the same list and modes as the page's panel."""

import re
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rl_baselines.play.policies.labels import checkpoint_label, printable
from rl_baselines.play.policies.sources import Source
from rl_baselines.play.policies.state_file import AUTO, MANUAL, Choice, read_choice, write_choice
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError

REFRESH_SECONDS = 5.0
HELP = "a: Auto · 1, 2 …: show that one · /TEXT: only names with TEXT · s2: slot 2 · Enter: refresh · q: quit"
SLOT = re.compile(r"s *([1-9]|1[0-6])")
"""what chooses the slot that is steered"""
WRITER = "rl_baselines.checkpoint_panel"


class Menu:
    """Lists a run's checkpoints and writes what is chosen.

    Args:
        run: whose.
        place: of the slot that is steered, among those that show this run side by side, from 1 on.
    """

    def __init__(self, run: RunFolder, place: int = 1) -> None:
        self.run_folder = run
        self.place = place
        self.filter = ""
        self.said = ""
        self._source = Source(run.path.name, run)

    def checkpoints(self) -> list[Path]:
        """Those that the filter lets through, newest first."""
        return [path for path in self._source.checkpoints() if self.filter in path.name.lower()]

    def named(self, text: str) -> list[Path]:
        """Checkpoints of this name; where there is none, those that have it in their names."""
        paths = self._source.checkpoints()
        exact = [path for path in paths if text in (path.name, path.stem)]
        return exact or [path for path in paths if text in path.name]

    def text(self) -> str:
        """The mode and the list."""
        try:
            choice = read_choice(self.run_folder, self.place)
            problem = ""
        except UserError as error:
            choice, problem = Choice(AUTO, None), f"\n  {error}"
        if choice.checkpoint is None:
            mode = "Auto: the newest checkpoint is followed"
        else:
            mode = f"Manual: {printable(choice.checkpoint.name)}"
        lines = [f"{self.run_folder.path}{self._slot}\n{mode}{problem}"]
        for number, path in enumerate(self.checkpoints(), start=1):
            mark = "*" if choice.checkpoint is not None and path.name == choice.checkpoint.name else " "
            lines.append(f"{mark}{number:3d}  {checkpoint_label(path, self.run_folder.path, time.time())}")
        if len(lines) == 1:
            lines.append("  no checkpoint yet" if not self.filter else f"  no checkpoint with '{self.filter}'")
        return "\n".join(lines)

    def follow(self) -> None:
        """Let the newest be followed."""
        write_choice(self.run_folder, Choice(AUTO, None, WRITER), self.place)
        self.said = f"the newest checkpoint is followed{self._slot}"

    def show(self, checkpoint: Path) -> None:
        """Let this one be shown."""
        write_choice(self.run_folder, Choice(MANUAL, checkpoint, WRITER), self.place)
        self.said = f"{printable(checkpoint.name)} is shown{self._slot}"

    def do(self, line: str) -> bool:
        """What a line of the user asks for; False to end."""
        word = line.strip()
        listed = self.checkpoints()
        self.said = ""
        if word.lower() in ("q", "quit", "exit"):
            return False
        if word.lower() in ("a", "auto"):
            self.follow()
        elif word.startswith("/"):
            self.filter = word[1:].strip().lower()
        elif word.isdecimal() and 1 <= int(word) <= len(listed):
            self.show(listed[int(word) - 1])
        elif place := SLOT.fullmatch(word.lower()):
            self.place = int(place[1])
        elif word:
            self.said = f"'{printable(word)}' is nothing to choose"
        return True

    @property
    def _slot(self) -> str:
        return "" if self.place == 1 else f", slot {self.place} of this run"

    def run(self, wait: "Callable[[], str | None] | None" = None) -> None:
        """Show the menu until the user ends it, anew whenever the list changes.

        Args:
            wait: gives the next line, None when there was none for a while, and raises `EOFError` at the end.
        """
        wait = wait or _next_line
        shown = ""
        while True:
            text = self.text()
            if text != shown or self.said:
                print(f"\n{text}\n{HELP}" + (f"\n→ {self.said}" if self.said else ""), flush=True)
                shown, self.said = text, ""
            try:
                line = wait()
            except EOFError:
                return
            if line is not None and not self.do(line):
                return


def _next_line() -> str | None:
    ready, _, _ = select.select([sys.stdin], [], [], REFRESH_SECONDS)
    if not ready:
        return None
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
