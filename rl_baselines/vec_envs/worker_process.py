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

from rl_baselines.hyperparams.classes import Named
from rl_baselines.vec_envs.images import world_images
from rl_baselines.vec_envs.leaves import keyed_leaves
from rl_baselines.vec_envs.monitor import RunMonitor, make_monitored_env
from srl3.errors import UserError
from srl3.os_errors import in_words
from srl3.spaces import ROOT

CONTEXT = multiprocessing.get_context("forkserver")
POLL_SECONDS = 1.0
"""time between two looks at whether the other side still lives"""
SPIN_SECONDS = 300e-6
"""time for which a side looks for the other's word before it sleeps"""
STEP, CALL = 0, 1

Views = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]
"""observations by key (`rl_baselines.vec_envs.leaves`), actions, rewards, dones; rows are environments"""
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
    wrappers: tuple[Named, ...] = ()

    def make(self) -> RunMonitor:
        """The environment."""
        return make_monitored_env(
            self.env_id, self.env_kwargs, self.monitor, self.append, self.render_mode, self.wrappers
        )


@dataclasses.dataclass(frozen=True)
class SharedArray:
    """An array of all environments in shared memory."""

    memory: Any
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def make(cls, shape: tuple[int, ...], dtype: Any) -> "SharedArray":
        """Zeros."""
        kind = np.dtype(dtype)
        return cls(CONTEXT.RawArray("b", max(int(np.prod(shape)) * kind.itemsize, 1)), shape, kind.str)

    def view(self) -> np.ndarray:
        """The memory as an array."""
        return np.frombuffer(self.memory, self.dtype, int(np.prod(self.shape))).reshape(self.shape)


@dataclasses.dataclass(frozen=True)
class SharedArrays:
    """Shared memory of all environments: one array for each leaf of the observations, actions, rewards, dones."""

    observations: dict[str, SharedArray]
    actions: SharedArray
    rewards: SharedArray
    dones: SharedArray

    @classmethod
    def make(cls, num_envs: int, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> "SharedArrays":
        """Arrays with a row for each environment."""

        def rows(space: gym.Space[Any]) -> SharedArray:
            return SharedArray.make((num_envs, *(space.shape or ())), space.dtype)

        return cls(
            {key: rows(leaf) for key, leaf in keyed_leaves(observation_space).items()},
            rows(action_space),
            SharedArray.make((num_envs,), np.float32),
            SharedArray.make((num_envs,), np.bool_),
        )

    def views(self) -> Views:
        """The arrays."""
        observations = {key: array.view() for key, array in self.observations.items()}
        return observations, self.actions.view(), self.rewards.view(), self.dones.view()


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


def write_row(observations: dict[str, np.ndarray], rank: int, observation: Any) -> None:
    """Put one environment's observation into the arrays of all."""
    if ROOT in observations:
        observations[ROOT][rank] = observation
    else:
        for key, rows in observations.items():
            rows[rank] = observation[key]


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
        """Whatever goes wrong within is a `WorkerError`, but for mistakes of the user and of the file system."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and in_words(error) is not None:
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

    def image_paths(self) -> frozenset[str]:
        """Which of the observations are images."""
        return world_images(next(iter(self._envs.values())))

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
                write_row(observations, rank, observation)
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
        observation, info = self._envs[self._rank].reset(seed=seed, **({"options": options} if options else {}))
        write_row(self.arrays[0], self._rank, observation)
        return info

    def close(self) -> None:
        """Close all."""
        for env in self._envs.values():
            env.close()
        self._envs = {}
