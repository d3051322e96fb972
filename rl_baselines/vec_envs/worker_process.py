"""A share of the environments of `rl_baselines.vec_envs.workers`, and the process that steps one for the trainer.

Observations, actions, rewards and ends pass through shared memory, with a semaphore each way; a pipe carries what is
rare: calls and their results, the infos of episodes that end, errors. Neither side ever waits to write into a full
pipe that the other does not read: the semaphore that makes the other side read is released before the writing.
"""

import dataclasses
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from rl_baselines.vec_envs.monitor import RunMonitor, make_monitored_env
from srl3.errors import UserError
from srl3.os_errors import DISK_FULL

CONTEXT = multiprocessing.get_context("forkserver")
POLL_SECONDS = 1.0
"""time between two looks at whether the other side still lives"""
SPIN_SECONDS = 300e-6
"""time for which a side looks for the other's word before it sleeps"""
STEP, CALL = 0, 1

Views = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""observations, actions, rewards, dones; rows are environments"""
Message = tuple[int, dict[str, Any], dict[str, Any] | None]
"""rank, info, and where an episode ended the info of the next one's reset"""


class HangUp(Exception):
    """The other side of a channel is gone."""


class WorkerError(RuntimeError):
    """An environment raised, or a worker process died; names the environments and their seeds."""


PASSED_ON = (WorkerError, UserError, OSError)
"""what comes out of a share of environments, here or in a worker"""


@dataclasses.dataclass(frozen=True)
class EnvSpec:
    """How to make one environment."""

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

    def views(self) -> Views:
        """The arrays."""
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

    share = Share()
    try:
        with share.named_errors():
            share.make(specs)
        share.arrays = shared.views()
        while _ordered(channel):
            if channel.order.value == STEP:
                messages = share.step()
                channel.has_message.value = bool(messages)
                channel.done.release()
                if messages:
                    channel.send(messages)
            else:
                results = share.call(*channel.receive())
                channel.done.release()
                channel.send(results)
    except HangUp:
        pass
    except PASSED_ON as error:
        channel.has_message.value = 1
        channel.done.release()
        with suppress(HangUp):
            channel.send(error)
    finally:
        share.close()


def _ordered(channel: Channel) -> bool:
    """Wait for an order; False when the trainer is gone."""
    parent = multiprocessing.parent_process()
    while not acquire(channel.go):
        if parent is not None and not parent.is_alive():
            return False
    return True


def acquire(semaphore: Any) -> bool:
    """Wait for a semaphore, `POLL_SECONDS` at most; False when it did not come.

    The other side is often but microseconds behind, and to be woken takes tens of them, so the first `SPIN_SECONDS` are
    spent looking; any process that is ready to run goes first.
    """
    deadline = time.perf_counter() + SPIN_SECONDS
    while time.perf_counter() < deadline:
        if semaphore.acquire(block=False):
            return True
        os.sched_yield()
    return bool(semaphore.acquire(timeout=POLL_SECONDS))


class Share:
    """The environments that one process steps. As text: the one that is being worked on.

    Attributes:
        arrays: observations, actions, rewards and dones of all environments, to be set before the first step.
    """

    arrays: Views

    def __init__(self) -> None:
        self._envs: dict[int, RunMonitor] = {}
        self._env_id = ""
        self._rank = -1
        self._seeds: dict[int, int] = {}

    def __str__(self) -> str:
        return f"environment {self._rank} of {self._env_id} (seed {seed_text(self._seeds.get(self._rank))})"

    @contextmanager
    def named_errors(self) -> Iterator[None]:
        """Whatever goes wrong within is a `WorkerError`, but for the user's mistakes and a full disk."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                raise
            raise WorkerError(f"{self} raised an error:\n{traceback.format_exc()}") from None

    def make(self, specs: Mapping[int, EnvSpec]) -> None:
        """Make the environments of these ranks."""
        for self._rank, spec in specs.items():
            self._env_id = spec.env_id
            self._envs[self._rank] = spec.make()

    def spaces(self) -> tuple[gym.Space[Any], gym.Space[Any]]:
        """What the environments observe and take."""
        env = next(iter(self._envs.values()))
        return env.observation_space, env.action_space

    def step(self) -> list[Message]:
        """Step all by their actions; those whose episode ended begin the next. Returns what goes beside the arrays."""
        observations, actions, rewards, dones = self.arrays
        messages: list[Message] = []
        with self.named_errors():
            for rank, env in self._envs.items():
                self._rank = rank
                observation, rewards[rank], terminated, truncated, info = env.step(actions[rank])
                dones[rank] = terminated or truncated
                if terminated or truncated:
                    info["terminal_observation"] = observation
                    info["TimeLimit.truncated"] = truncated and not terminated
                    observation, reset_info = env.reset()
                    messages.append((rank, info, reset_info))
                elif "frame" in info:
                    messages.append((rank, info, None))
                observations[rank] = observation
        return messages

    def call(self, name: str, calls: Sequence[tuple[int, tuple[Any, ...]]], kwargs: dict[str, Any]) -> dict[int, Any]:
        """Results by rank of a method of some environments; `AttributeError` in its place where one has no such."""
        results: dict[int, Any] = {}
        with self.named_errors():
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
        return results

    def _reset(self, seed: int | None, options: dict[str, Any] | None) -> dict[str, Any]:
        if seed is not None:
            self._seeds[self._rank] = seed
        observations = self.arrays[0]
        observations[self._rank], info = self._envs[self._rank].reset(
            seed=seed, **({"options": options} if options else {})
        )
        return info

    def close(self) -> None:
        """Close all."""
        for env in self._envs.values():
            env.close()
        self._envs = {}
