"""`Player`: the loop that steps the world, lets policies be swapped between two steps, and feeds a viewer."""

import contextlib
import dataclasses
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from rl_baselines.acting.actor import Actor
from rl_baselines.acting.curricula import stay_at
from rl_baselines.acting.worlds import check_acts_in
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.play.core.controller import Controller
from rl_baselines.play.core.events import Event
from rl_baselines.play.core.pace import FULL, Pace, Rate
from rl_baselines.play.core.slots import Slot
from rl_baselines.play.core.stage import Ended, Setting, Stage
from rl_baselines.play.core.statistics import Episode
from rl_baselines.play.policies.loader import Loader
from srl3.errors import UserError

TURN_SECONDS = 0.03
"""for which steps are made, at most, before files and viewer get their turn"""
IDLE_SECONDS = 0.05
"""between two turns in which nothing is due"""


class Viewer(Protocol):
    """Shows what is played."""

    def watched(self) -> bool:
        """Whether anybody looks; while nobody does, nothing is stepped."""
        ...

    def show(self, player: "Player", now: float) -> None:
        """Draw, if it is time."""
        ...

    def event(self, player: "Player", event: Event) -> None:
        """Say what has happened."""
        ...

    def close(self) -> None:
        """Take the window away."""
        ...


class Player:
    """Slots, their world and the loop. Other threads speak to it through `post` only.

    Args:
        setting: the world.
        slots: what acts in it, by number.
        loader: of checkpoints.
        speed: of the world's time; `FULL` as fast as it goes.
        deterministic: the most probable actions, or drawn ones; None: each policy as its training judged it.
        reset_on_load: new episodes begin where another checkpoint is taken.
        clock: seconds, monotonic.

    Attributes:
        steps: made since the beginning, by all robots together.
        paused: nothing is stepped.
        actions: ``(n, …)`` of the last step.
        news: what the viewer is still to be told.
        notes: a line of the player's own for the viewer, such as why the number of robots can't be changed.
    """

    def __init__(
        self,
        setting: Setting,
        slots: list[Slot],
        loader: Loader,
        *,
        speed: float = 1.0,
        deterministic: bool | None = None,
        reset_on_load: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage = Stage(setting)
        self.slots = slots
        self.loader = loader
        self.controller = Controller(slots, loader, self._check, setting.seed)
        self.deterministic = deterministic
        self.reset_on_load = reset_on_load
        self.clock = clock
        self.pace = Pace(self.stage.step_seconds, speed)
        self.rate = Rate()
        self.steps = 0
        self.paused = False
        self.notes = ""
        self.actions: np.ndarray | None = None
        self.news: list[Event] = []
        self.ended = threading.Event()
        self.after_step: list[Callable[[list[Ended]], None]] = []
        self._posts: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake = threading.Event()

    # for other threads

    def post(self, do: Callable[[], None]) -> None:
        """Let the player's thread do this between two steps."""
        self._posts.put(do)
        self._wake.set()

    def end(self) -> None:
        """Leave the loop after this turn."""
        self.ended.set()
        self._wake.set()

    # the loop

    def run(self, viewer: Viewer, stop: Callable[[], bool] = bool) -> None:
        """Turn by turn until `end`, or until ``stop()``."""
        while not (self.ended.is_set() or stop()):
            self.turn(viewer)
            if not self.ended.is_set():
                self._wake.wait(self._pause(viewer))
                self._wake.clear()

    def turn(self, viewer: Viewer) -> None:
        """What other threads asked for, checkpoints, the steps that are due, and the viewer."""
        self._do_posts()
        events, self.news = [*self.news, *self.controller.tick(self.clock())], []
        for event in events:
            if event.kind == "loaded":
                self.follow_curriculum()
                if self.reset_on_load:
                    self.stage.begin_slot(event.slot)
            viewer.event(self, event)
        if self.paused or not viewer.watched():
            self.pace.pause()
        else:
            self._advance(viewer)
        viewer.show(self, self.clock())

    def follow_curriculum(self) -> None:
        """Let the worlds be in the stage of the curriculum that the furthest trained of the policies had reached."""
        reached = [slot.info.control_steps(slot.info.num_timesteps) for slot in self.slots if slot.info is not None]
        if reached:
            stay_at(self.stage.venv, max(reached))

    def step(self) -> list[Ended]:
        """One step of all robots; the episodes that ended with it."""
        parts = [self._act(slot) for slot in self.slots]
        self.actions = np.concatenate(parts)
        ended = self.stage.step(self.actions)
        self.steps += self.stage.count
        for each in ended:
            slot = self.slots[each.row // self.stage.setting.robots]
            row = each.row % self.stage.setting.robots
            slot.statistics.add(
                Episode(row, each.episode_return, each.length, each.success, each.terms, slot.trained_steps)
            )
        for listener in self.after_step:
            listener(ended)
        return ended

    # changes

    def begin(self, seed: int) -> None:
        """New episodes everywhere, drawn from ``seed``; drawn actions begin anew too."""
        self.controller.seed = seed
        self.stage.begin(seed)
        for slot in self.slots:
            slot.agent.reset()
            slot.agent.seed(seed)

    def set_robots(self, robots: int) -> None:
        """Another number of robots in each slot: the world is made anew, policies stay."""
        if robots == self.stage.setting.robots:
            self.notes = ""
            return
        if robots < 1:
            self.notes = f"{robots} robots can't be shown; each policy needs one at least."
            return
        setting = dataclasses.replace(self.stage.setting, robots=robots)
        try:
            stage = Stage(setting)
        except UserError as error:
            self.notes = str(error)
            return
        self.stage.close()
        self.stage, self.notes = stage, ""
        for slot in self.slots:
            slot.agent.reset()
            slot.agent.seed(setting.seed)

    def close(self) -> None:
        """End the loader, the links and the world."""
        self.loader.close()
        for slot in self.slots:
            if slot.source.link is not None:
                slot.source.link.close()
        self.stage.close()

    # helpers

    def _advance(self, viewer: Viewer) -> None:
        end = self.clock() + TURN_SECONDS
        while self.pace.due(now := self.clock()):
            for each in self.step():
                viewer.event(self, self._episode_event(each))
            self.rate.count(self.stage.count, now)
            if self.clock() >= end or self.ended.is_set():
                break

    def _act(self, slot: Slot) -> np.ndarray:
        stage, agent = self.stage, slot.agent
        deterministic = self.deterministic
        if deterministic is None and isinstance(agent, Actor):
            deterministic = agent.deterministic
        masks = stage.masks(slot.number) if agent.uses_masks else None
        # loading borrows the process's random numbers; who draws none need not wait for it
        with contextlib.nullcontext() if deterministic else self.loader.generators:
            return np.asarray(
                agent.act(stage.observed(slot.number), stage.starts[stage.rows(slot.number)], deterministic, masks)
            )

    def _do_posts(self) -> None:
        while True:
            try:
                do = self._posts.get_nowait()
            except queue.Empty:
                return
            try:
                do()
            except UserError as error:  # what a visitor asks for must not end what others watch
                self.notes = str(error)

    def _pause(self, viewer: Viewer) -> float:
        if self.paused or not viewer.watched():
            return IDLE_SECONDS
        return 0.0 if self.pace.speed == FULL else min(self.pace.seconds_left(self.clock()), IDLE_SECONDS)

    def _check(self, path: Path, info: CheckpointInfo, actor: Actor) -> None:
        if info.env_id != self.stage.env_id:
            raise UserError(f"{path} is of {info.env_id}, and {self.stage.env_id} is shown; start another play.")
        check_acts_in(info, actor.encoder, self.stage.venv, str(path))

    def _episode_event(self, ended: Ended) -> Event:
        robots = self.stage.setting.robots
        slot = self.slots[ended.row // robots]
        success = "" if ended.success is None else ", success" if ended.success else ", no success"
        text = f"{slot.title}: return {ended.episode_return:.2f} in {ended.length} steps{success}"
        data = {
            "robot": ended.row % robots,
            "return": ended.episode_return,
            "length": ended.length,
            "success": ended.success,
            "trained_steps": slot.trained_steps,
            "steps": self.steps,
        }
        return Event("episode", slot.number, text, data)
