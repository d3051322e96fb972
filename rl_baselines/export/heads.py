"""What each kind of policy makes of its features: actions, the memory after them, and what they were chosen from.

A head is a torch module whose ``forward(observations, memory)`` gives `Acted`. `head_of` finds the one of a policy;
`HEADS` is the list to add to for a policy of a new kind.
"""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from gymnasium import spaces
from sb3_contrib.ars.policies import ARSPolicy
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.crossq.policies import CrossQPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from sb3_contrib.tqc.policies import TQCPolicy
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn

from rl_baselines.batched_ppo.networks.distributions import Gaussian
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.rl_algorithm.random_agent import RandomPolicy
from srl3.errors import UserError

Memory = tuple[Tensor, ...]
Observations = Tensor | dict[str, Tensor]

GAUSSIAN = "gaussian"
"""actions are drawn from N(mean, std), then kept within their bounds"""
SQUASHED = "squashed gaussian"
"""actions are tanh of a draw from N(mean, std), then stretched to their bounds"""
CATEGORICAL = "categorical"
"""an action is drawn by the softmax of its scores (of a MultiDiscrete action: number by number)"""
BERNOULLI = "bernoulli"
"""each number is 1 with the probability sigmoid(score)"""


class Acted(NamedTuple):
    """What a head gives for B robots."""

    actions: Tensor
    """``(B, *action_shape)`` in the network's own scale, or ``(B,) int64``"""
    memory: Memory = ()
    scores: Tensor | None = None
    """``(B, K)``: of whole-number actions, what they are the greatest of"""
    mean: Tensor | None = None
    std: Tensor | None = None


class Head(nn.Module):
    """A policy's way to actions.

    Args:
        policy: whose networks are used; in evaluation mode.

    Attributes:
        distribution: what a stochastic policy draws from, one of the four; None: it has no distribution.
        memory_names: of the parts of its memory: none, ``h``, or ``h`` and ``c``.
    """

    memory_names: tuple[str, ...] = ()

    def __init__(self, policy: Any) -> None:
        super().__init__()
        self.policy = policy
        self.distribution: str | None = None

    @property
    def action_space(self) -> spaces.Space[Any]:
        """Of one robot."""
        space: spaces.Space[Any] = self.policy.action_space
        return space

    def memory_shape(self) -> tuple[int, int]:
        """Layers and size of the memory's parts."""
        raise NotImplementedError

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        """Most probable actions."""
        raise NotImplementedError


class ActorCriticHead(Head):
    """PPO, A2C, TRPO, RecurrentPPO: any action space, Gaussian with a learned or a state-dependent spread."""

    def __init__(self, policy: Any) -> None:
        super().__init__(policy)
        if isinstance(self.action_space, spaces.Box):
            self.distribution = SQUASHED if policy.squash_output else GAUSSIAN
        else:
            self.distribution = BERNOULLI if isinstance(self.action_space, spaces.MultiBinary) else CATEGORICAL

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        policy = self.policy
        features = BasePolicy.extract_features(policy, observations, policy.pi_features_extractor)
        return self._act(policy.mlp_extractor.forward_actor(features), ())

    def _act(self, latent: Tensor, memory: Memory) -> Acted:
        mean = self.policy.action_net(latent)
        space = self.action_space
        if isinstance(space, spaces.Box):
            actions = torch.tanh(mean) if self.policy.squash_output else mean
            return Acted(actions, memory, mean=mean, std=self._std(latent, mean))
        if isinstance(space, spaces.MultiBinary):
            return Acted((mean > 0).to(torch.int64), memory, scores=mean)
        if isinstance(space, spaces.MultiDiscrete):
            parts = torch.split(mean, space.nvec.tolist(), dim=1)
            return Acted(torch.stack([part.argmax(1) for part in parts], 1), memory, scores=mean)
        return Acted(mean.argmax(1), memory, scores=mean)

    def _std(self, latent: Tensor, mean: Tensor) -> Tensor:
        noise = self.policy.action_dist
        if not isinstance(noise, StateDependentNoiseDistribution):
            return self.policy.log_std.exp().expand_as(mean)
        variance = torch.mm(latent**2, noise.get_std(self.policy.log_std) ** 2)
        return torch.sqrt(variance + noise.epsilon)


class RecurrentHead(ActorCriticHead):
    """RecurrentPPO: an LSTM before the hidden layers."""

    memory_names = ("h", "c")

    def memory_shape(self) -> tuple[int, int]:
        layers, _, size = self.policy.lstm_hidden_state_shape
        return layers, size

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        policy = self.policy
        features = BasePolicy.extract_features(policy, observations, policy.pi_features_extractor)
        outputs, after = policy.lstm_actor(features[None], memory)
        return self._act(policy.mlp_extractor.forward_actor(outputs[0]), tuple(after))


