"""The single face of a batched world: an `SRLGymEnv` over a world of one robot."""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.batched.world import BatchedWorld
from environments.srl_env import SRLGymEnv


class BatchedGymEnv(SRLGymEnv):
    """One robot of a batched world, after Gymnasium's API.

    Subclasses name their ``config_class`` and their ``world_class``.
    """

    world_class: ClassVar[type[BatchedWorld]]

    def __init__(self, render_mode: str | None = None, **env_kwargs: Any) -> None:
        self.world = self.world_class(self.config_class.from_kwargs(env_kwargs), 1)
        super().__init__(render_mode, **env_kwargs)

    def _make_action_space(self) -> spaces.Space[Any]:
        return self.world.action_space

    def _make_observation_space(self) -> spaces.Box:
        return self.world.observation_space

    def ground_truth_dim(self) -> int:
        return self.world.ground_truth_dim()

    def target_pos(self) -> np.ndarray:
        return self.world.target_pos()[0]

    def ground_truth(self) -> np.ndarray:
        return self.world.ground_truth()[0]

    def get_image(self) -> np.ndarray:
        return self.world.images()[0]

    def _reset_world(self) -> None:
        self.world.rngs[0] = self.np_random
        self.world.reset()

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        terms, terminated, success = self.world.advance(np.asarray(action)[None])
        values = dict(zip(self.world.term_names(), terms[:, 0].tolist(), strict=True))
        return float(terms.sum(axis=0)[0]), values, bool(terminated[0]), bool(success[0])

    def _advance(self, action: Any) -> tuple[float, bool, bool, dict[str, Any]]:
        reward, terminated, truncated, info = super()._advance(action)
        if not self.world.knows_success:
            info.pop("is_success", None)
        return reward, terminated, truncated, info

    def resume_state(self) -> dict[str, Any]:
        """What `restore_state` needs to bring another instance to this very point (plain values and arrays)."""
        return {
            "rows": self.world.get_rows(),
            "elapsed": self._elapsed_steps,
            "over": self._episode_over,
            "rng": self.np_random.bit_generator.state,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go to the point at which `resume_state` was called."""
        self.world.set_rows(slice(None), state["rows"])
        self._elapsed_steps = state["elapsed"]
        self._episode_over = state["over"]
        self.np_random.bit_generator.state = state["rng"]
