"""`Stepping`: a MuJoCo world under random actions, from one state again and again."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from environments.mujoco_gym.task import Task
from environments.registry import find_env
from rl_baselines.benchmarks.timing import wait_for

N_ACTIONS = 16
"""sets of random actions that are drawn beforehand and used in turn"""


class Stepping:
    """What is timed of a whole world: actions, observations, rewards and resets.

    Args:
        env_id: key of ``registered_env``.
        num_envs: robots stepped at once.
        count: control steps in a run.
        env_kwargs: parameters of the world.

    Attributes:
        actions: ``(N, A)`` each, used in turn.
    """

    def __init__(self, env_id: str, num_envs: int, count: int, env_kwargs: Mapping[str, Any] | None = None) -> None:
        self.world = make_world(env_id, num_envs, env_kwargs)
        self.count = count
        generator, device = torch.Generator().manual_seed(0), self.world.backend.device
        shape = (num_envs, *(self.world.action_space.shape or ()))
        self.actions = [(torch.rand(shape, generator=generator) * 2 - 1).to(device) for _ in range(N_ACTIONS)]
        self._start = self.world.get_rows()

    def restore(self) -> None:
        """Back to the state after the first reset."""
        self.world.set_rows(slice(None), self._start)
        self.wait()

    def controls(self) -> list[torch.Tensor]:
        """``(N, actuators)`` each: the controls that the task gives to the engine in a run."""
        given: list[torch.Tensor] = []
        self.restore()
        self.run(after_step=lambda: given.append(self.world.exact("ctrl").clone()))
        return given

    def run(self, after_step: Callable[[], object] | None = None) -> None:
        """``count`` control steps; robots whose episodes end begin another."""
        world = self.world
        for number in range(self.count):
            step = world.step(self.actions[number % N_ACTIONS])
            if after_step is not None:
                after_step()
            world.observe()
            over = (step.terminated | step.truncated).nonzero(as_tuple=True)[0]
            if len(over):
                world.reset(over)
        self.wait()

    def wait(self) -> None:
        """Until a GPU has done what it was given."""
        wait_for(self.world.backend.device)


def make_world(env_id: str, num_envs: int, env_kwargs: Mapping[str, Any] | None = None) -> Task:
    """A world whose robots have begun their episodes."""
    face = find_env(env_id).load_class()
    config = face.config_class.from_kwargs(env_kwargs or {})
    world: Task = face.world_class(config, num_envs)  # type: ignore[attr-defined]
    world.seed(list(range(num_envs)))
    world.reset()
    return world
