"""Distillation (Rusu et al. 2015, arXiv:1511.06295): supervised learning of one policy from recorded teachers."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from torch.nn.utils import clip_grad_norm_

from rl_baselines.distillation.ambiguity import WARN, confusion
from rl_baselines.distillation.dagger import record_round
from rl_baselines.distillation.lessons import Lessons
from rl_baselines.distillation.losses import loss_of
from rl_baselines.distillation.teachers import KL
from rl_baselines.rl_algorithm.rollout_logs import dump_rollout_logs
from rl_baselines.runs.episodes import EpisodeBatch
from srl3.errors import UserError

MINIBATCHES = 32
"""between two moments at which a training may be saved and stopped"""
CHUNK = 512
"""steps judged at once"""


@dataclasses.dataclass(frozen=True)
class Validation:
    """How a student did on the steps that it does not learn from."""

    loss: float
    agreement: float
    """share of the steps in which its most probable action is the teacher's; of continuous actions the root of the
    mean squared difference"""
    steps: int
    discrete: bool
    round: int = 0
    """of DAgger"""

    @property
    def score(self) -> float:
        """Greater is better: agreement of most probable actions; of continuous ones the negative loss."""
        return self.agreement if self.discrete else -self.loss

    def in_words(self) -> str:
        """One line."""
        if self.discrete:
            return f"the teacher's action in {self.agreement:.1%} of {self.steps:,} other steps, loss {self.loss:.4f}"
        return f"{self.agreement:.4f} from the teacher's action in {self.steps:,} other steps, loss {self.loss:.4f}"


class Distillation(PPO):
    """A policy of Stable-Baselines3's PPO (whose ``load`` opens it), trained to act as teachers did.

    ``num_timesteps`` counts the recorded steps that it learned from, each as often as it came. It never acts in its
    environment, which says only what it observes and does. In rounds of DAgger it acts in its teachers' worlds, and
    then learns from as many steps again as before, of all that there are.

    Args:
        policy: ``MlpPolicy`` or ``CnnPolicy``.
        env: a `VecEnv`.
        learning_rate: of Adam.
        batch_size: steps of an update.
        n_epochs: passes over the recorded steps.
        loss: ``kl``, ``mse`` or ``cross_entropy`` (`rl_baselines.distillation.losses.loss_of`).
        temperature: of ``kl`` between discrete actions.
        validation_share: share of the episodes that judge.
        training_set_size: recorded steps that are used; None: all.
        dagger_rounds: how often it acts and asks its teachers.
        dagger_episodes: episodes of a round, for each teacher.
        max_grad_norm: gradients are cut to this length.
        stats_window_size: as for PPO.
        tensorboard_log: folder of TensorBoard's files.
        policy_kwargs: of the policy.
        verbose: 1 prints the logged figures.
        seed: of the weights.
        device: torch device.

    Attributes:
        lessons: what it learns from, to be set before `learn`.
        dagger_folder: where rounds of DAgger are recorded, to be set likewise.
        validation: its latest.
    """

    lessons: Lessons | None = None
    dagger_folder: Path | None = None
    validation: Validation | None = None

    def __init__(
        self,
        policy: str | type[ActorCriticPolicy],
        env: GymEnv | str,
        learning_rate: float | Schedule = 1e-3,
        batch_size: int = 128,
        n_epochs: int = 30,
        loss: str = KL,
        temperature: float = 1.0,
        validation_share: float = 0.1,
        training_set_size: int | None = None,
        dagger_rounds: int = 0,
        dagger_episodes: int = 8,
        max_grad_norm: float = 1.0,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        super().__init__(
            policy,
            env,
            learning_rate=learning_rate,
            n_steps=2,
            batch_size=2,
            max_grad_norm=max_grad_norm,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            policy_kwargs=policy_kwargs,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=_init_setup_model,
        )
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.loss = loss
        self.temperature = temperature
        self.validation_share = validation_share
        self.training_set_size = training_set_size
        self.dagger_rounds = dagger_rounds
        self.dagger_episodes = dagger_episodes

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "lessons", "dagger_folder", "validation"]

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 1,
        tb_log_name: str = "Distillation",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> "Distillation":
        """Learn from ``total_timesteps`` recorded steps; callbacks see `MINIBATCHES` updates as a rollout.

        Args:
            total_timesteps: `epoch_size` of the lessons for each epoch.
            callback: as for PPO.
            log_interval: epochs between two logs.
            tb_log_name: of the run in TensorBoard.
            reset_num_timesteps: begin to count anew.
            progress_bar: SB3's.
        """
        lessons = self.lessons
        if lessons is None:
            raise UserError("distillation learns from recorded teachers; give --teacher-data-folder FOLDER.")
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        callback.on_training_start(locals(), globals())
        if self.num_timesteps == 0 and len(lessons.task_names) > 1:
            self._say_whether_tasks_differ(lessons, callback)
        episodes = EpisodeBatch.from_infos(0, [])
        losses: list[float] = []
        while self.num_timesteps < total_timesteps:
            callback.on_rollout_start()
            self._ask_teachers(lessons, callback)
            for steps in self._minibatches(lessons, total_timesteps):
                self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
                self._update_learning_rate(self.policy.optimizer)
                losses.append(self._update(lessons, steps))
                self.num_timesteps += len(steps)
                callback.update_locals(locals())
                if not callback.on_step():
                    callback.on_training_end()
                    return self
            if self.num_timesteps % lessons.epoch_size == 0 or self.num_timesteps >= total_timesteps:
                self.validation = self.judged(lessons)
                self._log(losses)
                losses.clear()
            callback.on_rollout_end()
        callback.on_training_end()
        return self

    def judged(self, lessons: Lessons) -> Validation:
        """How it does on the steps that it does not learn from."""
        self.policy.set_training_mode(False)
        losses, differences = [], []
        preferred = lessons.targets.preferred
        steps = lessons.split.validation
        for start in range(0, len(steps), CHUNK):
            part = steps[start : start + CHUNK]
            observations = torch.as_tensor(lessons.observations(part), device=self.device)
            targets = lessons.targets.tensors(part, self.device)
            with torch.no_grad():
                losses.append(loss_of(self.policy, observations, targets, self.loss, self.temperature).cpu().numpy())
                actions = self.policy._predict(observations, deterministic=True).cpu().numpy()
            wanted = preferred[part].reshape(len(part), -1)
            differences.append(actions.reshape(len(part), -1).astype(np.float64) - wanted)
        difference = np.concatenate(differences)
        discrete = isinstance(self.action_space, spaces.Discrete)
        agreement = np.mean(difference == 0) if discrete else np.sqrt(np.mean(difference**2))
        return Validation(float(np.concatenate(losses).mean()), float(agreement), len(steps), discrete, lessons.rounds)

    @property
    def passes(self) -> int:
        """Whole passes over the lessons that it has made."""
        return 0 if self.lessons is None else self.num_timesteps // self.lessons.epoch_size

    def round_at(self, timesteps: int) -> int:
        """The round of DAgger in which it learns after so many steps; 0 before the first."""
        return 0 if self.lessons is None else timesteps // self._round_size(self.lessons)

    def _round_size(self, lessons: Lessons) -> int:
        return self.n_epochs * lessons.epoch_size

    def _say_whether_tasks_differ(self, lessons: Lessons, callback: BaseCallback) -> None:
        print("looking whether the tasks can be told apart", flush=True)
        share = confusion(self.policy, lessons, lessons.seed, between=callback.on_rollout_start)
        found = f"on {share:.1%} of the steps another task looks the same and its teacher acts otherwise"
        if share < WARN:
            print(found, flush=True)
            return
        print(
            f"warning: {found}; one student can't be right in both: let it observe what tells the tasks apart, or "
            "stack frames with --num-stack",
            file=sys.stderr,
            flush=True,
        )

    def _ask_teachers(self, lessons: Lessons, callback: BaseCallback) -> None:
        """Record the rounds that are due, or take them from their folder where a resumed run left them."""
        while lessons.rounds < min(self.round_at(self.num_timesteps), self.dagger_rounds):
            assert self.dagger_folder is not None
            number = lessons.rounds + 1
            recorded = record_round(
                self,
                lessons.datasets,
                number,
                self.dagger_folder,
                episodes=self.dagger_episodes,
                seed=lessons.seed,
                between=callback.on_rollout_start,
            )
            lessons.add_round(recorded)
            for dataset in recorded:
                earned = float(dataset.rewards.sum()) / dataset.episodes
                name = dataset.path.name.partition("_")[2]
                print(f"round {number}: the student earned {earned:.2f} an episode in the world of {name}", flush=True)

    def _minibatches(self, lessons: Lessons, total: int) -> Iterator[np.ndarray]:
        """The next ones, which end at the latest with the epoch."""
        for _ in range(MINIBATCHES):
            done = self.num_timesteps % lessons.epoch_size
            count = min(self.batch_size, lessons.epoch_size - done, total - self.num_timesteps)
            yield lessons.minibatch(
                self.round_at(self.num_timesteps), self.num_timesteps % self._round_size(lessons), count
            )
            if done + count == lessons.epoch_size or self.num_timesteps >= total:
                return

    def _update(self, lessons: Lessons, steps: np.ndarray) -> float:
        """One step of the optimiser; the loss before it."""
        self.policy.set_training_mode(True)
        observations = torch.as_tensor(lessons.observations(steps), device=self.device)
        targets = lessons.targets.tensors(steps, self.device)
        loss = loss_of(self.policy, observations, targets, self.loss, self.temperature).mean()
        self.policy.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        self._n_updates += 1
        return float(loss.detach())

    def _log(self, losses: list[float]) -> None:
        assert self.validation is not None
        if losses:
            self.logger.record("train/loss", float(np.mean(losses)))
        self.logger.record("train/n_updates", self._n_updates)
        self.logger.record("train/learning_rate", self.policy.optimizer.param_groups[0]["lr"])
        self.logger.record("validation/loss", self.validation.loss)
        self.logger.record("validation/agreement", self.validation.agreement)
        dump_rollout_logs(self)
