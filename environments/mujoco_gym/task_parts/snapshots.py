"""What a snapshot of robots in MuJoCo holds, and how a world goes on from it, to the last bit."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from environments.batched.world import ALL, Rows
from environments.mujoco_gym.task_parts.watched import Watched
from environments.mujoco_gym.terms.actions import Actions
from environments.mujoco_gym.terms.events import Events
from environments.mujoco_gym.terms.observations import ObservationGroup


class Snapshots(Watched):
    """The part of a task that saves and restores: physics, what the task remembers, actions, events, observations."""

    task_arrays: tuple[str, ...] = ()
    """attributes of the task, tensors of N rows, that its snapshots hold"""
    actions: Actions
    events: Events
    _steps: int
    _groups: dict[str, ObservationGroup]
    _seeds: torch.Tensor
    _episodes: torch.Tensor
    _fresh: torch.Tensor
    _some_fresh: bool

    def get_rows(self, rows: Rows = ALL) -> dict[str, torch.Tensor]:
        chosen = self._all_rows[rows]
        saved = {f"physics.{name}": torch.from_numpy(v) for name, v in self.backend.snapshot(chosen).items()}
        saved |= {f"task.{name}": getattr(self, name)[chosen] for name in self.task_arrays}
        saved |= {f"actions.{name}": values for name, values in self.actions.state(chosen).items()}
        saved |= {f"events.{name}": values for name, values in self.events.state(chosen).items()}
        for group in self._groups.values():
            saved |= {f"observed.{group.name}.{name}": values for name, values in group.state(chosen).items()}
        return {**super().get_rows(rows), **saved}

    def set_rows(self, rows: Rows, state: Mapping[str, Any]) -> None:
        chosen = self._all_rows[rows]
        physics = {name: np.asarray(value) for name, value in _under("physics", state).items()}
        values = {
            name: torch.as_tensor(value).to(self.backend.device)
            for name, value in state.items()
            if not name.startswith("physics.")
        }
        self.applied[chosen] = values["applied"]
        self.backend.restore(chosen, physics)
        for name, value in _under("task", values).items():
            getattr(self, name)[chosen] = value
        self.actions.restore(chosen, _under("actions", values))
        self.events.restore(chosen, _under("events", values))
        for group in self._groups.values():
            group.restore(chosen, _under(f"observed.{group.name}", values))
        self.state_changed()

    def _random_state(self) -> dict[str, Any]:
        return {
            "seeds": self._seeds.cpu().numpy().copy(),
            "episodes": self._episodes.cpu().numpy().copy(),
            "fresh": self._fresh.cpu().numpy().copy(),
            "steps": self._steps,
        }

    def _restore_random_state(self, state: Mapping[str, Any]) -> None:
        for name in ("seeds", "episodes", "fresh"):
            getattr(self, f"_{name}").copy_(torch.from_numpy(np.asarray(state[name])))
        self._some_fresh = bool(self._fresh.any())
        self._steps = int(state["steps"])
        self._follow_curriculum()

    @abstractmethod
    def _follow_curriculum(self) -> None:
        """Let the configuration be that of the stage that holds after `_steps`."""


def _under(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values whose names begin with ``part`` and a dot, by the rest of their names."""
    return {name[len(part) + 1 :]: value for name, value in values.items() if name.startswith(f"{part}.")}
