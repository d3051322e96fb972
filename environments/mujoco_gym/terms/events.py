"""When worlds are changed: at startup, at resets, at intervals, and by pushes."""

from collections.abc import Callable, Mapping

import torch

from environments.mujoco_gym.backends.base import PhysicsBackend
from environments.mujoco_gym.config import Range, TaskConfig
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.rows import put, those
from environments.mujoco_gym.terms.randomize import ModelChange, Pushes, model_changes

NEVER = 2**62


class Events:
    """The changes that a configuration asks for, on N worlds.

    Args:
        config: of the task.
        backend: whose models are changed.
    """

    def __init__(self, config: TaskConfig, backend: PhysicsBackend) -> None:
        self._backend = backend
        self._dt = config.control_dt
        self._push = config.randomize.push
        self._pushes = None if self._push is None else Pushes(self._push, backend.device)
        changes = model_changes(config.randomize, backend, config.env_id)
        self._by_time: dict[str, list[ModelChange]] = {
            when: [change for change in changes if change.config.when == when]
            for when in ("startup", "reset", "interval")
        }
        self._masked = backend.device.type != "cpu"
        timed = [*(change.name for change in self._by_time["interval"]), *(["push"] if self._push else [])]
        self._next = {
            name: torch.full((backend.num_envs,), NEVER, dtype=torch.int64, device=backend.device) for name in timed
        }

    def startup(self, rows: torch.Tensor, draws: Draws) -> None:
        """What is drawn once for a robot."""
        self._apply(self._by_time["startup"], rows, draws)

    def at_reset(self, rows: torch.Tensor, draws: Draws) -> None:
        """What is drawn for an episode, and the first times of what happens within it."""
        self._apply(self._by_time["reset"], rows, draws)
        for name, times in self._next.items():
            times[rows] = self._wait(name, draws)

    def due(self, steps: torch.Tensor) -> bool:
        """Whether something happens in a robot's world after so many ``steps (N,)`` of its episode; True where that is
        known only when it is done."""
        if self._masked:
            return bool(self._next)
        return any(bool((times <= steps).any()) for times in self._next.values())

    def within_episode(
        self, steps: torch.Tensor, draws_of: Callable[[torch.Tensor, torch.Tensor], Draws], base: int
    ) -> None:
        """Make the changes and pushes that are due, and draw when they happen next.

        Args:
            steps: ``(N,)``, steps of the episodes so far.
            draws_of: the random numbers of some robots after so many steps of each.
            base: where the base's six velocities begin in ``qvel``.
        """
        for name, times in self._next.items():
            rows, chosen = those(times <= steps, self._masked)
            if not len(rows):
                continue
            draws = draws_of(rows, steps[rows])
            if name == "push":
                assert self._pushes is not None
                velocity = self._backend.exact("qvel")[rows].clone()
                base_velocity = velocity[:, base : base + 6]
                pushed = base_velocity + self._pushes.velocity(draws).to(velocity.dtype)
                base_velocity.copy_(pushed if chosen is None else torch.where(chosen[:, None], pushed, base_velocity))
                self._backend.write("qvel", velocity, rows)
                self._backend.read("qvel")[rows] = velocity.float()
            else:
                changes = [change for change in self._by_time["interval"] if change.name == name]
                self._apply(changes, rows, draws, chosen)
            put(times, rows, steps[rows] + self._wait(name, draws), chosen)

    def _apply(
        self, changes: list[ModelChange], rows: torch.Tensor, draws: Draws, chosen: torch.Tensor | None = None
    ) -> None:
        for change in changes:
            change.apply(rows, draws, chosen)
        if changes:
            self._backend.recompute(rows)

    def _wait(self, name: str, draws: Draws) -> torch.Tensor:
        """``(K,) int64``: control steps until it happens again."""
        low, high = self._seconds(name)
        seconds = draws.uniform(f"wait.{name}", 1, low, high)[:, 0]
        return (seconds / self._dt).round().long().clamp(min=1)

    def _seconds(self, name: str) -> Range:
        if name == "push":
            assert self._push is not None
            return self._push.seconds
        return next(change.config.seconds for change in self._by_time["interval"] if change.name == name)

    # snapshots

    def state(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Copies of these robots' rows."""
        return {name: times[rows] for name, times in self._next.items()}

    def restore(self, rows: torch.Tensor, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        for name, times in self._next.items():
            times[rows] = state[name]
