"""Several engines in worker processes: each worker steps its share of the environments, and observations,
actions, rewards and ends pass through shared memory with a semaphore each way.
"""

import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from environments.registry import find_env
from rl_baselines.monitor import RunMonitor, make_monitored_env

CONTEXT = multiprocessing.get_context("forkserver")
POLL_SECONDS = 1.0
"""time between two looks at whether a worker still lives"""
STOP_SECONDS = 5.0
"""time that a worker has to close its environments"""
STEP, CALL = 0, 1


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
class _Shared:
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
    def make(cls, num_envs: int, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> "_Shared":
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
class _Channel:
    """What the trainer and one worker speak through."""

    go: Any
    """semaphore: the worker may act"""
    done: Any
    """semaphore: the worker has acted"""
    order: Any
    """`STEP` or `CALL`"""
    has_message: Any
    """1 when the worker has put infos or an error into the pipe"""
    pipe: Any


class WorkerVecEnv(VecEnv):
    """Environments in worker processes as an SB3 `VecEnv`, several to a worker.

    Infos are empty but for environments whose episode ended (as SB3 wants them) and those that record frames.

    Args:
        specs: how to make each environment.
        num_workers: processes; never more than environments. None takes the cores of this machine.

    Raises:
        WorkerError: from any call, when a worker dies or an environment in it raises.
    """

    def __init__(self, specs: Sequence[EnvSpec], num_workers: int | None = None) -> None:
        entry = find_env(specs[0].env_id)
        module = entry.entry_point.partition(":")[0]
        # the fork server imports what every worker needs once, instead of seconds in each
        CONTEXT.set_forkserver_preload([module, "rl_baselines.workers"])
        self.specs = list(specs)
        num_workers = min(num_workers or os.cpu_count() or 1, len(specs))
        self._ranks = [ranks.tolist() for ranks in np.array_split(np.arange(len(specs)), num_workers)]
        observation_space, action_space = _spaces(specs[0])
        self._shared = _Shared.make(len(specs), observation_space, action_space)
        self._observations, self._actions, self._rewards, self._dones = self._shared.views()
        self._channels: list[_Channel] = []
        self._processes: list[Any] = []
        self._closed = False
        for ranks in self._ranks:
            ours, theirs = CONTEXT.Pipe()
            parts = (CONTEXT.Semaphore(0), CONTEXT.Semaphore(0), CONTEXT.RawValue("i", CALL), CONTEXT.RawValue("i", 0))
            process = CONTEXT.Process(
                target=_work, args=(self._shared, _Channel(*parts, theirs), ours, ranks, specs), daemon=True
            )
            process.start()
            theirs.close()
            self._channels.append(_Channel(*parts, ours))
            self._processes.append(process)
        super().__init__(len(specs), observation_space, action_space)

    # stepping

    def step_async(self, actions: np.ndarray) -> None:
        self._actions[:] = actions
        for channel in self._channels:
            channel.order.value = STEP
            channel.go.release()

    def step_wait(self) -> VecEnvStepReturn:
        nothing: dict[str, Any] = {}
        infos = [nothing] * self.num_envs
        for worker, channel in enumerate(self._channels):
            self._wait(worker)
            if channel.has_message.value:
                for rank, info, reset_info in self._receive(worker):
                    infos[rank] = info
                    if reset_info is not None:
                        self.reset_infos[rank] = reset_info
        return self._observations.copy(), self._rewards.copy(), self._dones.copy(), infos

    def reset(self) -> np.ndarray:
        arguments = [(self._seeds[rank], self._options[rank]) for rank in range(self.num_envs)]
        self.reset_infos = self._call_all("reset", arguments)
        self._reset_seeds()
        self._reset_options()
        return self._observations.copy()

    # everything else

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for channel in self._channels:
            try:
                channel.order.value = CALL
                channel.pipe.send(("close", [], {}))
                channel.go.release()
            except OSError:
                continue  # that worker is already gone
        for process, channel in zip(self._processes, self._channels, strict=True):
            process.join(STOP_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            channel.pipe.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return self._call_some("get_wrapper_attr", (attr_name,), {}, indices)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        self._call_some("set_wrapper_attr", (attr_name, value), {}, indices)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        return self._call_some(method_name, method_args, kwargs, indices)

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        return [issubclass(RunMonitor, wrapper_class)] * len(list(self._get_indices(indices)))

    def get_images(self) -> Sequence[np.ndarray | None]:
        return self.env_method("render")

    def _call_all(self, name: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        for worker, ranks in enumerate(self._ranks):
            self._send(worker, name, [(rank, arguments[rank]) for rank in ranks], {})
        return [result for worker in range(len(self._ranks)) for result in self._answer(worker)]

    def _call_some(
        self, name: str, arguments: tuple[Any, ...], kwargs: dict[str, Any], indices: VecEnvIndices
    ) -> list[Any]:
        results: dict[int, Any] = {}
        wanted = list(self._get_indices(indices))
        for worker, ranks in enumerate(self._ranks):
            mine = [rank for rank in wanted if rank in ranks]
            if mine:
                self._send(worker, name, [(rank, arguments) for rank in mine], kwargs)
                results |= dict(zip(mine, self._answer(worker), strict=True))
        return [results[rank] for rank in wanted]

    def _send(self, worker: int, name: str, calls: list[tuple[int, tuple[Any, ...]]], kwargs: dict[str, Any]) -> None:
        channel = self._channels[worker]
        channel.order.value = CALL
        # released first: a large message fills the pipe, and the worker must be reading it by then
        channel.go.release()
        try:
            channel.pipe.send((name, calls, kwargs))
        except OSError:
            raise self._death(worker) from None

    def _answer(self, worker: int) -> Any:
        self._wait(worker)
        return self._receive(worker)

    def _wait(self, worker: int) -> None:
        done = self._channels[worker].done
        while not done.acquire(timeout=POLL_SECONDS):
            if not self._processes[worker].is_alive():
                raise self._death(worker)

    def _receive(self, worker: int) -> Any:
        pipe = self._channels[worker].pipe
        try:
            while not pipe.poll(POLL_SECONDS):
                if not self._processes[worker].is_alive() and not pipe.poll():
                    raise self._death(worker)
            answer = pipe.recv()
        except (EOFError, ConnectionResetError):
            raise self._death(worker) from None
        if isinstance(answer, WorkerError):
            raise answer
        return answer

    def _death(self, worker: int) -> WorkerError:
        self._processes[worker].join(POLL_SECONDS)
        code = self._processes[worker].exitcode
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit status {code}"
        ranks = ", ".join(map(str, self._ranks[worker]))
        return WorkerError(f"the worker of environments {ranks} of {self.specs[0].env_id} ended {how}")


def _spaces(spec: EnvSpec) -> tuple[gym.Space[Any], gym.Space[Any]]:
    """The spaces, from an environment made and closed in this process (engines start in milliseconds)."""
    env = dataclasses.replace(spec, monitor=None, render_mode=None).make()
    spaces = env.observation_space, env.action_space
    env.close()
    return spaces


def _work(
    shared: _Shared,
    channel: _Channel,
    other_end: multiprocessing.connection.Connection,
    ranks: Sequence[int],
    specs: Sequence[EnvSpec],
) -> None:
    """A worker's life. Ctrl-C goes to the whole process group, and only the trainer heeds it."""
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    current = _Current(specs[0].env_id)
    envs: dict[int, RunMonitor] = {}
    try:
        for rank in ranks:
            current.rank = rank
            envs[rank] = specs[rank].make()
        _serve(shared, channel, envs, current)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the trainer is gone
    except Exception:
        error = WorkerError(f"{current} raised an error:\n{traceback.format_exc()}")
        channel.has_message.value = 1
        channel.done.release()
        channel.pipe.send(error)
    finally:
        for env in envs.values():
            env.close()


@dataclasses.dataclass
class _Current:
    """Which environment is being worked on, to be named in an error."""

    env_id: str
    rank: int = -1
    seeds: dict[int, int | None] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return f"environment {self.rank} of {self.env_id} (seed {self.seeds.get(self.rank, 'not set')})"


def _serve(shared: _Shared, channel: _Channel, envs: dict[int, RunMonitor], current: _Current) -> None:
    observations, actions, rewards, dones = shared.views()
    while True:
        if not _acquire(channel.go):
            return
        if channel.order.value == STEP:
            messages: list[tuple[int, dict[str, Any], dict[str, Any] | None]] = []
            for rank, env in envs.items():
                current.rank = rank
                observation, rewards[rank], terminated, truncated, info = env.step(actions[rank])
                dones[rank] = terminated or truncated
                if dones[rank]:
                    info["terminal_observation"] = observation
                    info["TimeLimit.truncated"] = truncated and not terminated
                    observation, reset_info = env.reset()
                    messages.append((rank, info, reset_info))
                elif "frame" in info:
                    messages.append((rank, info, None))
                observations[rank] = observation
            # released before sending: a large message fills the pipe, and the trainer must be reading it by then
            channel.has_message.value = bool(messages)
            channel.done.release()
            if messages:
                channel.pipe.send(messages)
        else:
            name, calls, kwargs = channel.pipe.recv()
            if name == "close":
                return
            results = []
            for rank, arguments in calls:
                current.rank = rank
                if name == "reset":
                    seed, options = arguments
                    if seed is not None:
                        current.seeds[rank] = seed
                    observations[rank], result = envs[rank].reset(
                        seed=seed, **({"options": options} if options else {})
                    )
                else:
                    method: Callable[..., Any] = envs[rank].get_wrapper_attr(name)
                    result = method(*arguments, **kwargs)
                results.append(result)
            channel.done.release()
            channel.pipe.send(results)


def _acquire(go: Any) -> bool:
    """Wait for the trainer; False when it is gone (this process then has another parent)."""
    parent = multiprocessing.parent_process()
    while not go.acquire(timeout=POLL_SECONDS):
        if parent is not None and not parent.is_alive():
            return False
    return True
