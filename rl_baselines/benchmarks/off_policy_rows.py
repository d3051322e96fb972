"""Algorithms with a replay buffer on hundreds of robots at once: how fast they train, and what limits them."""

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from environments.config import GROUND_TRUTH
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import peak_memory, seconds
from rl_baselines.benchmarks.train_rows import base_env
from rl_baselines.hyperparams.parameters import normalizes
from rl_baselines.hyperparams.resolve import resolve_hyperparams
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import create_envs

VECTOR_STEPS = 24
"""of all robots, in a run of usual length"""


class _Parts:
    """Adds up the time that a model spends in its world, policy, replay buffer and update, each without the others."""

    def __init__(self, model: OffPolicyAlgorithm) -> None:
        self.seconds = dict.fromkeys(("environment", "policy", "buffer", "update"), 0.0)
        self._open: list[str] = []
        self._since = 0.0
        assert model.env is not None
        assert model.replay_buffer is not None
        engine = base_env(model.env)
        for owner, method, part in (
            (engine, "step_async", "environment"),
            (engine, "step_wait", "environment"),
            (model.policy, "predict", "policy"),
            (model.replay_buffer, "add", "buffer"),
            (model.replay_buffer, "sample", "buffer"),
            (model, "train", "update"),
        ):
            self._time(owner, method, part)

    def _time(self, owner: Any, method: str, part: str) -> None:
        original: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self._in(part):
                return original(*args, **kwargs)

        setattr(owner, method, timed)

    @contextmanager
    def _in(self, part: str) -> Iterator[None]:
        self._note()
        self._open.append(part)
        try:
            yield
        finally:
            self._note()
            self._open.pop()

    def _note(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


def off_policy(effort: Effort, algo: str, env_id: str, n_envs: int) -> list[Measured]:
    """Training steps per second with the preset's hyperparameters but for the number of robots, and the shares of the
    time; bookkeeping is Stable-Baselines3's loop around world, policy, buffer and update, and the normalisation."""
    torch.set_num_threads(1)
    algorithm = find_algo(algo).load_class()
    settings = resolve_hyperparams(algorithm, algo, env_id, GROUND_TRUTH, continuous=True, flags={"n_envs": n_envs})
    values = {name: setting.value for name, setting in settings.items()} | {"learning_starts": n_envs}
    with tempfile.TemporaryDirectory() as folder:
        venv = create_envs(
            env_id,
            {"srl_model": GROUND_TRUTH},
            n_envs=n_envs,
            normalize=normalizes(values["normalize"])[0],
            monitor_folder=Path(folder),
        )
        model = algorithm.make_model(venv, values, seed=0, device="cpu")
        assert isinstance(model, OffPolicyAlgorithm)
        model.set_logger(Logger(None, []))
        model.learn(2 * n_envs)
        parts = _Parts(model)
        count = effort.count(VECTOR_STEPS, least=2)
        taken = [seconds(lambda: model.learn(count * n_envs, reset_num_timesteps=False)) for _ in range(effort.repeats)]
        venv.close()
    total = math.fsum(taken)
    shares = {name: spent / total for name, spent in parts.seconds.items()}
    shares["bookkeeping"] = 1 - math.fsum(shares.values())
    updates = values["gradient_steps"]
    rate = count * n_envs / statistics.median(taken)
    return [Measured(rate, "steps/s", None, peak_memory(), f"{updates} updates a step of all", shares)]
