"""``ppo2`` as ``rl_baselines.train`` runs it, against plain Stable-Baselines3 on the same world."""

import dataclasses
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecEnvWrapper, VecNormalize

from environments.config import PIXELS
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory
from rl_baselines.hyperparams.parameters import normalizes
from rl_baselines.hyperparams.resolve import resolve_hyperparams
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.workers import WorkerVecEnv

ALGO = "ppo2"
STEPS_PER_ENV, FEWEST_STEPS, MOST_STEPS = 512, 1024, 32_768
"""Steps of each environment in a run of usual length, within these bounds for all; runs are whole rollouts."""
MAX_SUBPROCESSES = 64
"""Above this many environments, SB3's one process per environment is left out."""


class _Watch:
    """Adds up the time that a model spends in its environments, its policy and its update."""

    def __init__(self, model: BaseAlgorithm) -> None:
        self.environment = self.policy = self.update = 0.0
        assert model.env is not None
        engine = base_env(model.env)
        self._time(engine, "step_async", "environment")
        self._time(engine, "step_wait", "environment")
        self._time(model.policy, "forward", "policy")
        self._time(model.policy, "predict_values", "policy")
        self._time(model, "train", "update")

    def _time(self, owner: Any, method: str, part: str) -> None:
        original: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                setattr(self, part, getattr(self, part) + time.perf_counter() - start)

        setattr(owner, method, timed)

    def shares(self, total: float) -> dict[str, float]:
        """Parts of ``total`` seconds; bookkeeping is all the rest (buffers, statistics, infos)."""
        parts = {"environment": self.environment / total, "policy": self.policy / total, "update": self.update / total}
        return {**parts, "bookkeeping": 1 - sum(parts.values())}


@dataclasses.dataclass(frozen=True)
class _Side:
    """One way to train."""

    name: str
    model: BaseAlgorithm
    watch: _Watch


def training(effort: Effort, env_id: str, n_envs: int, srl_model: str, hyperparam: Sequence[str]) -> list[Measured]:
    """Steps per second of SRL3 and of plain SB3 with each of its `VecEnv`; ratio: SRL3's speed against that side's.

    Both have the preset's hyperparameters, monitor files and normalised observations where the preset says so.
    """
    if srl_model != PIXELS:
        torch.set_num_threads(1)
    algorithm = find_algo(ALGO).load_class()
    settings = resolve_hyperparams(
        algorithm, ALGO, env_id, srl_model, continuous=False, overrides=hyperparam, flags={"n_envs": n_envs}
    )
    values = {name: setting.value for name, setting in settings.items()}
    normalize = normalizes(values["normalize"])[0] and srl_model != PIXELS
    rollout = values["n_steps"] * n_envs
    usual = min(max(STEPS_PER_ENV * n_envs, FEWEST_STEPS), MOST_STEPS)
    total = rollout * math.ceil(effort.count(usual) / rollout)

    with tempfile.TemporaryDirectory() as folder:

        def side(name: str, make: Callable[[Path], VecEnv]) -> _Side:
            path = Path(folder) / name.replace(" ", "-")
            path.mkdir()
            model = algorithm.make_model(make(path), values, seed=0, device="cpu" if srl_model != PIXELS else "auto")
            model.set_logger(Logger(str(path), []))
            return _Side(name, model, _Watch(model))

        def ours(path: Path) -> VecEnv:
            return create_envs(
                env_id,
                {"srl_model": srl_model},
                n_envs=n_envs,
                normalize=normalize,
                monitor_folder=path,
            )

        def plain(kind: type[DummyVecEnv] | type[SubprocVecEnv]) -> Callable[[Path], VecEnv]:
            def make(path: Path) -> VecEnv:
                venv: VecEnv = make_vec_env(
                    f"environments:{env_id}",
                    n_envs,
                    seed=0,
                    monitor_dir=str(path),
                    vec_env_cls=kind,
                    env_kwargs={"srl_model": srl_model},
                )
                return VecNormalize(venv, norm_reward=False) if normalize else venv

            return make

        sides = [side("SRL3", ours), side("SB3 DummyVecEnv", plain(DummyVecEnv))]
        if 1 < n_envs <= MAX_SUBPROCESSES:
            sides.append(side("SB3 SubprocVecEnv", plain(SubprocVecEnv)))
        try:
            return _measure(effort, sides, total)
        finally:
            for each in sides:
                assert each.model.env is not None
                each.model.env.close()


def _measure(effort: Effort, sides: list[_Side], total: int) -> list[Measured]:
    def learn(each: _Side) -> Callable[[], object]:
        return lambda: each.model.learn(total, reset_num_timesteps=False)

    def forget(each: _Side) -> Callable[[], object]:
        # before the first run that counts: the shares are those of the last run
        def zero() -> None:
            each.watch.environment = each.watch.policy = each.watch.update = 0.0

        return zero

    times = alternate([learn(each) for each in sides], effort.repeats, [forget(each) for each in sides])
    results = []
    for each, taken in zip(sides, times, strict=True):
        rate = total / statistics.median(taken)
        assert each.model.env is not None
        memory = peak_memory(_processes(each.model.env))
        ratio = median_ratio(taken, times[0])
        results.append(Measured(rate, "steps/s", ratio, memory, each.name, each.watch.shares(taken[-1])))
    return results


def base_env(venv: VecEnv) -> VecEnv:
    """The `VecEnv` within all wrappers."""
    while isinstance(venv, VecEnvWrapper):
        venv = venv.venv
    return venv


def _processes(venv: VecEnv) -> list[int]:
    """The processes that the environments run in, beside this one."""
    engine = base_env(venv)
    if isinstance(engine, WorkerVecEnv | SubprocVecEnv):
        return [process.pid for process in engine.processes if process.pid is not None]
    return []
