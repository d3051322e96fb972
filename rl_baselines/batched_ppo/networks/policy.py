"""The networks of `BatchedPPO`: Stable-Baselines3's, with what it lacks."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    FlattenExtractor,
    MlpExtractor,
    NatureCNN,
)
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from rl_baselines.batched_ppo.networks.distributions import ActionDistribution, Categorical, Gaussian
from rl_baselines.batched_ppo.networks.normaliser import ObservationNormaliser
from rl_baselines.batched_ppo.networks.recurrence import Memory, RecurrentLayer, RNNType
from srl3.errors import UserError
from srl3.runtime.ranks import ALONE, Ranks

STD_TYPES = ("log", "scalar", "state")
"""The standard deviation of actions is learned as its logarithm, as itself, or as a function of what is observed."""
MIN_STD = 1e-4
"""least standard deviation of an action"""


class BatchedPolicy(ActorCriticPolicy):
    """An actor and a critic; parameters have the names and the order that Stable-Baselines3 gives them.

    Networks work in two steps: `normalise` makes inputs from observations, `act` and `value` take inputs.
    That way inputs of a whole rollout are made once.

    Args:
        observation_space: what the actor observes.
        action_space: `Box` of one dimension, or `Discrete`.
        lr_schedule: the learning rate, at its start.
        critic_space: what the critic observes where that is something else; None: the same.
        with_critic: False for acting alone.
        normalize_observations: by running mean and variance; never pixels.
        std_type: one of `STD_TYPES`.
        rnn_type: ``gru`` or ``lstm`` between the observations and the hidden layers, or None.
        rnn_hidden_dim: its size.
        rnn_num_layers: its layers.
        kwargs: of `ActorCriticPolicy`: ``net_arch``, ``activation_fn``, ``log_std_init``, ``optimizer_class`` …

    Raises:
        UserError: for an action space of another kind.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *,
        critic_space: spaces.Space[Any] | None = None,
        with_critic: bool = True,
        normalize_observations: bool = True,
        std_type: str = "log",
        rnn_type: RNNType | None = None,
        rnn_hidden_dim: int = 256,
        rnn_num_layers: int = 1,
        use_sde: bool = False,
        **kwargs: Any,
    ) -> None:
        if not isinstance(action_space, spaces.Discrete) and not (
            isinstance(action_space, spaces.Box) and len(action_space.shape) == 1
        ):
            raise UserError(f"batched_ppo takes Discrete actions or a Box of one dimension, not {action_space}.")
        self.critic_space = critic_space
        self.with_critic = with_critic
        self.normalize_observations = normalize_observations
        self.std_type = std_type
        self.rnn_type = rnn_type
        self.rnn_hidden_dim = rnn_hidden_dim
        self.rnn_num_layers = rnn_num_layers
        if is_image_space(observation_space):
            kwargs.setdefault("features_extractor_class", NatureCNN)
        if isinstance(kwargs.get("net_arch"), Mapping):
            kwargs["net_arch"] = {"pi": [64, 64], "vf": [64, 64], **kwargs["net_arch"]}
        kwargs["share_features_extractor"] = critic_space is None
        super().__init__(observation_space, action_space, lr_schedule, use_sde=False, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        pi, vf = self.pi_features_extractor, self.vf_features_extractor
        if self.critic_space is not None:
            vf = self.vf_features_extractor = self._extractor_of(self.critic_space)
        pi_dim, vf_dim = pi.features_dim, vf.features_dim
        gains: dict[nn.Module, float] = {pi: math.sqrt(2), vf: math.sqrt(2)}
        if self.std_type == "scalar" and isinstance(self.action_space, spaces.Box):
            self.std = nn.Parameter(torch.full(self.action_space.shape, math.exp(self.log_std_init)))
        elif self.std_type == "log" and isinstance(self.action_space, spaces.Box):
            self.log_std = nn.Parameter(torch.full(self.action_space.shape, float(self.log_std_init)))
        if self.rnn_type is not None:
            sizes = self.rnn_type, self.rnn_hidden_dim, self.rnn_num_layers
            self.pi_memory = RecurrentLayer(pi_dim, *sizes)
            if self.with_critic:
                self.vf_memory = RecurrentLayer(vf_dim, *sizes)
            pi_dim = vf_dim = self.rnn_hidden_dim
        extractor = partial(MlpExtractor, net_arch=self.net_arch, activation_fn=self.activation_fn, device=self.device)
        self.mlp_extractor = extractor(pi_dim)
        if vf_dim != pi_dim:
            self.mlp_extractor.value_net = extractor(vf_dim).value_net
        if not self.with_critic:
            self.mlp_extractor.value_net = nn.Sequential()
        latent = self.mlp_extractor.latent_dim_pi
        if isinstance(self.action_space, spaces.Discrete):
            self.action_net = nn.Linear(latent, int(self.action_space.n))
        else:
            assert isinstance(self.action_space, spaces.Box)
            self.action_net = nn.Linear(latent, self.action_space.shape[0])
            if self.std_type == "state":
                self.log_std_net = nn.Linear(latent, self.action_space.shape[0])
        gains |= {self.mlp_extractor: math.sqrt(2), self.action_net: 0.01}
        if self.with_critic:
            self.value_net = nn.Linear(self.mlp_extractor.latent_dim_vf, 1)
            gains[self.value_net] = 1.0
        if self.ortho_init:
            for module, gain in gains.items():
                module.apply(partial(self.init_weights, gain=gain))
        if hasattr(self, "log_std_net"):
            nn.init.zeros_(self.log_std_net.weight)
            nn.init.constant_(self.log_std_net.bias, self.log_std_init)
        self.pi_normaliser = self._normaliser_of(self.observation_space)
        if not self.with_critic:
            self.vf_normaliser: nn.Module = nn.Identity()
            self.vf_features_extractor = nn.Identity()  # type: ignore[assignment]
        elif self.critic_space is None:
            self.vf_normaliser = self.pi_normaliser
        else:
            self.vf_normaliser = self._normaliser_of(self.critic_space)
        for module in self.mlp_extractor.modules():
            if isinstance(module, nn.ELU | nn.ReLU):
                module.inplace = True  # their gradients follow from their results
        options = dict(self.optimizer_kwargs)
        if self.optimizer_class in (torch.optim.Adam, torch.optim.AdamW) and not {"foreach", "fused"} & set(options):
            options["fused"] = True
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **options)  # type: ignore[call-arg]

    def _extractor_of(self, space: spaces.Space[Any]) -> BaseFeaturesExtractor:
        kind = NatureCNN if is_image_space(space) else FlattenExtractor
        return kind(space)

    def _normaliser_of(self, space: spaces.Space[Any]) -> nn.Module:
        if not self.normalize_observations or is_image_space(space, check_channels=False):
            return nn.Identity()
        return ObservationNormaliser(int(np.prod(space.shape or (1,))))

    # the two steps

    @property
    def is_recurrent(self) -> bool:
        """Whether it remembers."""
        return self.rnn_type is not None

    def normalise(self, observations: Tensor, *, critic: bool = False) -> Tensor:
        """Inputs of the actor (or critic): ``(..., *shape)`` to ``(..., size) float32``; pixels stay as they are."""
        space = self.critic_space if critic and self.critic_space is not None else self.observation_space
        if is_image_space(space, check_channels=False):
            return observations
        assert space.shape is not None
        flat = observations.reshape(*observations.shape[: observations.dim() - len(space.shape)], -1).float()
        normaliser: Tensor = (self.vf_normaliser if critic else self.pi_normaliser)(flat)
        return normaliser

    def act(
        self, inputs: Tensor, memory: Memory = (), starts: Tensor | None = None
    ) -> tuple[ActionDistribution, Memory]:
        """The distribution of actions.

        Args:
            inputs: ``(B, …)``; with a memory sequences ``(T, B, …)``, whose distributions come out flat.
            memory: of the actor, before the first step.
            starts: ``(T, B) bool``, where episodes begin.
        """
        features, memory = self._features(inputs, memory, starts, critic=False)
        latent = self.mlp_extractor.policy_net(features)
        mean: Tensor = self.action_net(latent)
        if isinstance(self.action_space, spaces.Discrete):
            return Categorical.from_logits(mean), memory
        if self.std_type == "state":
            return Gaussian(mean, self.log_std_net(latent).clamp(math.log(MIN_STD), 5.0).exp()), memory
        if self.std_type == "scalar":
            return Gaussian(mean, self.std.clamp_min(MIN_STD)), memory
        return Gaussian(mean, self.log_std.exp().clamp_min(MIN_STD)), memory

    def value(self, inputs: Tensor, memory: Memory = (), starts: Tensor | None = None) -> tuple[Tensor, Memory]:
        """Values ``(B,)``, or ``(T * B,)`` of sequences; arguments as those of `act`."""
        features, memory = self._features(inputs, memory, starts, critic=True)
        return self.value_net(self.mlp_extractor.value_net(features)).squeeze(-1), memory

    def _features(
        self, inputs: Tensor, memory: Memory, starts: Tensor | None, *, critic: bool
    ) -> tuple[Tensor, Memory]:
        space = self.critic_space if critic and self.critic_space is not None else self.observation_space
        if is_image_space(space, check_channels=False):
            assert space.shape is not None
            frames = inputs.reshape(-1, *space.shape).float()
            extractor = self.vf_features_extractor if critic else self.pi_features_extractor
            features = extractor(frames / 255 if self.normalize_images else frames)
            features = features.reshape(*inputs.shape[: inputs.dim() - len(space.shape)], -1)
        else:
            features = inputs
        if not self.is_recurrent:
            return features, ()
        assert starts is not None
        layer = self.vf_memory if critic else self.pi_memory
        outputs, memory = layer(features, memory, starts)
        return outputs.flatten(0, 1), memory

    def update_normalisers(
        self, observations: Mapping[str, Tensor], groups: tuple[str, str], ranks: Ranks = ALONE
    ) -> None:
        """Take what was observed into the running means and variances.

        Args:
            observations: by group, ``(T, N, …)``.
            groups: of the actor and of the critic.
            ranks: who learns together.
        """
        seen = {groups[0]: self.pi_normaliser, groups[1]: self.vf_normaliser}
        for group, normaliser in seen.items():
            if isinstance(normaliser, ObservationNormaliser):
                normaliser.update(observations[group].flatten(0, 1).flatten(1), ranks)

    def predict_from_memory(
        self,
        observation: np.ndarray,
        state: tuple[np.ndarray, ...] | None,
        episode_start: np.ndarray | None,
        deterministic: bool,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """As `predict`, for a policy with a memory: ``state`` and the second value are its parts."""
        self.set_training_mode(False)
        observations, vectorized = self.obs_to_tensor(observation)
        assert isinstance(observations, Tensor)
        count = len(observations)
        memory = (
            self.pi_memory.empty(count)
            if state is None
            else tuple(torch.as_tensor(part, device=self.device) for part in state)
        )
        starts = torch.zeros((1, count), dtype=torch.bool, device=self.device)
        if episode_start is not None:
            starts[0] = torch.as_tensor(np.asarray(episode_start, np.bool_), device=self.device)
        with torch.no_grad():
            distribution, memory = self.act(self.normalise(observations)[None], memory, starts)
            actions = _chosen(distribution, deterministic)
        given = actions.cpu().numpy()
        if isinstance(self.action_space, spaces.Box):
            given = np.clip(given, self.action_space.low, self.action_space.high)
        return (given if vectorized else given.squeeze(0)), tuple(part.cpu().numpy() for part in memory)

    def actor_parameters(self) -> list[nn.Parameter]:
        """Parameters on which actions depend; those that both networks share are among them."""
        critics = {id(parameter) for parameter in self.critic_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in critics]

    def critic_parameters(self) -> list[nn.Parameter]:
        """Parameters on which values alone depend."""
        if not self.with_critic:
            return []
        modules: list[nn.Module] = [self.mlp_extractor.value_net, self.value_net]
        if self.is_recurrent:
            modules.append(self.vf_memory)
        if not self.share_features_extractor:
            modules.append(self.vf_features_extractor)
        return [parameter for module in modules for parameter in module.parameters()]

    @property
    def halves_are_apart(self) -> bool:
        """Whether actor and critic have no parameter in common."""
        return not self.share_features_extractor or not any(True for _ in self.features_extractor.parameters())

    # what Stable-Baselines3 asks of a policy

    def set_training_mode(self, mode: bool) -> None:
        if self.training != mode:  # to tell all modules takes as long as a small network
            super().set_training_mode(mode)

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        assert isinstance(observation, Tensor)
        return _chosen(self.act(self.normalise(observation))[0], deterministic)

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        assert isinstance(obs, Tensor)
        distribution, _ = self.act(self.normalise(obs))
        if isinstance(distribution, Gaussian):
            log_std = distribution.std.log().expand_as(distribution.mean)
            return self.action_dist.proba_distribution(distribution.mean, log_std)
        return self.action_dist.proba_distribution(action_logits=distribution.log_probs)

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        assert isinstance(obs, Tensor)
        return self.value(self.normalise(obs, critic=True))[0][:, None]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = ("critic_space", "with_critic", "normalize_observations", "std_type")
        memory = ("rnn_type", "rnn_hidden_dim", "rnn_num_layers")
        return {
            **super()._get_constructor_parameters(),
            **{name: getattr(self, name) for name in (*own, *memory)},
        }


def _chosen(distribution: ActionDistribution, deterministic: bool) -> Tensor:
    """The most likely actions, or some that torch's own generator draws."""
    if deterministic:
        return distribution.mode()
    if isinstance(distribution, Gaussian):
        return torch.normal(distribution.mean, distribution.std.expand_as(distribution.mean))
    return torch.multinomial(distribution.log_probs.exp(), 1).squeeze(-1)
