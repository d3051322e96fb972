"""The single adapter of a batched world: an `SRLGymEnv` over a world of one robot."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.batched.srl_world import SRLWorld
from environments.batched.world import BatchedWorld
from environments.config import CURRICULUM
from environments.srl_env import SRLGymEnv
from environments.terms import ActionTerm, ObservationTerm

if TYPE_CHECKING:
    from environments.scenes.parts import ScenePart


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
        return self._first(self.world.target_pos())

    def ground_truth(self) -> np.ndarray:
        return self._first(self.world.ground_truth())

    def get_image(self) -> np.ndarray:
        return self.world.images()[0]

    @property
    def control_dt(self) -> float | None:
        return self.world.control_dt

    def observation_terms(self) -> list[ObservationTerm]:
        return self.world.observation_terms()

    def action_terms(self) -> list[ActionTerm]:
        return self.world.action_terms()

    def scene_parts(self) -> "list[ScenePart] | None":
        return self.world.scene_parts()

    def scene_poses(self) -> np.ndarray | None:
        poses = self.world.scene_poses()
        return None if poses is None else poses[0]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        if seed is not None:
            self.world.seed([seed])
        return super().reset(seed=seed, options=options)

    def close(self) -> None:
        self.world.close()

    def _reset_world(self) -> None:
        if isinstance(self.world, SRLWorld):
            self.world.rngs[0] = self.np_random
        self.world.reset()

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        raise NotImplementedError("the world applies actions itself, in `_repeat`")

    def _repeat(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        step = self.world.step_checked(self.world.arrays.of(np.array([action])))
        terms = dict(zip(self.world.term_names(), step.terms[:, 0].tolist(), strict=True))
        return float(step.reward[0]), terms, bool(step.terminated[0]), bool(step.success[0])

    def _observe(self, info: dict[str, Any]) -> np.ndarray:
        # the picture of record_data is not drawn a second time
        if "frame" in info and info["frame"].shape == self.observation_space.shape:
            return info["frame"]
        return self._first(self.world.observe())

    @property
    def reports_success(self) -> bool:
        return self.world.reports_success

    @property
    def has_curriculum(self) -> bool:
        """Whether `stay_at` and `count_from` change something."""
        return bool(getattr(self.world.config, CURRICULUM, ()))

    def stay_at(self, control_steps: int) -> int:
        """As of `BatchedWorld`."""
        return self.world.stay_at(control_steps)

    def count_from(self, control_steps: int) -> None:
        """As of `BatchedWorld`."""
        self.world.count_from(control_steps)

    def resume_state(self) -> dict[str, Any]:
        """What `restore_state` needs to bring another instance to this very point (plain values and arrays)."""
        return {
            "world": self.world.resume_state(),
            "elapsed": self._elapsed_steps,
            "over": self._episode_over,
            "rng": self.np_random.bit_generator.state,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go to the point at which `resume_state` was called."""
        self.world.restore_state(state["world"])
        self._elapsed_steps = state["elapsed"]
        self._episode_over = state["over"]
        self.np_random.bit_generator.state = state["rng"]

    def _first(self, values: Any) -> np.ndarray:
        return self.world.arrays.to_numpy(values)[0]
