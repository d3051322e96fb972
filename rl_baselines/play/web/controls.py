"""The panels that steer: time, robots, seeds, commands, pushes, the camera."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rl_baselines.play.core.player import Player
from rl_baselines.play.core.steering import PUSH_SPEED, SPEEDS, push, set_speed, speed_name

ACTIONS = {"as in training": None, "most probable": True, "drawn": False}
MAX_SEED = 2**32 - 1
LOOK_SECONDS = 0.5
"""between two looks at the commands that the world draws"""
PULL_RATE, PULL_SPEED = 3.0, 3.0
"""m/s that a robot gets for each metre that it is dragged, and at most"""


class Controls:
    """Time and robots. Callbacks only post to the player.

    Args:
        gui: viser's.
        player: steered.
        changed: called in the player's thread when the world has been made anew.
        follow: called in the player's thread with whether the camera follows.
    """

    def __init__(self, gui: Any, player: Player, changed: Callable[[], None], follow: Callable[[bool], None]) -> None:
        self._player = player
        self._changed = changed
        self._pause = gui.add_button("Pause", hint="key P")
        self._step = gui.add_button("Single step", hint="pauses, and makes one step")
        self._speeds = {**SPEEDS}
        speed = speed_name(player.pace.speed)
        self._speeds[speed] = player.pace.speed
        self._speed = gui.add_dropdown("Speed", tuple(self._speeds), initial_value=speed)
        self._reset = gui.add_button("Reset", hint="new episodes, from the seed")
        self._seed = gui.add_number("Seed", player.stage.setting.seed, min=0, max=MAX_SEED, step=1)
        self._robots = gui.add_slider(
            "Robots of each policy", 1, max(16, player.stage.setting.robots), 1, player.stage.setting.robots
        )
        acting = next(name for name, value in ACTIONS.items() if value == player.deterministic)
        self._acting = gui.add_dropdown("Actions", tuple(ACTIONS), initial_value=acting)
        walks = player.stage.can_be_pushed
        self._follow = gui.add_checkbox("Follow the robots", walks, hint="each stays where it is seen", visible=walks)
        self._end = gui.add_button("End play", hint="key Esc; the command ends", color="red")
        self._pause.on_click(lambda _: player.post(self.toggle_pause))
        self._step.on_click(lambda _: player.post(self._single_step))
        self._speed.on_update(lambda _: player.post(self._set_speed))
        self._reset.on_click(lambda _: player.post(self._begin))
        self._seed.on_update(lambda event: self._asked(event, self._begin))
        self._robots.on_update(lambda event: self._asked(event, self._set_robots))
        self._acting.on_update(lambda _: player.post(self._set_acting))
        self._follow.on_update(lambda _: player.post(lambda: follow(self._follow.value)))
        self._end.on_click(lambda _: player.end())
        _add_keys(gui, player, self.toggle_pause)

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        self._player.paused = not self._player.paused
        self._pause.label = "Go on" if self._player.paused else "Pause"

    def _single_step(self) -> None:
        if not self._player.paused:
            self.toggle_pause()
        self._player.step()

    def _set_speed(self) -> None:
        set_speed(self._player, self._speeds[self._speed.value])

    def _asked(self, event: Any, do: Callable[[], None]) -> None:
        """What a visitor asks for is done; that a number was put back asks for nothing."""
        if event.client is not None:
            self._player.post(do)

    def _begin(self) -> None:
        """New episodes from the seed; a number that is none is put back."""
        player, seed = self._player, int(self._seed.value)
        if 0 <= seed <= MAX_SEED:
            player.notes = ""
            player.begin(seed)
        else:
            player.notes = f"{seed} is not a seed; seeds go from 0 to {MAX_SEED}."
            self._seed.value = player.stage.setting.seed

    def _set_robots(self) -> None:
        """A number that is refused is put back; where it stays as it is nothing is drawn anew."""
        before = self._player.stage
        self._player.set_robots(int(self._robots.value))
        if self._player.stage is not before:
            self._changed()
        else:
            self._robots.value = before.setting.robots

    def _set_acting(self) -> None:
        self._player.deterministic = ACTIONS[self._acting.value]


class RobotControls:
    """Commands and pushes, in worlds that have them; nothing in others.

    Args:
        gui: viser's.
        player: steered.
    """

    def __init__(self, gui: Any, player: Player) -> None:
        self._player = player
        terms = player.stage.command_terms()
        self._terms = terms
        self._sliders: list[Any] = []
        self._next_look = -float("inf")
        if terms:
            self._told = gui.add_checkbox(
                "Command the robots", False, hint="else the world draws its commands, and the sliders show them"
            )
            self._shown = self._present(0)
            for term, value in zip(terms, self._shown, strict=True):
                label = f"{term.name} ({term.unit})" if term.unit else term.name
                self._sliders.append(gui.add_slider(label, term.low, term.high, term.finest, value))
                self._sliders[-1].on_update(self._moved)
            self._told.on_update(lambda _: player.post(self.tell))
        if player.stage.can_be_pushed:
            pushes = gui.add_button_group(
                "Push", ("←", "↑", "↓", "→"), hint=f"{PUSH_SPEED} m/s, all robots; or drag one with Shift"
            )
            ways = {"←": (-1, 0), "→": (1, 0), "↑": (0, 1), "↓": (0, -1)}

            def pushed(event: Any) -> None:
                x, y = ways[event.target.value]
                player.post(lambda: push(player, x, y))

            pushes.on_click(pushed)

    def pull(self, row: int, way: np.ndarray) -> None:
        """Push one robot as it was dragged.

        Args:
            row: its number.
            way: ``(3,)`` metres.
        """
        velocity = PULL_RATE * way
        velocity *= min(1.0, PULL_SPEED / max(float(np.linalg.norm(velocity)), 1e-9))
        if row < self._player.stage.count:
            self._player.stage.push(velocity.tolist(), row)

    def update(self, row: int, now: float) -> None:
        """Let the sliders show what a robot is commanded, unless a person commands.

        Args:
            row: the robot's number.
            now: seconds of the player's clock.
        """
        if not self._sliders or now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        if self._told.value or [slider.value for slider in self._sliders] != self._shown:  # a person moves one
            return
        self._shown = self._present(row)
        for slider, value in zip(self._sliders, self._shown, strict=True):
            slider.value = value

    def _present(self, row: int) -> list[float]:
        command = self._player.stage.command(row)
        return [
            min(max(round(value, 3), term.low), term.high) for value, term in zip(command, self._terms, strict=True)
        ]

    def _moved(self, event: Any) -> None:
        """A person who moves a slider commands; what `update` shows comes from nobody."""
        if event.client is not None:
            self._told.value = True
            self._player.post(self.tell)

    def tell(self) -> None:
        """Give the sliders' values to the robots, or let the world draw its own."""
        if self._sliders:
            values = [
                min(term.high, max(term.low, slider.value))
                for term, slider in zip(self._terms, self._sliders, strict=True)
            ]
            self._player.stage.set_command(values if self._told.value else None)
            self._shown = [slider.value for slider in self._sliders]


def _add_keys(gui: Any, player: Player, pause: Callable[[], None]) -> None:
    keys = (
        ("Pause or go on", "P", lambda: player.post(pause)),
        ("Reload the checkpoints", "R", lambda: player.post(player.controller.reload)),
        ("End play", "escape", player.end),
    )
    for label, key, do in keys:
        gui.add_command(label, hotkey=key).on_trigger(lambda _, do=do: do())
