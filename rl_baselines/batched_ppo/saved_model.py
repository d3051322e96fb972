"""The files of `BatchedPPO`: written and read, and what a training needs beside them to go on."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.batched_ppo.exploration.distillation import RandomNetworkDistillation
from rl_baselines.batched_ppo.files import Target, as_arrays, read_policy_state, write_model
from rl_baselines.batched_ppo.networks.folding import changed_by_folding, from_plain, why_not_plain
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.rollouts.collector import Collector
from rl_baselines.batched_ppo.updates.learner import Learner

_OWN_OBJECTS = (
    "clock",
    "collector",
    "learner",
    "novelty",
    "trajectories",
    "symmetries",
    "ranks",
    "shared_episodes",
    "_last_obs",
    "_last_original_obs",
    "_last_episode_starts",
)
"""attributes that no file of Stable-Baselines3 holds"""


class SavedPPO(PPO):
    """PPO whose files plain Stable-Baselines3 opens where its networks are ordinary ones.

    Attributes:
        novelty: of observations, a part of the rewards; None without.
    """

    policy: BatchedPolicy
    learner: Learner
    collector: Collector
    novelty: RandomNetworkDistillation | None
    acting_only: bool

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
        """What a file of Stable-Baselines3 can't hold, as a tree of arrays: the normaliser, the tensors into which it
        was folded, and what is known of the world, where novelty counts."""
        return {
            "tensors": as_arrays(changed_by_folding(self.policy)) if self.why_not_plain() is None else {},
            "novelty": None if self.novelty is None else self.novelty.save_networks(),
        }

    def load_policy_state(self, state: Mapping[str, Any]) -> None:
        """Bring the policy, loaded from a file, to what it was when `policy_state` was called."""
        tensors = {name: torch.as_tensor(values) for name, values in state["tensors"].items()}
        self.policy.load_state_dict(from_plain(self.policy, {**self.policy.state_dict(), **tensors}))
        if self.novelty is not None and state.get("novelty") is not None:
            self.novelty.load_networks(state["novelty"])

    def save_state(self) -> dict[str, Any]:
        """What, besides parameters and worlds, a training needs to go on bit for bit: a tree of arrays."""
        return {
            "rate": self.learner.rate,
            "refused": self.learner.refused,
            "collector": self.collector.save_state(),
            "novelty_averages": None if self.novelty is None else self.novelty.averages.cpu().numpy(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go to where `save_state` was called."""
        self.load_common_state(state)
        self.collector.load_state(state["collector"])
        if self.novelty is not None and state.get("novelty_averages") is not None:
            self.novelty.averages.copy_(torch.as_tensor(state["novelty_averages"]))

    def load_common_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `save_state` gave in a training of another number of ranks: all but worlds and noise."""
        self.learner.rate = state["rate"]
        self.learner.refused = state["refused"]
