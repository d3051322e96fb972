"""Uniform random actions: the floor under every learning curve."""

from typing import Any, ClassVar

import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, PyTorchObs

from rl_baselines.base_classes import StableBaselinesRLObject
from rl_baselines.rl_algorithm.rollout_logs import dump_rollout_logs


class RandomPolicy(BasePolicy):
    """Draws uniformly from any bounded action space; its generator is part of its state dict."""

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        super().__init__(observation_space, action_space)
        self.generator = torch.Generator()

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> torch.Tensor:
        n_envs = len(observation if isinstance(observation, torch.Tensor) else next(iter(observation.values())))
        if isinstance(self.action_space, spaces.Discrete):
            return torch.randint(int(self.action_space.n), (n_envs,), generator=self.generator)
        if isinstance(self.action_space, spaces.MultiDiscrete):
            choices = [torch.randint(int(n), (n_envs,), generator=self.generator) for n in self.action_space.nvec]
            return torch.stack(choices, dim=1)
        if isinstance(self.action_space, spaces.MultiBinary):
            return torch.randint(2, (n_envs, *self.action_space.shape), generator=self.generator)
        assert isinstance(self.action_space, spaces.Box)
        low, high = torch.as_tensor(self.action_space.low), torch.as_tensor(self.action_space.high)
        return low + (high - low) * torch.rand((n_envs, *low.shape), generator=self.generator)

    def get_extra_state(self) -> torch.Tensor:
        return self.generator.get_state()

    def set_extra_state(self, state: torch.Tensor) -> None:
        self.generator.set_state(state.cpu())


class RandomAgent(BaseAlgorithm):
    """Acts at random, with the rollouts, callbacks and logs of an algorithm that learns.

    Args:
        policy: ``MlpPolicy``, whatever is observed.
        env: a `VecEnv`.
        n_steps: steps of each environment in a rollout.
        stats_window_size: episodes over which the logged return is averaged.
        tensorboard_log: folder of TensorBoard's files.
        verbose: 1 prints the logged figures.
        seed: of the actions and of the environment.
        device: ignored.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": RandomPolicy,
        "MultiInputPolicy": RandomPolicy,
    }

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: GymEnv | str | None,
        n_steps: int = 128,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "cpu",
        _init_setup_model: bool = True,
    ) -> None:
        super().__init__(
            policy,
            env,
            learning_rate=0.0,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            support_multi_env=True,
            seed=seed,
            supported_action_spaces=(spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary),
        )
        self.n_steps = n_steps
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.policy = self.policy_class(self.observation_space, self.action_space)
        self.set_random_seed(self.seed)

    def set_random_seed(self, seed: int | None = None) -> None:
        super().set_random_seed(seed)
        if seed is not None:
            assert isinstance(self.policy, RandomPolicy)
            self.policy.generator.manual_seed(seed)

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 1,
        tb_log_name: str = "RandomAgent",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> "RandomAgent":
        """Act until the rollout in which ``total_timesteps`` are over; ``log_interval`` counts rollouts."""
        total_timesteps, callback = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        assert self.env is not None
        callback.on_training_start(locals(), globals())
        while self.num_timesteps < total_timesteps:
            callback.on_rollout_start()
            for _ in range(self.n_steps):
                actions, _ = self.predict(self._last_obs)  # type: ignore[arg-type]
                self._last_obs, rewards, dones, infos = self.env.step(actions)  # type: ignore[assignment]
                self._last_episode_starts = dones
                self.num_timesteps += self.env.num_envs
                self._update_info_buffer(infos, dones)
                callback.update_locals(locals())
                if not callback.on_step():
                    callback.on_training_end()
                    return self
            callback.on_rollout_end()
            self._n_updates += 1
            self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
            if log_interval is not None and self._n_updates % log_interval == 0:
                dump_rollout_logs(self)
        callback.on_training_end()
        return self


class RandomAgentModel(StableBaselinesRLObject):
    """Uniform actions; nothing is learned."""

    preset = "random_agent"
    image_policy = "MlpPolicy"

    @classmethod
    def model_class(cls) -> type[RandomAgent]:
        return RandomAgent

    @classmethod
    def default_device(cls) -> str:
        return "cpu"
