"""A follower without a window: what happens, line by line, for people or (JSON) for programs."""

import json

from rl_baselines.play.core.events import Event
from rl_baselines.play.core.player import Player
from rl_baselines.play.policies.labels import printable


class Lines:
    """A viewer that prints each event; it looks all the time.

    Args:
        as_json: an object in each line instead of a sentence.
        num_episodes: of all slots together, after which it ends; None: never.
    """

    def __init__(self, as_json: bool = False, num_episodes: int | None = None) -> None:
        self._as_json = as_json
        self._left = num_episodes

    def watched(self) -> bool:
        return True

    def show(self, player: Player, now: float) -> None:
        """There is nothing to draw."""

    def event(self, player: Player, event: Event) -> None:
        if self._left == 0:
            return
        print(json.dumps(event.as_dict()) if self._as_json else printable(event.text), flush=True)
        if event.kind == "episode" and self._left is not None:
            self._left -= 1
            if self._left == 0:
                player.end()

    def close(self) -> None:
        """Nothing is open."""
