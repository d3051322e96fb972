"""`BatchedPPO`: Stable-Baselines3's PPO, with rollouts and updates on tensors of many worlds."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from environments.batched.tensors import TensorStep
from rl_baselines.batched_ppo.files import Target, as_arrays, read_policy_state, write_model
from rl_baselines.batched_ppo.networks.distributions import Gaussian
from rl_baselines.batched_ppo.networks.folding import changed_by_folding, from_plain, why_not_plain
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.rollouts.clock import Clock
from rl_baselines.batched_ppo.rollouts.collector import Collector, Estimation, Trajectories
from rl_baselines.batched_ppo.rollouts.rollout import Rollout
from rl_baselines.batched_ppo.rollouts.shared_episodes import SharedEpisodes
from rl_baselines.batched_ppo.settings import check_minibatches, group_of
from rl_baselines.batched_ppo.updates.learner import Learner
from rl_baselines.batched_ppo.updates.losses import LossSettings
from rl_baselines.batched_ppo.updates.schedules import AdaptiveRate
from rl_baselines.batched_ppo.updates.symmetry import Symmetry, symmetries_of
from rl_baselines.runs.episodes import EpisodeBatch
from rl_baselines.vec_envs.tensors import TensorVecEnv, tensor_env
from srl3.errors import UserError
from srl3.runtime.ranks import ALONE, Ranks

CRITIC = "critic"
"""the group of observations that a critic sees where a world has it"""

_OWN_OBJECTS = (
    "clock",
    "collector",
    "learner",
    "trajectories",
    "symmetries",
    "ranks",
    "shared_episodes",
    "_last_obs",
    "_last_original_obs",
    "_last_episode_starts",
)
"""attributes that no file of Stable-Baselines3 holds"""


class BatchedPPO(PPO):
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
        acting_only: no critic and no optimiser's state: to play a policy.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": BatchedPolicy,
        "CnnPolicy": BatchedPolicy,
        "MultiInputPolicy": BatchedPolicy,
    }
    policy: BatchedPolicy

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
        groups = self._groups(world)
        policy_space, critic_space = self._spaces(world, groups)
        self.policy = BatchedPolicy(
            policy_space,
            self.action_space,
            self.lr_schedule,
            critic_space=critic_space,
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
        adaptive = None
        if self.desired_kl is not None:
            adaptive = AdaptiveRate(self.desired_kl, low=self.learning_rate_min, high=self.learning_rate_max)
        self.learner = Learner(self.policy, float(self.lr_schedule(1)), adaptive, self.separate_gradient_clipping)
        if world is None or self.acting_only:
            return
        check_minibatches(self.n_steps, self.n_envs, self.batch_size, recurrent=self.rnn_type is not None)
        if self.symmetry != "off":
            if self.policy.is_recurrent:
                raise UserError("symmetry needs networks without a memory; leave out rnn_type, or set symmetry:off.")
            self.symmetries = symmetries_of(
                world.mirrors(), groups, world.observation_spaces, self.action_space, self.device
            )
        generator = torch.Generator(self.device)
        generator.manual_seed(torch.initial_seed() if self.seed is None else self.seed + 1)
        self.collector = Collector(self.policy, world, groups, generator, self.clip_actions, self.clock)

    def join(self, ranks: Ranks) -> None:
        """Learn together with others, each on worlds of its own: parameters become those of rank 0, and every update
        is made of what all of them collected."""
        self.ranks = self.learner.ranks = ranks
        self.shared_episodes = SharedEpisodes(ranks)
        for tensor in self.policy.state_dict().values():
            ranks.copy_first(tensor)

    def _groups(self, world: TensorVecEnv | None) -> tuple[str, str]:
        """The groups of the policy and of the critic."""
        if world is None:
            return self.policy_obs_key, self.value_obs_key or self.policy_obs_key
        groups = world.observation_spaces
        seen = group_of(groups, self.policy_obs_key, "policy_obs_key")
        if self.value_obs_key is None or self.acting_only:
            return seen, CRITIC if CRITIC in groups and not self.acting_only else seen
        return seen, group_of(groups, self.value_obs_key, "value_obs_key")

    def _spaces(
        self, world: TensorVecEnv | None, groups: tuple[str, str]
    ) -> tuple[spaces.Space[Any], spaces.Space[Any] | None]:
        """What policy and critic see; None: the critic sees what the policy sees."""
        if world is not None:
            known: Mapping[str, spaces.Space[Any]] = world.observation_spaces
        elif isinstance(self.observation_space, spaces.Dict):
            known = self.observation_space.spaces
        else:
            return self.observation_space, None
        return known[groups[0]], None if groups[0] == groups[1] else known[groups[1]]

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
        assert self.ep_info_buffer is not None
        assert self.ep_success_buffer is not None
        self.policy.set_training_mode(False)
        callback.on_rollout_start()
        steps_left, goes_on = n_rollout_steps, True

        def after_step(step: TensorStep) -> bool:
            nonlocal steps_left, goes_on
            self.num_timesteps += self.n_envs * self.ranks.size
            ended = step.episodes
            episodes = EpisodeBatch(
                self.num_timesteps, ended.returns, ended.lengths, ended.successes, ended.terms, ended.endings
            )
            steps_left -= 1
            episodes = self.shared_episodes.with_others(episodes, last=steps_left == 0)
            self._note_episodes(episodes)
            callback.update_locals({"self": self, "episodes": episodes, "step": step})
            goes_on = bool(callback.on_step()) and goes_on
            return goes_on or self.ranks.size > 1  # of several, all end together

        self.trajectories = self.collector.run(n_rollout_steps, after_step)
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
            rollout = self.collector.estimated(record, how, self.symmetries)
        with self.clock.part("update"):
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
                ),
                self.symmetries,
                self.collector.generator,
                n_epochs=self.n_epochs,
                batch_size=self.batch_size,
                max_grad_norm=self.max_grad_norm,
                target_kl=self.target_kl,
            )
            policy.update_normalisers(record.observations, self.collector.groups, self.ranks)
        self._n_updates += self.n_epochs
        self._log(rollout, figures)
        self.trajectories = None
        self.clock.restart()

    def _note_episodes(self, episodes: EpisodeBatch) -> None:
        """Keep the last ones for Stable-Baselines3's own figures."""
        assert self.ep_info_buffer is not None
        assert self.ep_success_buffer is not None
        last = slice(-self._stats_window_size, None)
        returns, lengths = episodes.returns[last].tolist(), episodes.lengths[last].tolist()
        self.ep_info_buffer.extend(
            {"r": earned, "l": length, "t": 0.0} for earned, length in zip(returns, lengths, strict=True)
        )
        successes = episodes.successes[last]
        self.ep_success_buffer.extend(successes[~np.isnan(successes)].tolist())

    def _log(self, rollout: Rollout, figures: Mapping[str, float]) -> None:
        spread = rollout.returns.var()
        explained = 1 - (rollout.returns - rollout.values).var() / spread if spread > 0 else torch.tensor(float("nan"))
        for name, value in figures.items():
            self.logger.record(f"train/{name}", value)
        self.logger.record("train/explained_variance", float(explained))
        if isinstance(rollout.before, Gaussian):
            self.logger.record("train/std", float(rollout.before.std.mean()))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        for name, value in self.clock.figures(len(rollout) * self.ranks.size).items():
            self.logger.record(f"time/{name}", value)

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

    # files

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), *_OWN_OBJECTS]

    def why_not_plain(self) -> str | None:
        """Why plain Stable-Baselines3 can't open this model's files; None where it can."""
        if isinstance(self.observation_space, spaces.Dict):
            return "a dictionary of observations"
        return why_not_plain(self.policy)

    def save(self, path: Target, exclude: Iterable[str] | None = None, include: Iterable[str] | None = None) -> None:
        left_out = {*self._excluded_save_params(), *(exclude or ())} - set(include or ())
        write_model(self, path, left_out)

    @classmethod
    def load(  # type: ignore[override]
        cls, path: Target, env: VecEnv | None = None, device: torch.device | str = "auto", **kwargs: Any
    ) -> Self:
        state = read_policy_state(path)
        replaced = {"policy_class": BatchedPolicy, **(kwargs.pop("custom_objects", None) or {})}
        kwargs.setdefault("acting_only", env is None)
        model = super().load(path, env, device, custom_objects=replaced, **kwargs)
        model.load_policy_state(state)
        return model

    def set_parameters(
        self, load_path_or_dict: Any, exact_match: bool = True, device: torch.device | str = "auto"
    ) -> None:
        """As Stable-Baselines3's; takes plain policies too, and of others what acts where this model only acts."""
        if isinstance(load_path_or_dict, dict) and "policy" in load_path_or_dict:
            load_path_or_dict = {**load_path_or_dict, "policy": from_plain(self.policy, load_path_or_dict["policy"])}
            if self.acting_only:
                self.policy.load_state_dict(load_path_or_dict["policy"])
                return
        super().set_parameters(load_path_or_dict, exact_match, device)

    def policy_state(self) -> dict[str, Any]:
        """What a file of Stable-Baselines3 can't hold of the policy, as a tree of arrays: the normaliser, and the
        tensors into which it was folded."""
        return {"tensors": as_arrays(changed_by_folding(self.policy)) if self.why_not_plain() is None else {}}

    def load_policy_state(self, state: Mapping[str, Any]) -> None:
        """Bring the policy, loaded from a file, to what it was when `policy_state` was called."""
        tensors = {name: torch.as_tensor(values) for name, values in state["tensors"].items()}
        self.policy.load_state_dict(from_plain(self.policy, {**self.policy.state_dict(), **tensors}))

    def save_state(self) -> dict[str, Any]:
        """What, besides parameters and worlds, a training needs to go on bit for bit: a tree of arrays."""
        return {
            "rate": self.learner.rate,
            "refused": self.learner.refused,
            "collector": self.collector.save_state(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go to where `save_state` was called."""
        self.learner.rate = state["rate"]
        self.learner.refused = state["refused"]
        self.collector.load_state(state["collector"])

    def load_common_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `save_state` gave in a training of another number of ranks: all but worlds and noise."""
        self.learner.rate = state["rate"]
        self.learner.refused = state["refused"]
