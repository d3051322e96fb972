"""`BatchedPPO`: Stable-Baselines3's PPO, with rollouts and updates on tensors of many worlds."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from environments.batched.tensors import TensorStep
from rl_baselines.batched_ppo.exploration.distillation import RandomNetworkDistillation
from rl_baselines.batched_ppo.exploration.settings import NoveltySettings, novelty_settings
from rl_baselines.batched_ppo.figures import note_episodes, record_figures
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.not_finite import naming
from rl_baselines.batched_ppo.rollouts.clock import Clock
from rl_baselines.batched_ppo.rollouts.collector import Collector, Estimation, Trajectories
from rl_baselines.batched_ppo.rollouts.shared_episodes import SharedEpisodes
from rl_baselines.batched_ppo.saved_model import SavedPPO
from rl_baselines.batched_ppo.settings import (
    check_memory,
    check_minibatches,
    check_noise_of_critic,
    group_of,
    groups_of,
)
from rl_baselines.batched_ppo.updates.learner import Learner
from rl_baselines.batched_ppo.updates.losses import LossSettings
from rl_baselines.batched_ppo.updates.schedules import AdaptiveRate
from rl_baselines.batched_ppo.updates.symmetry import Symmetry, symmetries_of
from rl_baselines.runs.episodes import EpisodeBatch
from rl_baselines.vec_envs.tensors import TensorVecEnv, tensor_env
from srl3.errors import UserError
from srl3.runtime.ranks import ALONE, Ranks
from srl3.spaces import describe, in_words

RND_STATE = "rnd_state"
"""the group of observations whose novelty counts where a world has it"""


class BatchedPPO(SavedPPO):
    """PPO on tensors: exact values at time limits, a rate that follows the divergence, observations normalised by the
    policy itself, critics that see more, memories, symmetry. Learning, logging, callbacks are Stable-Baselines3's.

    Hyperparameters are those of `stable_baselines3.PPO`, and these:

    Args:
        desired_kl: the rate follows the divergence of the updates (`AdaptiveRate`), from ``learning_rate`` on; None:
            the rate is ``learning_rate``, which may be a schedule.
        learning_rate_min: least rate that ``desired_kl`` leads to.
        learning_rate_max: greatest.
        normalize_advantage_per_minibatch: within each minibatch instead of over the rollout.
        separate_gradient_clipping: ``max_grad_norm`` holds for actor and critic each, instead of both together.
        normalize_observations: by a running mean and variance, which change once an iteration, after the update.
        std_type: ``log``, ``scalar`` or ``state``: how the standard deviation of continuous actions is learned.
        clip_actions: greatest size of an action, within the bounds of the action space; None: the bounds alone.
        reward_scale: what rewards are multiplied by for learning, not for reports.
        random_initial_ages: the first episodes begin at random ages, so that time limits do not come all at once.
        policy_obs_key: group of observations that the policy sees.
        value_obs_key: group that the critic sees; None: ``critic`` where the world has it, else the policy's.
        rnn_type: ``gru`` or ``lstm`` for networks with a memory.
        rnn_hidden_dim: its size.
        rnn_num_layers: its layers.
        symmetry: ``off``, ``augment``, ``loss`` or ``both``: what is done with the world's mirror images.
        mirror_loss_coef: weight of the loss of ``loss`` and ``both``.
        rnd: rewards for what is new, by random network distillation (`NoveltySettings`); None: none.
        imitation_coef: weight of the loss that asks for the actions of the world's scripted policy in whatever state
            the robots are (DAgger, Ross et al. 2011, arXiv:1011.0686), in the first step; 0: none.
        imitation_steps: steps of all robots over which that weight falls to 0.
        acting_only: no critic and no optimiser's state: to play a policy.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": BatchedPolicy,
        "CnnPolicy": BatchedPolicy,
        "MultiInputPolicy": BatchedPolicy,
    }

    def __init__(
        self,
        policy: str | type[ActorCriticPolicy],
        env: VecEnv | None,
        learning_rate: float | Schedule = 1e-3,
        n_steps: int = 24,
        batch_size: int | None = None,
        n_epochs: int = 5,
        gamma: float = 0.99,
        gae_lambda: float = 0.95,
        clip_range: float | Schedule = 0.2,
        clip_range_vf: float | Schedule | None = None,
        normalize_advantage: bool = True,
        normalize_advantage_per_minibatch: bool = False,
        ent_coef: float = 0.0,
        vf_coef: float = 1.0,
        max_grad_norm: float = 1.0,
        separate_gradient_clipping: bool = True,
        desired_kl: float | None = 0.01,
        learning_rate_min: float = 1e-5,
        learning_rate_max: float = 1e-2,
        normalize_observations: bool = True,
        std_type: str = "log",
        clip_actions: float | None = None,
        reward_scale: float = 1.0,
        random_initial_ages: bool = False,
        policy_obs_key: str = "policy",
        value_obs_key: str | None = None,
        rnn_type: str | None = None,
        rnn_hidden_dim: int = 256,
        rnn_num_layers: int = 1,
        symmetry: str = "off",
        mirror_loss_coef: float = 0.5,
        rnd: dict[str, Any] | None = None,
        imitation_coef: float = 0.0,
        imitation_steps: int = 1_000_000,
        target_kl: float | None = None,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        acting_only: bool = False,
        _init_setup_model: bool = True,
    ) -> None:
        self.desired_kl = desired_kl
        self.learning_rate_min = learning_rate_min
        self.learning_rate_max = learning_rate_max
        self.normalize_advantage_per_minibatch = normalize_advantage_per_minibatch
        self.separate_gradient_clipping = separate_gradient_clipping
        self.normalize_observations = normalize_observations
        self.std_type = std_type
        self.clip_actions = clip_actions
        self.reward_scale = reward_scale
        self.random_initial_ages = random_initial_ages
        self.policy_obs_key = policy_obs_key
        self.value_obs_key = value_obs_key
        self.rnn_type = rnn_type
        self.rnn_hidden_dim = rnn_hidden_dim
        self.rnn_num_layers = rnn_num_layers
        self.symmetry = symmetry
        self.mirror_loss_coef = mirror_loss_coef
        self.rnd = rnd
        self.imitation_coef = imitation_coef
        self.imitation_steps = imitation_steps
        self.acting_only = acting_only
        samples = n_steps * (env.num_envs if env is not None else 1)
        super().__init__(
            policy,
            env,  # type: ignore[arg-type]
            learning_rate=learning_rate,
            n_steps=n_steps,
            batch_size=batch_size if batch_size is not None else max(2, samples // 4),
            n_epochs=n_epochs,
            gamma=gamma,
            gae_lambda=gae_lambda,
            clip_range=clip_range,
            clip_range_vf=clip_range_vf,
            normalize_advantage=normalize_advantage,
            ent_coef=ent_coef,
            vf_coef=vf_coef,
            max_grad_norm=max_grad_norm,
            target_kl=target_kl,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            policy_kwargs=policy_kwargs,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=_init_setup_model,
        )

    # Stable-Baselines3's steps

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        self.rollout_buffer = None  # type: ignore[assignment]  # `trajectories` are in its place
        self.clip_range = FloatSchedule(self.clip_range)
        if self.clip_range_vf is not None:
            self.clip_range_vf = FloatSchedule(self.clip_range_vf)
        world = None if self.env is None else tensor_env(self.env)
        known = self._observation_spaces(world)
        valued = world is not None and not self.acting_only
        groups = groups_of(known, self.policy_obs_key, self.value_obs_key, with_critic=valued)
        self.policy = BatchedPolicy(
            known[groups[0]],
            self.action_space,
            self.lr_schedule,
            critic_space=None if groups[0] == groups[1] else known[groups[1]],
            with_critic=not self.acting_only,
            normalize_observations=self.normalize_observations,
            std_type=self.std_type,
            rnn_type=self.rnn_type,  # type: ignore[arg-type]
            rnn_hidden_dim=self.rnn_hidden_dim,
            rnn_num_layers=self.rnn_num_layers,
            **self.policy_kwargs,
        ).to(self.device)
        self.ranks: Ranks = ALONE
        self.shared_episodes = SharedEpisodes(ALONE)
        self.clock = Clock()
        self.trajectories: Trajectories | None = None
        self.symmetries: list[Symmetry] = []
        self.novelty: RandomNetworkDistillation | None = None
        adaptive = None
        if self.desired_kl is not None:
            adaptive = AdaptiveRate(self.desired_kl, low=self.learning_rate_min, high=self.learning_rate_max)
        self.learner = Learner(self.policy, float(self.lr_schedule(1)), adaptive, self.separate_gradient_clipping)
        if world is None or self.acting_only:
            return
        check_noise_of_critic(groups, world.noisy_groups(), world.observation_spaces)
        check_minibatches(self.n_steps, self.n_envs, self.batch_size, recurrent=self.rnn_type is not None)
        observed = [known[group] for group in dict.fromkeys(groups)]
        check_memory(self.n_steps, self.n_envs, observed, self.action_space, str(self.device))
        if self.symmetry != "off":
            if self.policy.is_recurrent:
                raise UserError("symmetry needs networks without a memory; leave out rnn_type, or set symmetry:off.")
            self.symmetries = symmetries_of(
                world.mirrors(), groups, world.observation_spaces, self.action_space, self.device
            )
        generator = torch.Generator(self.device)
        generator.manual_seed(torch.initial_seed() if self.seed is None else self.seed + 1)
        self.collector = Collector(self.policy, world, groups, generator, self.clip_actions, self.clock)
        if self.rnd is not None:
            self._seek_novelty(novelty_settings(self.rnd), world)
        if self.imitation_coef > 0:
            self.collector.scripted = world.scripted_policy()

    def _seek_novelty(self, settings: NoveltySettings, world: TensorVecEnv) -> None:
        own = RND_STATE if RND_STATE in world.observation_spaces else self.collector.groups[0]
        group = group_of(world.observation_spaces, settings.obs_key or own, "obs_key of rnd")
        space = world.observation_spaces[group]
        if not isinstance(space, spaces.Box) or is_image_space(space, check_channels=False):
            raise UserError(
                f"rnd takes groups of numbers, and {group} is {in_words(describe(space))}; name another in obs_key."
            )
        settings = settings.of_a_step(world.control_dt)
        self.novelty = RandomNetworkDistillation(settings, spaces.flatdim(space), self.n_envs).to(self.device)
        self.learner.novelty = self.novelty
        self.collector.novelty_group = group

    def _imitation(self) -> float:
        """Weight of the scripted policy's actions in this iteration."""
        return self.imitation_coef * max(0.0, 1 - self.num_timesteps / self.imitation_steps)

    def join(self, ranks: Ranks) -> None:
        """Learn together with others, each on worlds of its own: parameters become those of rank 0, and every update
        is made of what all of them collected."""
        self.ranks = self.learner.ranks = ranks
        self.shared_episodes = SharedEpisodes(ranks)
        for module in (self.policy, self.novelty):
            for tensor in {} if module is None else module.state_dict().values():
                ranks.copy_first(tensor)

    def _observation_spaces(self, world: TensorVecEnv | None) -> Mapping[str, spaces.Space[Any]]:
        """By group; without a world those that the model was made for."""
        if world is not None:
            return world.observation_spaces
        if isinstance(self.observation_space, spaces.Dict):
            return self.observation_space.spaces
        return {self.policy_obs_key: self.observation_space}

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        fresh = self._last_obs is None
        reset = kwargs.get("reset_num_timesteps", args[2] if len(args) > 2 else True)
        prepared = super()._setup_learn(*args, **kwargs)
        if fresh or reset or self.collector.observations is None:
            collector = self.collector
            if self.random_initial_ages:
                shares = torch.rand(self.n_envs, generator=collector.generator, device=self.device)
                collector.world.set_episode_ages(shares)
            collector.begin(collector.world.after_reset(self._last_obs))
        self.clock.restart()
        return prepared

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        infos, successes = self.ep_info_buffer, self.ep_success_buffer
        assert infos is not None
        assert successes is not None
        self.policy.set_training_mode(False)
        callback.on_rollout_start()
        steps_left, goes_on = n_rollout_steps, True

        def after_step(step: TensorStep) -> bool:
            nonlocal steps_left, goes_on
            self.num_timesteps += self.n_envs * self.ranks.size
            episodes = EpisodeBatch.from_statistics(self.num_timesteps, step.episodes)
            steps_left -= 1
            episodes = self.shared_episodes.with_others(episodes, last=steps_left == 0)
            note_episodes(episodes, self._stats_window_size, infos, successes)
            callback.update_locals({"self": self, "episodes": episodes, "step": step})
            goes_on = bool(callback.on_step()) and goes_on
            return goes_on or self.ranks.size > 1  # of several, all end together

        self.trajectories = self.collector.run(n_rollout_steps, after_step, imitating=self._imitation() > 0)
        if self.trajectories is None or any(self.ranks.largest([int(not goes_on)])):
            return False
        observations = self.collector.observations
        assert observations is not None
        self._last_obs = observations[self.collector.groups[0]].cpu().numpy()
        self._last_episode_starts = self.collector.starts.cpu().numpy()
        callback.on_rollout_end()
        return True

    def train(self) -> None:
        record, policy = self.trajectories, self.policy
        assert record is not None
        remaining = self._current_progress_remaining
        if self.desired_kl is None:
            self.learner.rate = float(self.lr_schedule(remaining))
        policy.set_training_mode(True)
        with self.clock.part("policy"):
            each = self.normalize_advantage and self.normalize_advantage_per_minibatch
            over_all = self.normalize_advantage and not each
            how = Estimation(self.gamma, self.gae_lambda, self.reward_scale, normalize=over_all, ranks=self.ranks)
            bonus = None
            if self.novelty is not None:
                watched = record.observations[self.collector.novelty_group or ""].flatten(2)
                bonus = self.novelty.rewards(watched, record.lasts, self.ranks)
            rollout = self.collector.estimated(record, how, self.symmetries, bonus)
            if self.novelty is not None:
                rollout.novelty = self.novelty.samples(watched[:-1].flatten(0, 1))
        with self.clock.part("update"), naming(self.collector.world, record.observations, record.rewards):
            figures = self.learner.run(
                rollout,
                LossSettings(
                    float(self.clip_range(remaining)),  # type: ignore[operator]
                    None if self.clip_range_vf is None else float(self.clip_range_vf(remaining)),  # type: ignore[operator]
                    self.ent_coef,
                    self.vf_coef,
                    each,
                    augment=self.symmetry in ("augment", "both"),
                    mirror_coef=self.mirror_loss_coef if self.symmetry in ("loss", "both") else 0.0,
                    imitation_coef=self._imitation(),
                ),
                self.symmetries,
                self.collector.generator,
                n_epochs=self.n_epochs,
                batch_size=self.batch_size,
                max_grad_norm=self.max_grad_norm,
                target_kl=self.target_kl,
            )
            policy.update_normalisers(record.observations, self.collector.groups, self.ranks)
            if self.novelty is not None:
                self.novelty.update_normaliser(watched.flatten(0, 1), self.ranks)
        if bonus is not None:
            figures["rnd_reward"] = float(self.ranks.add(bonus.mean()) / self.ranks.size)
        self._n_updates += self.n_epochs
        record_figures(self.logger, rollout, figures, self.clock, self.ranks)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.trajectories = None
        self.clock.restart()

    def predict(
        self,
        observation: np.ndarray | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """Actions for observations as the environment gives them, one or several.

        Args:
            observation: ``(B, …)`` or of one robot; of a dictionary the group that the policy sees.
            state: memory of B robots, as the last call gave it; None: empty.
            episode_start: ``(B,) bool``: these robots begin an episode.
            deterministic: the most likely actions.

        Returns:
            the actions, and the memory after them (None without).
        """
        if isinstance(observation, dict):
            observation = observation[self.policy_obs_key]
        if not self.policy.is_recurrent:
            return self.policy.predict(observation, deterministic=deterministic)
        return self.policy.predict_from_memory(observation, state, episode_start, deterministic)
