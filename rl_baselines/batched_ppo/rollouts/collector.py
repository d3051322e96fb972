"""Rollouts of a policy on a world, both on tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from environments.batched.tensors import TensorStep
from rl_baselines.batched_ppo.exploration.distillation import LastObservations
from rl_baselines.batched_ppo.networks.distributions import ActionDistribution
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.networks.recurrence import Memory, rows_of
from rl_baselines.batched_ppo.not_finite import naming_observations
from rl_baselines.batched_ppo.rollouts.clock import Clock
from rl_baselines.batched_ppo.rollouts.rollout import Rollout, advantages
from rl_baselines.batched_ppo.updates.losses import normalised
from rl_baselines.batched_ppo.updates.symmetry import Symmetry
from rl_baselines.vec_envs.tensors import TensorVecEnv
from srl3.runtime.ranks import ALONE, Ranks

VALUES_AT_ONCE = 8192
"""observations whose values are taken in one pass"""


@dataclass(frozen=True)
class Estimation:
    """How advantages are made."""

    gamma: float
    gae_lambda: float
    reward_scale: float
    normalize: bool
    """over the whole rollout"""
    ranks: Ranks = ALONE
    """that of all of them"""


@dataclass
class _TimeOut:
    """Episodes that were cut off by a time limit in one step."""

    step: int
    rows: Tensor
    observations: Tensor
    memory: Memory


@dataclass
class Trajectories:
    """What N robots did in T steps."""

    observations: dict[str, Tensor]
    """by group, ``(T + 1, N, …)``, as the world gives them"""
    starts: Tensor
    """``(T + 1, N) bool``: an episode begins with this observation"""
    rewards: Tensor
    """``(T, N)``"""
    actions: list[Tensor] = field(default_factory=list)
    distributions: list[ActionDistribution] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    """of a critic with a memory"""
    time_outs: list[_TimeOut] = field(default_factory=list)
    lasts: list[LastObservations] = field(default_factory=list)
    """of all episodes that ended, of the group whose novelty counts"""
    scripted: list[Tensor] = field(default_factory=list)
    """actions of the world's scripted policy, where it is imitated"""
    pi_memory: Memory = ()
    vf_memory: Memory = ()


