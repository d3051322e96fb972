"""How a task is stepped: the physics, what is before and what is after it, and these played from tapes."""

from abc import abstractmethod
from typing import ClassVar
from weakref import WeakMethod

import torch

from environments.batched.world import Step, SubstepResult
from environments.mujoco_gym.replay.replayed import Replayed
from environments.mujoco_gym.replay.tape import Tape
from environments.mujoco_gym.scene import runs_on_warp
from environments.mujoco_gym.task_parts.observed import Observed


class Played(Observed):
    """The part of a task that makes a step; few robots on a CPU play all but the physics from tapes."""

    replayable: ClassVar[bool] = False
    """A promise that a class makes for itself, its subclasses for themselves, so that few robots may play `update`,
    `control` and the terms from a `Tape`: they read the task's attributes and tensors, change tensors in place, decide
    by nothing else, and do nothing else. An attribute that is replaced is noticed; what changes within a list or
    dictionary is not."""
    _given: torch.Tensor
    """``(N, A)``: the actions of this step"""
    _replays: tuple[Replayed, Replayed] | None

    def _make_replays(self) -> tuple[Replayed, Replayed] | None:
        """What is before and after the physics of a step, for few robots in MuJoCo's own batch."""
        promised = "replayable" in vars(type(self)) and self.replayable
        if not promised or self.num_envs > self.config.sim.replay_up_to or runs_on_warp(self.config.sim):
            return None
        name = type(self).__name__
        return (
            Replayed(f"{name}'s control", WeakMethod(self._write_controls)),
            Replayed(f"{name}'s step", WeakMethod(self._whole_step)),
        )

    # the batched world

    def step_checked(self, actions: torch.Tensor) -> Step:
        tape = None
        with torch.inference_mode():  # autograd would take a sixth of the time of a few robots
            if self._replays and self._step_checked:
                step, tape = self._replayed_step(actions, *self._replays)
            else:
                step = super().step_checked(actions)
        own: Step = tape.own_result() if tape else _copied(step)
        return own

    def _replayed_step(self, actions: torch.Tensor, controls: Replayed, rest: Replayed) -> tuple[Step, Tape | None]:
        """A step in which all but the physics is played from tapes, where there are some."""
        self._given.copy_(actions)
        self._before_physics()
        self.state_changed()  # what was computed before a recording would not be computed in it
        reads = [value for name, value in vars(self).items() if name not in ("_steps", "_replays")]
        controls(reads)
        self._physics()
        step, tape = rest(reads)
        if tape:
            self.state_changed()
        return step, tape

    def _whole_step(self) -> Step:
        result = self._after_physics()
        self.applied += 1
        return self._counted(result.terms.sum(0), result)

    def _substep(self, actions: torch.Tensor) -> SubstepResult:
        self._given.copy_(actions)
        self._before_physics()
        self._write_controls()
        self._physics()
        return self._after_physics()

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
    def _after_physics(self) -> SubstepResult:
        """Update, terminations, rewards, changes that are due, observations."""


def _copied(step: Step) -> Step:
    """One whose tensors may be changed, and learned from, made outside of inference mode."""
    endings = {name: ended.clone() for name, ended in step.endings.items()}
    return Step._make([*(part.clone() for part in step[:-1]), endings])
