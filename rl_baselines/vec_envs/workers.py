"""Engines, one or several, as one `VecEnv` over processes; `rl_baselines.vec_envs.worker_process` is the other side."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from environments.registry import find_env
from rl_baselines.vec_envs.leaves import Observations, joined, keyed_leaves
from rl_baselines.vec_envs.monitor import RunMonitor
from rl_baselines.vec_envs.worker_process import (
    CALL,
    CONTEXT,
    PASSED_ON,
    POLL_SECONDS,
    STEP,
    Channel,
    EnvSpec,
    HangUp,
    Share,
    SharedArrays,
    WorkerError,
    acquire,
    seed_text,
    work,
)
from srl3.errors import UserError

STOP_SECONDS = 5.0
"""time that a worker has to close its environments"""


class WorkerVecEnv(VecEnv):
    """Environments in processes as an SB3 `VecEnv`, several to a process.

    This process is the first worker: it steps its share while the others step theirs, so that there are no more
    processes than cores, and each has work. One worker, or one environment, needs no other process.

    Infos are empty but for environments whose episode ended (as SB3 wants them) and those that record frames.
    Observations are an array, or where the environments observe a Dict one for each key; ``image_paths`` names those
    that are images (`rl_baselines.vec_envs.images`).
    Workers that outlive the trainer end by themselves; Ctrl-C in the terminal does not reach them.

    Args:
        specs: how to make each environment.
        num_workers: processes, this one included; never more than environments. None takes as many as this process may
            use cores.

    Raises:
        WorkerError: from any call, when a worker dies or an environment raises; every later call but `close`
            raises it again.
        OSError: likewise, when the file system fails an environment in a way that `srl3.os_errors` knows.
        UserError: likewise, when an environment finds a mistake of the user's.
        AttributeError: from `get_attr` and `env_method`, when the environments have nothing of that name.
    """

    def __init__(self, specs: Sequence[EnvSpec], num_workers: int | None = None) -> None:
        self.specs = list(specs)
        num_workers = min(num_workers or available_cores(), len(specs))
        shares = [ranks.tolist() for ranks in np.array_split(np.arange(len(specs)), num_workers)]
        self._own_ranks, self._ranks = shares[0], shares[1:]
        self._last_seeds: list[int | None] = [None] * len(specs)
        self._error: Exception | None = None
        self._channels: list[Channel] = []
        self.processes: list[Any] = []
        self._own = Share()
        try:
            self._own.make({rank: specs[rank] for rank in self._own_ranks})
            found = self._own.spaces()
            self._shared = SharedArrays.make(len(specs), *found)
            self._own.arrays = self._shared.views()
            self._observations, self._actions, self._rewards, self._dones = self._own.arrays
            self.image_paths = self._own.image_paths()
            self._choices = {key: count for key, leaf in keyed_leaves(found[0]).items() if (count := _choices(leaf))}
            if self._ranks:
                self._start()
            super().__init__(len(specs), *found)
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        # the fork server imports what every worker needs once, instead of seconds in each
        module = find_env(self.specs[0].env_id).entry_point.partition(":")[0]
        CONTEXT.set_forkserver_preload([module, "rl_baselines.vec_envs.workers"])
        pairs = [Channel.pair() for _ in self._ranks]
        self._channels = [ours for ours, _ in pairs]
        with _without_ctrl_c():
            for (_, theirs), ranks in zip(pairs, self._ranks, strict=True):
                specs = {rank: self.specs[rank] for rank in ranks}
                process = CONTEXT.Process(target=work, args=(self._shared, theirs, specs), daemon=True)
                process.start()
                theirs.pipe.close()
                self.processes.append(process)

    # stepping

    def step_async(self, actions: np.ndarray) -> None:
        self._check_working()
        actions = np.asarray(actions)
        if actions.shape != self._actions.shape:
            raise ValueError(
                f"{self.specs[0].env_id} takes actions of shape {self._actions.shape}, not {actions.shape}"
            )
        if isinstance(self.action_space, spaces.MultiBinary) and np.isin(actions, (0, 1)).all():
            actions = actions.astype(self._actions.dtype)  # policies draw them as 0.0 and 1.0
        np.copyto(self._actions, actions, casting="same_kind")
        for channel in self._channels:
            channel.order.value = STEP
            channel.go.release()

    def step_wait(self) -> VecEnvStepReturn:
        nothing: dict[str, Any] = {}
        infos = [nothing] * self.num_envs
        messages = self._do_own(self._own.step)
        for worker, channel in enumerate(self._channels):
            self._wait(worker)
            if channel.has_message.value:
                messages += self._receive(worker)
        for rank, info, reset_info in messages:
            infos[rank] = info
            if reset_info is not None:
                self.reset_infos[rank] = reset_info
        return self._observed(), self._rewards.copy(), self._dones.copy(), infos

    def reset(self) -> Observations:
        for rank, seed in enumerate(self._seeds):
            if seed is not None:
                self._last_seeds[rank] = seed
        arguments = {rank: (self._seeds[rank], self._options[rank]) for rank in range(self.num_envs)}
        self.reset_infos = list(self._call("reset", arguments, {}).values())
        self._reset_seeds()
        self._reset_options()
        return self._observed()

    def reset_rows(self, rows: np.ndarray) -> Observations:
        """Begin new episodes in these environments only, ``(K,) int64``; gives what all observe now."""
        self._call("reset", dict.fromkeys(rows.tolist(), (None, None)), {})
        return self._observed()

    def _observed(self) -> Observations:
        self._check_choices()
        return joined({key: rows.copy() for key, rows in self._observations.items()})

    # everything else

    def close(self) -> None:
        for channel in self._channels:
            # hanging up ends a worker wherever it reads from the pipe or writes to it
            channel.order.value = CALL
            channel.pipe.close()
            channel.go.release()
        for process in self.processes:
            process.join(STOP_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
        self._channels, self.processes = [], []
        self._own.close()
        self._error = WorkerError("the environments are closed")

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return self.env_method("get_wrapper_attr", attr_name, indices=indices)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        self.env_method("set_wrapper_attr", attr_name, value, indices=indices)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        wanted = list(self._get_indices(indices))
        results = self._call(method_name, dict.fromkeys(sorted(set(wanted)), method_args), method_kwargs)
        return [results[rank] for rank in wanted]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        return [issubclass(RunMonitor, wrapper_class)] * len(list(self._get_indices(indices)))

    def get_images(self) -> Sequence[np.ndarray | None]:
        return self.env_method("render")

    # speaking with the workers

    def _call(self, name: str, arguments: Mapping[int, tuple[Any, ...]], kwargs: dict[str, Any]) -> dict[int, Any]:
        """Call a method of the environments of these ranks, all workers at the same time; results by rank."""
        self._check_working()

        def calls_of(ranks: list[int]) -> list[tuple[int, tuple[Any, ...]]]:
            return [(rank, arguments[rank]) for rank in ranks if rank in arguments]

        asked = []
        for worker, ranks in enumerate(self._ranks):
            calls = calls_of(ranks)
            if calls:
                self._send(worker, (name, calls, kwargs))
                asked.append(worker)
        answers: dict[int, Any] = self._do_own(lambda: self._own.call(name, calls_of(self._own_ranks), kwargs))
        for worker in asked:
            self._wait(worker)
            answers |= self._receive(worker)
        for answer in answers.values():
            if isinstance(answer, AttributeError):
                raise answer
        return answers

    def _do_own(self, do: Callable[[], Any]) -> Any:
        """Do this process's part, and remember its errors."""
        try:
            return do()
        except PASSED_ON as error:
            self._error = error
            raise

    def _send(self, worker: int, message: Any) -> None:
        channel = self._channels[worker]
        channel.order.value = CALL
        channel.go.release()
        try:
            channel.send(message)
        except HangUp:
            self._fail(worker)

    def _wait(self, worker: int) -> None:
        done = self._channels[worker].done
        while not acquire(done):
            if not self.processes[worker].is_alive():
                self._fail(worker)

    def _receive(self, worker: int) -> Any:
        try:
            answer = self._channels[worker].receive()
        except HangUp:
            self._fail(worker)
        if isinstance(answer, PASSED_ON):
            self._error = answer
            raise answer
        return answer

    def _fail(self, worker: int) -> NoReturn:
        """Raise the error that the worker has left behind, or else say how it ended."""
        self._error = self._last_words(worker) or self._death(worker)
        raise self._error

    def _last_words(self, worker: int) -> Exception | None:
        channel = self._channels[worker]
        try:
            while channel.pipe.poll():
                message = channel.receive()
                if isinstance(message, PASSED_ON):
                    return message
        except (HangUp, OSError):
            pass
        return None

    def _death(self, worker: int) -> WorkerError:
        process = self.processes[worker]
        process.join(POLL_SECONDS)
        code = process.exitcode
        if code is None:
            how = "no longer answers"
        elif code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit status {code}"
        ranks = self._ranks[worker]
        seeds = ", ".join(seed_text(self._last_seeds[rank]) for rank in ranks)
        plural = "s" if len(ranks) > 1 else ""
        return WorkerError(
            f"the worker of environment{plural} {', '.join(map(str, ranks))} of {self.specs[0].env_id} "
            f"(seed{plural} {seeds}) {how}"
        )

    def _check_choices(self) -> None:
        """Policies look numbers of choices up in tables, so one that is not declared must not reach them."""
        for key, counts in self._choices.items():
            rows = self._observations[key]
            wrong = ((rows < 0) | (rows >= np.asarray(counts))).reshape(self.num_envs, -1).any(axis=1)
            if wrong.any():
                rank, leaf = int(wrong.argmax()), keyed_leaves(self.observation_space)[key]
                what = f"observation {key}" if key else "an observation"
                self._error = UserError(
                    f"{self.specs[0].env_id} declares {what} as {leaf}, but environment {rank} gave {rows[rank]}."
                )
                raise self._error

    def _check_working(self) -> None:
        if self._error is not None:
            raise self._error


def _choices(space: spaces.Space[Any]) -> Any:
    """How many choices a space counts from 0, one number or an array; None for one of another kind."""
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return tuple(space.nvec.tolist())
    return 2 if isinstance(space, spaces.MultiBinary) else None


def available_cores() -> int:
    """Cores that this process may use: ``PYTHON_CPU_COUNT`` if that is set, which Python heeds from 3.13 on."""
    told = os.environ.get("PYTHON_CPU_COUNT", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Processes that are started in the block never get SIGINT; here it comes after the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