class Collector:
    """Steps a world by a policy, and remembers where it is.

    Args:
        policy: draws the actions.
        world: takes them.
        groups: of the observations of the policy and of the critic.
        generator: of the noise, on the policy's device.
        clip_actions: greatest size of an action, or None.
        clock: told where the time goes.

    Attributes:
        observations: by group, ``(N, …)``, before the next step, on the policy's device.
        starts: ``(N,) bool``: an episode begins with them.
        pi_memory: of the actor.
        vf_memory: of the critic.
        novelty_group: the group of observations whose novelty counts; None: none.
        scripted: gives the actions of the world's scripted policy in the present states; None: it is not imitated.
    """

    def __init__(
        self,
        policy: BatchedPolicy,
        world: TensorVecEnv,
        groups: tuple[str, str],
        generator: torch.Generator,
        clip_actions: float | None,
        clock: Clock,
    ) -> None:
        self.policy = policy
        self.world = world
        self.groups = groups
        self.generator = generator
        self.clock = clock
        self.novelty_group: str | None = None
        self.scripted: Callable[[], Tensor] | None = None
        self.observations: dict[str, Tensor] | None = None
        self.starts = torch.ones(world.num_envs, dtype=torch.bool, device=policy.device)
        self.pi_memory: Memory = ()
        self.vf_memory: Memory = ()
        self._bounds: tuple[Tensor, Tensor] | None = None
        space = world.action_space
        if isinstance(space, spaces.Box):
            most = np.inf if clip_actions is None else clip_actions
            low, high = np.clip(space.low, -most, most), np.clip(space.high, -most, most)
            self._bounds = torch.as_tensor(low, device=policy.device), torch.as_tensor(high, device=policy.device)

    def begin(self, observations: dict[str, Tensor]) -> None:
        """All episodes begin with these ``observations``."""
        self.observations = self._taken(observations)
        self.starts.fill_(True)
        if self.policy.is_recurrent:
            self.pi_memory = self.policy.pi_memory.empty(self.world.num_envs)
            self.vf_memory = self.policy.vf_memory.empty(self.world.num_envs)

    @torch.no_grad()
    def run(self, steps: int, after_step: Callable[[TensorStep], bool], imitating: bool = False) -> Trajectories | None:
        """``steps`` steps of all robots; None when ``after_step`` says that it is enough.

        Args:
            steps: in each world.
            after_step: whether to go on.
            imitating: ask the scripted policy too.
        """
        assert self.observations is not None, "begin() comes first"
        count, device = self.world.num_envs, self.policy.device
        record = Trajectories(
            {group: values.new_empty((steps + 1, *values.shape)) for group, values in self.observations.items()},
            torch.empty((steps + 1, count), dtype=torch.bool, device=device),
            torch.empty((steps, count), device=device),
            pi_memory=self.pi_memory,
            vf_memory=self.vf_memory,
        )
        for time in range(steps):
            with self.clock.part("policy"):
                self._note(record, time)
                actions = self._act(record)
                if imitating and self.scripted is not None:
                    record.scripted.append(self.scripted().to(device))
            with self.clock.part("world"), naming_observations(self.world, self.observations, actions):
                step = self.world.step(self._for_world(actions))
            self.observations = self._taken(step.observations)
            record.rewards[time] = step.reward
            if len(step.final_rows):
                self._note_ends(record, time, step)
            self.starts = (step.terminated | step.truncated).to(device)
            if not after_step(step):
                return None
        self._note(record, steps)
        return record

    def _taken(self, observations: dict[str, Tensor]) -> dict[str, Tensor]:
        wanted = dict.fromkeys((*self.groups, self.novelty_group))
        return {group: observations[group].to(self.policy.device) for group in wanted if group is not None}

    def _note(self, record: Trajectories, time: int) -> None:
        assert self.observations is not None
        for group, values in self.observations.items():
            record.observations[group][time] = values
        record.starts[time] = self.starts

    def _act(self, record: Trajectories) -> Tensor:
        policy, observations = self.policy, self.observations
        assert observations is not None
        inputs = policy.normalise(observations[self.groups[0]])
        if policy.is_recurrent:
            starts = self.starts[None]
            distribution, self.pi_memory = policy.act(inputs[None], self.pi_memory, starts)
            critic_inputs = policy.normalise(observations[self.groups[1]], critic=True)
            values, self.vf_memory = policy.value(critic_inputs[None], self.vf_memory, starts)
            record.values.append(values)
        else:
            distribution, _ = policy.act(inputs)
        actions = distribution.sample(self.generator)
        record.distributions.append(distribution)
        record.actions.append(actions)
        return actions

    def _for_world(self, actions: Tensor) -> Tensor:
        if self._bounds is not None:
            actions = actions.clamp(*self._bounds)
        return actions.to(self.world.device)

    def _note_ends(self, record: Trajectories, time: int, step: TensorStep) -> None:
        device = self.policy.device
        if self.novelty_group is not None:
            seen = step.final_observations[self.novelty_group].to(device)
            record.lasts.append(LastObservations(time, step.final_rows.to(device), seen.flatten(1)))
        cut = step.truncated[step.final_rows]
        if bool(cut.any()):
            rows = step.final_rows[cut].to(device)
            last = step.final_observations[self.groups[1]][cut].to(device)
            record.time_outs.append(_TimeOut(time, rows, last, rows_of(self.vf_memory, rows)))

    @torch.no_grad()
    def estimated(
        self,
        record: Trajectories,
        how: Estimation,
        symmetries: Sequence[Symmetry],
        bonus: Tensor | None = None,
    ) -> Rollout:
        """The rollout that an update learns from: values of all observations, of last ones too, in a few passes.

        Args:
            record: what was done.
            how: advantages are made.
            symmetries: of the world.
            bonus: ``(T, N)``, added to the scaled rewards.
        """
        policy, (seen, valued) = self.policy, self.groups
        steps, count = record.rewards.shape
        vf_inputs = policy.normalise(record.observations[valued].flatten(0, 1), critic=True)
        valued_inputs = vf_inputs[: steps * count]
        pi_inputs = (
            valued_inputs
            if policy.critic_space is None
            else policy.normalise(record.observations[seen][:steps].flatten(0, 1))
        )
        if policy.is_recurrent:
            last, _ = policy.value(vf_inputs[None, -count:], self.vf_memory, record.starts[None, -1])
            values = torch.stack(record.values)
        else:
            flat = torch.cat([policy.value(part)[0] for part in vf_inputs.split(VALUES_AT_ONCE)])
            values, last = flat[: steps * count].view(steps, count), flat[steps * count :]
        rewards = record.rewards * how.reward_scale
        if bonus is not None:
            rewards += bonus
        for time_out, value in zip(record.time_outs, self._last_values(record.time_outs), strict=True):
            rewards[time_out.step, time_out.rows] += how.gamma * value
        estimates = advantages(rewards, values, last, record.starts[1:], how.gamma, how.gae_lambda)
        returns = estimates + values
        flat_estimates = estimates.flatten()
        actions = torch.cat(record.actions)
        before = type(record.distributions[0]).joined(record.distributions)  # type: ignore[arg-type]
        mirrored = []
        for symmetry in symmetries:
            seen_there = symmetry.policy.numbers(record.observations[seen][:steps].flatten(0, 1))
            valued_there = symmetry.critic.numbers(record.observations[valued][:steps].flatten(0, 1))
            mirrored.append(
                (
                    policy.normalise(seen_there),
                    policy.normalise(valued_there, critic=True),
                    symmetry.mirrored_actions(actions),
                )
            )
        return Rollout(
            pi_inputs,
            valued_inputs,
            actions,
            before,
            before.log_prob(actions),
            values.flatten(),
            returns.flatten(),
            normalised(flat_estimates, how.ranks) if how.normalize else flat_estimates,
            steps,
            count,
            record.starts[:-1],
            mirrored,
            record.pi_memory,
            record.vf_memory,
            scripted=torch.cat(record.scripted) if record.scripted else None,
        )

    def _last_values(self, time_outs: list[_TimeOut]) -> list[Tensor]:
        """Values of the last observations of episodes that time limits cut off, all in one pass."""
        if not time_outs:
            return []
        inputs = self.policy.normalise(torch.cat([one.observations for one in time_outs]), critic=True)
        if self.policy.is_recurrent:
            memory = tuple(torch.cat(parts, 1) for parts in zip(*(one.memory for one in time_outs), strict=True))
            goes_on = torch.zeros((1, len(inputs)), dtype=torch.bool, device=inputs.device)
            values, _ = self.policy.value(inputs[None], memory, goes_on)
        else:
            values, _ = self.policy.value(inputs)
        return list(values.split([len(one.rows) for one in time_outs]))

    # going on

    def save_state(self) -> dict[str, Any]:
        """Where it is, as a tree of arrays."""
        return {
            "observations": None
            if self.observations is None
            else {group: values.cpu().numpy() for group, values in self.observations.items()},
            "starts": self.starts.cpu().numpy(),
            "pi_memory": [part.cpu().numpy() for part in self.pi_memory],
            "vf_memory": [part.cpu().numpy() for part in self.vf_memory],
            "generator": self.generator.get_state().numpy(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go to where `save_state` was called."""
        device = self.policy.device
        saved = state["observations"]
        self.observations = (
            None
            if saved is None
            else {group: torch.as_tensor(values, device=device) for group, values in saved.items()}
        )
        self.starts = torch.as_tensor(state["starts"], device=device)
        self.pi_memory = tuple(torch.as_tensor(part, device=device) for part in state["pi_memory"])
        self.vf_memory = tuple(torch.as_tensor(part, device=device) for part in state["vf_memory"])
        self.generator.set_state(torch.as_tensor(state["generator"]))