class BatchedHead(Head):
    """batched_ppo's own networks, with or without a GRU or LSTM, which normalise what they observe themselves."""

    def __init__(self, policy: BatchedPolicy) -> None:
        if policy.is_recurrent:
            policy = copy.deepcopy(policy)
            policy.pi_memory = OneStep(policy.pi_memory.network)  # type: ignore[assignment]
            self.memory_names = ("h",) if policy.rnn_type == "gru" else ("h", "c")
        super().__init__(policy)
        self.distribution = GAUSSIAN if isinstance(self.action_space, spaces.Box) else CATEGORICAL

    def memory_shape(self) -> tuple[int, int]:
        return self.policy.rnn_num_layers, self.policy.rnn_hidden_dim

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        assert isinstance(observations, Tensor)
        inputs = self.policy.normalise(observations)
        if memory:
            distribution, memory = self.policy.act(inputs[None], memory, inputs[None, :, 0])
        else:
            distribution, memory = self.policy.act(inputs)
        if isinstance(distribution, Gaussian):
            std = distribution.std.expand_as(distribution.mean)
            return Acted(distribution.mean, memory, mean=distribution.mean, std=std)
        return Acted(distribution.log_probs.argmax(1), memory, scores=distribution.log_probs)


class OneStep(nn.Module):
    """A GRU or LSTM in the place of a `RecurrentLayer`, for one step within an episode.

    The layer itself looks for episodes that begin within a sequence, which no graph without branches can.
    """

    def __init__(self, network: nn.GRU | nn.LSTM) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor, memory: Memory, starts: Tensor) -> tuple[Tensor, Memory]:
        """``(1, B, size)`` to ``(1, B, hidden)``, and the memory after it; ``starts`` are not looked at."""
        if len(memory) == 2:
            outputs, after = self.network(inputs, memory)
            return outputs, tuple(after)
        outputs, last = self.network(inputs, memory[0])
        return outputs, (last,)


class SquashedHead(Head):
    """SAC, TQC, CrossQ: tanh of a Gaussian."""

    def __init__(self, policy: Any) -> None:
        super().__init__(policy)
        self.distribution = SQUASHED

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        actor = self.policy.actor
        mean, log_std, more = actor.get_action_dist_params(observations)
        if not more:
            return Acted(torch.tanh(mean), mean=mean, std=log_std.exp())
        noise = actor.action_dist
        variance = torch.mm(more["latent_sde"] ** 2, noise.get_std(log_std) ** 2)
        return Acted(torch.tanh(mean), mean=mean, std=torch.sqrt(variance + noise.epsilon))


class DeterministicHead(Head):
    """TD3, DDPG."""

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        return Acted(self.policy.actor(observations))


class LinearHead(Head):
    """ARS and CMA-ES: one network from observations to actions or to their scores."""

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        policy = self.policy
        outputs = policy.action_net(policy.extract_features(observations, policy.features_extractor))
        if isinstance(self.action_space, spaces.Discrete):
            return Acted(outputs.argmax(1), scores=outputs)
        return Acted(outputs)


class ValueHead(Head):
    """DQN: the action of the greatest value."""

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        values = self.policy.q_net(observations)
        return Acted(values.argmax(1), scores=values)


class QuantileHead(Head):
    """QR-DQN: the action of the greatest mean value."""

    def forward(self, observations: Observations, memory: Memory) -> Acted:
        values = self.policy.quantile_net(observations).mean(1)
        return Acted(values.argmax(1), scores=values)


HEADS: tuple[tuple[type[BasePolicy], Callable[[Any], Head]], ...] = (
    (BatchedPolicy, BatchedHead),
    (RecurrentActorCriticPolicy, RecurrentHead),
    (ActorCriticPolicy, ActorCriticHead),
    (SACPolicy, SquashedHead),
    (TQCPolicy, SquashedHead),
    (CrossQPolicy, SquashedHead),
    (TD3Policy, DeterministicHead),
    (DQNPolicy, ValueHead),
    (QRDQNPolicy, QuantileHead),
    (ARSPolicy, LinearHead),
)
"""the first that fits is taken"""


def head_of(policy: Any, algo: str) -> Head:
    """The head of a policy.

    Args:
        policy: an `Actor.policy`; it is put into evaluation mode.
        algo: name of its algorithm, for messages.

    Raises:
        UserError: for a policy that can't be exported, saying why.
    """
    if isinstance(policy, MaskableActorCriticPolicy):
        raise UserError(
            f"a policy of {algo} can't be exported: in each step its world tells it which actions are allowed, and a "
            "file has no world; train with ppo2 for a policy that can be."
        )
    if isinstance(policy, RandomPolicy):
        raise UserError(f"{algo} can't be exported: it draws its actions without looking, so there is nothing to keep.")
    for kind, make in HEADS:
        if isinstance(policy, kind):
            policy.set_training_mode(False)
            return make(policy)
    raise UserError(
        f"a policy of {algo} can't be exported: the exporter knows no {type(policy).__name__}; "
        "add it to HEADS in rl_baselines/export/heads.py."
    )
