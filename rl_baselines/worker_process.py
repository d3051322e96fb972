"""A worker process: it steps its share of the environments for the trainer (`rl_baselines.workers`).

Observations, actions, rewards and ends pass through shared memory, with a semaphore each way; a pipe carries what is
rare: calls and their results, the infos of episodes that end, errors. Neither side ever waits to write into a full
pipe that the other does not read: the semaphore that makes the other side read is released before the writing.
"""

import dataclasses
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from rl_baselines.console import DISK_FULL
from rl_baselines.monitor import RunMonitor, make_monitored_env

CONTEXT = multiprocessing.get_context("forkserver")
POLL_SECONDS = 1.0
"""time between two looks at whether the other side still lives"""
STEP, CALL = 0, 1


class HangUp(Exception):
    """The other side of a channel is gone."""


class WorkerError(RuntimeError):
    """A worker process died or an environment in it raised; names the environments and their seeds."""


@dataclasses.dataclass(frozen=True)
class EnvSpec:
    """How to make one environment in a worker."""

    env_id: str
    env_kwargs: Mapping[str, Any]
    monitor: Path | None
    append: bool
    render_mode: str | None

    def make(self) -> RunMonitor:
        """The environment."""
        return make_monitored_env(self.env_id, self.env_kwargs, self.monitor, self.append, self.render_mode)


@dataclasses.dataclass(frozen=True)
class SharedArrays:
    """Shared memory of all environments: bytes, seen as arrays by `views`."""

    observations: Any
    actions: Any
    rewards: Any
    dones: Any
    observation_shape: tuple[int, ...]
    observation_dtype: str
    action_shape: tuple[int, ...]
    action_dtype: str

    @classmethod
    def make(cls, num_envs: int, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> "SharedArrays":
        def memory(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
            return CONTEXT.RawArray("b", max(int(np.prod(shape)) * dtype.itemsize, 1))

        observation_shape = (num_envs, *(observation_space.shape or ()))
        action_shape = (num_envs, *(action_space.shape or ()))
        observation_dtype, action_dtype = np.dtype(observation_space.dtype), np.dtype(action_space.dtype)
        return cls(
            memory(observation_shape, observation_dtype),
            memory(action_shape, action_dtype),
            memory((num_envs,), np.dtype(np.float32)),
            memory((num_envs,), np.dtype(np.bool_)),
            observation_shape,
            observation_dtype.str,
            action_shape,
            action_dtype.str,
        )

    def views(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Observations, actions, rewards, dones; rows are environments."""
        num_envs = self.observation_shape[0]
        return (
            np.frombuffer(self.observations, self.observation_dtype).reshape(self.observation_shape),
            np.frombuffer(self.actions, self.action_dtype).reshape(self.action_shape),
            np.frombuffer(self.rewards, np.float32, num_envs),
            np.frombuffer(self.dones, np.bool_, num_envs),
        )


@dataclasses.dataclass(frozen=True)
class Channel:
    """What the trainer and one worker speak through."""

    go: Any
    """semaphore: the worker may act"""
    done: Any
    """semaphore: the worker has acted"""
    order: Any
    """`STEP` or `CALL`"""
    has_message: Any
    """1 when the worker puts infos or an error into the pipe after this step"""
    pipe: Any

    @classmethod
    def pair(cls) -> "tuple[Channel, Channel]":
        """The trainer's side and the worker's."""
        ours, theirs = CONTEXT.Pipe()
        parts = (CONTEXT.Semaphore(0), CONTEXT.Semaphore(0), CONTEXT.RawValue("i", CALL), CONTEXT.RawValue("i", 0))
        return cls(*parts, ours), cls(*parts, theirs)

    def send(self, message: Any) -> None:
        """Put a message into the pipe; raises `HangUp`."""
        try:
            self.pipe.send(message)
        except OSError:
            raise HangUp from None

    def receive(self) -> Any:
        """Take a message from the pipe; raises `HangUp`."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            raise HangUp from None


def seed_text(seed: int | None) -> str:
    return "not set" if seed is None else str(seed)


def work(shared: SharedArrays, channel: Channel, specs: Mapping[int, EnvSpec]) -> None:
    """A worker's life. Ctrl-C goes to the whole process group, and only the trainer heeds it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = _Worker(shared, channel)
    try:
        worker.make(specs)
        while worker.wait():
            if channel.order.value == STEP:
                worker.step()
            else:
                worker.call(*channel.receive())
    except HangUp:
        pass
    except Exception as error:
        channel.has_message.value = 1
        channel.done.release()
        disk_is_full = isinstance(error, OSError) and error.errno in DISK_FULL
        with suppress(HangUp):
            channel.send(error if disk_is_full else WorkerError(f"{worker} raised an error:\n{traceback.format_exc()}"))
    finally:
        worker.close()


class _Worker:
    """The environments of one worker. As text: the one that is being worked on."""

    def __init__(self, shared: SharedArrays, channel: Channel) -> None:
        self._channel = channel
        self._observations, self._actions, self._rewards, self._dones = shared.views()
        self._envs: dict[int, RunMonitor] = {}
        self._env_id = ""
        self._rank = -1
        self._seeds: dict[int, int] = {}

    def __str__(self) -> str:
        return f"environment {self._rank} of {self._env_id} (seed {seed_text(self._seeds.get(self._rank))})"

    def make(self, specs: Mapping[int, EnvSpec]) -> None:
        for self._rank, spec in specs.items():
            self._env_id = spec.env_id
            self._envs[self._rank] = spec.make()

    def wait(self) -> bool:
        """Wait for an order; False when the trainer is gone."""
        parent = multiprocessing.parent_process()
        while not self._channel.go.acquire(timeout=POLL_SECONDS):
            if parent is not None and not parent.is_alive():
                return False
        return True

    def step(self) -> None:
        messages: list[tuple[int, dict[str, Any], dict[str, Any] | None]] = []
        for rank, env in self._envs.items():
            self._rank = rank
            observation, self._rewards[rank], terminated, truncated, info = env.step(self._actions[rank])
            self._dones[rank] = terminated or truncated
            if terminated or truncated:
                info["terminal_observation"] = observation
                info["TimeLimit.truncated"] = truncated and not terminated
                observation, reset_info = env.reset()
                messages.append((rank, info, reset_info))
            elif "frame" in info:
                messages.append((rank, info, None))
            self._observations[rank] = observation
        self._channel.has_message.value = bool(messages)
        self._channel.done.release()
        if messages:
            self._channel.send(messages)

    def call(self, name: str, calls: Sequence[tuple[int, tuple[Any, ...]]], kwargs: dict[str, Any]) -> None:
        results: dict[int, Any] = {}
        for self._rank, arguments in calls:
            if name == "reset":
                results[self._rank] = self._reset(*arguments)
                continue
            env = self._envs[self._rank]
            try:
                method: Callable[..., Any] = env.get_wrapper_attr(name)
                results[self._rank] = method(*arguments, **kwargs)
            except AttributeError as error:
                results[self._rank] = AttributeError(f"{self}: {error}")
        self._channel.done.release()
        self._channel.send(results)

    def _reset(self, seed: int | None, options: dict[str, Any] | None) -> dict[str, Any]:
        if seed is not None:
            self._seeds[self._rank] = seed
        self._observations[self._rank], info = self._envs[self._rank].reset(
            seed=seed, **({"options": options} if options else {})
        )
        return info

    def close(self) -> None:
        for env in self._envs.values():
            env.close()
