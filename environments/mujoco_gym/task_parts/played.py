"""How a task is stepped and reset: the physics, what is before and what is after it, and these played from tapes."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from weakref import WeakMethod

import torch

from environments.batched.world import Step, SubstepResult
from environments.mujoco_gym.replay.graph_tape import GraphTape
from environments.mujoco_gym.replay.replayed import Replayed
from environments.mujoco_gym.replay.tape import Tape
from environments.mujoco_gym.scene import runs_on_warp
from environments.mujoco_gym.task_parts.observed import Observed

RESET_SIZES = (64, 512)
"""robots that a graph resets at once, beside one for all: fewer are joined by the first of them, again and again"""
NOT_READ = ("_steps", "_stays_at", "_replays")
"""attributes that recorded functions don't read: what the steps decide is in the configuration"""
AnyTape = Tape | GraphTape


@dataclass
class Padded:
    """As many robots as a graph was made for; those that are not meant are the first one again."""

    rows: torch.Tensor
    count: int = 0
    """of those that are meant"""

    def fill(self, rows: torch.Tensor) -> None:
        """Mean these."""
        self.count = len(rows)
        self.rows[: self.count] = rows
        self.rows[self.count :] = rows[:1]


@dataclass
class Replays:
    """What a task plays from tapes: what is before the physics of a step, what is after it, and resets."""

    controls: Replayed
    rest: Replayed
    resets: dict[int, tuple[Padded, Replayed]]
    """by the number of robots: which, and the function"""

    @property
    def play(self) -> bool:
        """Whether steps are played."""
        return self.controls.plays and self.rest.plays


class Played(Observed):
    """The part of a task that makes a step. Few robots on a CPU play all but the physics from tapes; on a GPU they are
    played, and resets too, from CUDA graphs."""

    replayable: ClassVar[bool] = False
    """A promise that a class makes for itself, its subclasses for themselves, so that `update`, `control`, `place`,
    `begin` and the terms may be played from a tape: they read the task's attributes and tensors, change tensors in
    place, decide by nothing else, and do nothing else; and `place` and `begin` add nothing up over their robots, of
    whom one may be named again and again. An attribute that is replaced is noticed; what changes within a list or
    dictionary is not."""
    _given: torch.Tensor
    """``(N, A)``: the actions of this step"""
    _replays: Replays | None

    def _tape(self) -> type[AnyTape] | None:
        """By what the task is played; None: it is not."""
        if not ("replayable" in vars(type(self)) and self.replayable):
            return None
        sim = self.config.sim
        if self.backend.device.type == "cuda":
            return GraphTape if sim.cuda_graphs else None
        return None if runs_on_warp(sim) or self.num_envs > sim.replay_up_to else Tape

    def _make_replays(self) -> Replays | None:
        tape, name = self._tape(), type(self).__name__
        if tape is None:
            return None
        resets = {}
        for size in sorted({*(size for size in RESET_SIZES if size < self.num_envs), self.num_envs}):
            if tape is GraphTape:
                resets[size] = self._make_reset(f"{name}'s reset", size)
        says = tape is GraphTape
        return Replays(
            Replayed(f"{name}'s control", WeakMethod(self._write_controls), tape, says=says),
            Replayed(f"{name}'s step", WeakMethod(self._whole_step), tape, says=says),
            resets,
        )

    def _make_reset(self, name: str, size: int) -> tuple[Padded, Replayed]:
        """One that is recorded of so many robots, and called of those that are meant."""
        padded = Padded(torch.zeros(size, dtype=torch.int64, device=self.backend.device))
        begin = WeakMethod(self._begin_episodes)
        meant, all_of_them = _with(begin, lambda: padded.rows[: padded.count]), _with(begin, lambda: padded.rows)
        return padded, Replayed(name, meant, GraphTape, recorded=all_of_them, says=True)

    def _reads(self) -> list[Any]:
        """The objects that recorded functions read."""
        own = [value for name, value in vars(self).items() if name not in NOT_READ]
        return [*own, self.backend.layout]

    # the batched world

    def step_checked(self, actions: torch.Tensor) -> Step:
        tape = None
        with torch.inference_mode():  # autograd would take a sixth of the time of a few robots
            if self._replays and self._step_checked:
                step, tape = self._replayed_step(actions, self._replays)
            else:
                step = super().step_checked(actions)
        own: Step = tape.own_result() if tape else _copied(step)
        return own

    def _replayed_step(self, actions: torch.Tensor, replays: Replays) -> tuple[Step, AnyTape | None]:
        """A step in which all but the physics is played from tapes, where there are some."""
        self._given.copy_(actions)
        self._before_physics()
        self.state_changed()  # what was computed before a recording would not be computed in it
        reads = self._reads()
        replays.controls(reads)
        self._physics()
        step, tape = replays.rest(reads)
        self.state_changed()
        return step, tape

    def _whole_step(self) -> Step:
        self.state_changed()
        result = self._after_physics()
        self.applied += 1
        return self._counted(result.terms.sum(0), result)

    def _substep(self, actions: torch.Tensor) -> SubstepResult:
        self._given.copy_(actions)
        self._before_physics()
        self._write_controls()
        self._physics()
        return self._after_physics()

    def _reset_or_replay(self, rows: torch.Tensor) -> None:
        """New episodes of these robots, in a graph of that many or more where there is one."""
        resets = self._replays.resets if self._replays and self._step_checked else {}
        size = min((size for size in resets if size >= len(rows)), default=0)
        if not size:
            self._begin_episodes(rows)
            return
        padded, begin = resets[size]
        padded.fill(rows)
        self.state_changed()
        begin(self._reads())
        self.state_changed()

    # the parts of a step

    @abstractmethod
    def _before_physics(self) -> None:
        """What is no tensor's: where a curriculum is, what a failure's file would hold."""

    @abstractmethod
    def _write_controls(self) -> None:
        """Give the engine what follows from ``_given``."""

    @abstractmethod
    def _physics(self) -> None:
        """Let the engine make a step."""

    @abstractmethod
    def _begin_episodes(self, rows: torch.Tensor) -> None:
        """Begin new episodes of these robots; one that is named again and again begins one, too."""

    @abstractmethod
    def _after_physics(self) -> SubstepResult:
        """Update, terminations, rewards, changes that are due, observations."""


def _copied(step: Step) -> Step:
    """One whose tensors may be changed, and learned from, made outside of inference mode."""
    endings = {name: ended.clone() for name, ended in step.endings.items()}
    return Step._make([*(part.clone() for part in step[:-1]), endings])


def _with(method: "WeakMethod[Any]", rows: Callable[[], torch.Tensor]) -> Callable[[], Any]:
    """What gives the method with its rows, as long as its object lives."""

    def find() -> Callable[[], None] | None:
        found = method()
        return None if found is None else partial(found, rows())

    return find
