"""Evaluates the policy now and then on worlds of its own, and keeps the model with the best mean return."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from environments.config import EnvConfig
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.curricula import stay_at
from rl_baselines.acting.evaluation import Evaluation, evaluate
from rl_baselines.training.callbacks.checkpoints import Best, CheckpointWriter
from srl3.files import atomic_path
from srl3.formats.damage import DamagedFile, read_or_set_aside
from srl3.formats.npz import read_arrays

EVALUATION_EPISODES = 10


class EvaluationCallback(BaseCallback):
    """Every ``eval_freq`` steps plays the same episodes as the policy will be shown (`Actor.deterministic`), notes them
    in ``evaluations.npz`` as SB3's `EvalCallback` does, and writes ``best_model.zip`` when their mean is the best.

    The training's random numbers and environments are left as they are, so it learns the same with it and without.

    Args:
        worlds: bare worlds, whose observations the actor encodes, stacks and normalises itself.
        make_actor: from the model in training to what acts.
        writer: writes the checkpoint.
        folder: the run folder.
        eval_freq: environment steps between evaluations.
        seed: of the worlds and of drawn actions, every time.
        config: of the worlds.
        n_episodes: of each evaluation.
    """

    def __init__(
        self,
        worlds: VecEnv,
        make_actor: Callable[[], Actor],
        writer: CheckpointWriter,
        folder: Path,
        eval_freq: int,
        seed: int,
        config: EnvConfig,
        n_episodes: int = EVALUATION_EPISODES,
    ) -> None:
        super().__init__()
        self.worlds = worlds
        self.make_actor = make_actor
        self.writer = writer
        self.eval_freq = eval_freq
        self.seed = seed
        self.config = config
        self.n_episodes = n_episodes
        self._file = folder / "evaluations.npz"
        self._timesteps: list[int] = []
        self._evaluations: dict[str, list[list[float]]] = {"results": [], "ep_lengths": [], "successes": []}
        self._next = eval_freq

    def _on_training_start(self) -> None:
        steps = self.model.num_timesteps
        self._next = (steps // self.eval_freq + 1) * self.eval_freq
        earlier = read_or_set_aside(self._file, _read)
        if earlier is not None:  # of a resumed run
            keep = earlier["timesteps"] <= steps
            self._timesteps = earlier["timesteps"][keep].tolist()
            for name, values in self._evaluations.items():
                values.extend(earlier[name][keep].tolist() if name in earlier else [])

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._next = (self.num_timesteps // self.eval_freq + 1) * self.eval_freq
            self._evaluate()
        return True

    def _evaluate(self) -> None:
        actor = self.make_actor()
        actor.seed(self.seed)
        self.worlds.seed(self.seed)
        steps = self.writer.info.control_steps(self.num_timesteps)
        began = self.config.stage_began(steps)
        stay_at(self.worlds, steps)
        if began != self.writer.best.stage:  # what earlier stages gave is no match
            self.writer.best = Best(stage=began)
        found = evaluate(actor, self.worlds, self.n_episodes)
        self._note(found)
        mean = float(np.mean(found.returns))
        self.logger.record("eval/mean_reward", mean)
        self.logger.record("eval/mean_ep_length", float(np.mean(found.lengths)))
        if found.successes:
            self.logger.record("eval/success_rate", float(np.mean(found.successes)))
        if mean > self.writer.best.mean:
            self.writer.write_best(self.model, mean)

    def _note(self, found: Evaluation) -> None:
        self._timesteps.append(self.num_timesteps)
        self._evaluations["results"].append(found.returns)
        self._evaluations["ep_lengths"].append([float(length) for length in found.lengths])
        if found.successes:
            self._evaluations["successes"].append([float(success) for success in found.successes])
        arrays = {name: np.array(values) for name, values in self._evaluations.items() if values}
        with atomic_path(self._file) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, timesteps=np.array(self._timesteps), **arrays)


def _read(path: Path) -> dict[str, np.ndarray]:
    arrays = read_arrays(path, "the run can do without it", needs=("timesteps", "results", "ep_lengths"))
    if any(values.ndim < 1 or len(values) != len(arrays["timesteps"]) for values in arrays.values()):
        raise DamagedFile(path, "its arrays have different lengths", "the run can do without it")
    return arrays
