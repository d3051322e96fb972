"""Holds a policy until what it earns has been learned, where no one has taught it that."""

from collections.abc import Iterator

import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn
from torch.nn.functional import mse_loss

PASSES = 10
"""over each rollout"""
BATCH = 128
LEARNING_RATE = 1e-3
LONG_SIGHTED = 1.0
"""lambda of the returns that values are fitted to: of all rewards that were seen, since values are wrong yet"""


class ValueWarmupCallback(BaseCallback):
    """In the first rollouts learns the value function alone: the parameters that a policy's actions depend on stay.

    Values are fitted to each rollout's returns by an optimiser of their own, `PASSES` times over it.

    Args:
        steps: environment steps; rollouts that begin before so many are learned from in this way.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self._held: list[nn.Parameter] = []

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps < self.steps:
            self._hold()
        else:
            self._release()

    def _on_rollout_end(self) -> None:
        if self._held:
            _fit_values(self._on_policy)

    def _on_training_end(self) -> None:
        self._release()

    def _on_step(self) -> bool:
        return True

    @property
    def _on_policy(self) -> OnPolicyAlgorithm:
        assert isinstance(self.model, OnPolicyAlgorithm)
        return self.model

    def _hold(self) -> None:
        self._on_policy.rollout_buffer.gae_lambda = LONG_SIGHTED
        of_values = set(_parameters_of_values(self._on_policy.policy))
        for parameter in self._on_policy.policy.parameters():
            if parameter.requires_grad and parameter not in of_values:
                parameter.requires_grad_(False)
                self._held.append(parameter)

    def _release(self) -> None:
        self._on_policy.rollout_buffer.gae_lambda = self._on_policy.gae_lambda
        for parameter in self._held:
            parameter.requires_grad_(True)
        self._held.clear()


def _parameters_of_values(policy: ActorCriticPolicy) -> Iterator[nn.Parameter]:
    yield from policy.value_net.parameters()
    yield from policy.mlp_extractor.value_net.parameters()
    if not policy.share_features_extractor:
        yield from policy.vf_features_extractor.parameters()


def _fit_values(model: OnPolicyAlgorithm) -> None:
    parameters = list(_parameters_of_values(model.policy))
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    model.policy.set_training_mode(True)
    for _ in range(PASSES):
        for data in model.rollout_buffer.get(BATCH):
            loss = mse_loss(model.policy.predict_values(data.observations).flatten(), data.returns)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.policy.set_training_mode(False)
