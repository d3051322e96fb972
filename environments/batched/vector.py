"""The Gymnasium `VectorEnv` adapter of a batched world."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from environments.batched.autoreset import Transition, step_and_reset
from environments.batched.world import BatchedWorld
from environments.terms import POLICY
from srl3.errors import UserError


class BatchedVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """N robots of a batched world as a Gymnasium `VectorEnv`.

    Autoreset is ``SAME_STEP``: the observation after an episode's end is the next episode's first, and the infos hold
    ``final_obs`` and ``final_info`` (``is_success`` where the world reports it, ``reward_terms`` as sums over the
    episode), with masks, in the form of `gymnasium.vector.SyncVectorEnv`. With ``record_data`` they hold all robots'
    ``frame`` too.

    Args:
        world: the robots.
        render_mode: ``rgb_array`` or None.

    Raises:
        UserError: for another render mode, or ``renders``: there is no window for many robots.
    """

    def __init__(self, world: BatchedWorld, render_mode: str | None = None) -> None:
        config = world.config
        if config.renders or render_mode not in (None, "rgb_array"):
            raise UserError(f"several {config.env_id} at once render as rgb_array only; make one for a window.")
        self.world = world
        self.num_envs = world.num_envs
        self.render_mode = render_mode
        self.metadata = {"render_modes": ["rgb_array"], "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = world.observation_space
        self.single_action_space = world.action_space
        self.observation_space = batch_space(world.observation_space, self.num_envs)
        self.action_space = batch_space(world.action_space, self.num_envs)
        self._running = np.zeros(self.num_envs, np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode for all robots, or for those of ``options["reset_mask"]`` (``(N,) bool``).

        Args:
            seed: robot i is seeded with ``seed + i``; or a seed for each, None to leave one as it is.
            options: none, or ``reset_mask``.

        Returns:
            The observations of all robots, and the infos.
        """
        if seed is not None:
            seeds = [seed + row for row in range(self.num_envs)] if isinstance(seed, int) else list(seed)
            if len(seeds) != self.num_envs:
                raise ValueError(f"{self.num_envs} robots take as many seeds, not {len(seeds)}")
            self.world.seed(seeds)
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, np.bool_))
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
            raise ValueError(f"reset_mask must be {self.num_envs} booleans, one of them True at least, not {mask!r}")
        self.world.reset(self.world.arrays.of(mask))
        self._running |= mask
        frames = self._frame_infos(self.world.images()) if self.world.config.record_data else {}
        return self.world.arrays.to_numpy(self.world.observe()), frames

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        if not self._running.all():
            raise RuntimeError(f"{self.world.config.env_id}: call reset() before step()")
        world = self.world
        transition = step_and_reset(world, actions, frames=world.config.record_data)
        step, to_numpy = transition.step, world.arrays.to_numpy
        infos = {} if transition.frames is None else self._frame_infos(transition.frames)
        if len(transition.rows):
            infos |= self._endings(transition)
        return (
            to_numpy(transition.observations[POLICY]),
            to_numpy(step.reward),
            to_numpy(step.terminated),
            to_numpy(step.truncated),
            infos,
        )

    def _frame_infos(self, frames: np.ndarray) -> dict[str, Any]:
        return {"frame": frames, "_frame": np.ones(self.num_envs, np.bool_)}

    def _endings(self, transition: Transition) -> dict[str, Any]:
        episodes = transition.episodes
        rows = episodes.rows
        over = np.zeros(self.num_envs, np.bool_)
        over[rows] = True
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row, final in zip(
            rows.tolist(), self.world.arrays.to_numpy(transition.final_observations[POLICY]), strict=True
        ):
            final_obs[row] = final.copy()
        terms: dict[str, np.ndarray] = {}
        for name, sums in episodes.terms.items():
            terms |= {name: np.zeros(self.num_envs), f"_{name}": over.copy()}
            terms[name][rows] = sums
        final_info: dict[str, Any] = {"reward_terms": terms, "_reward_terms": over.copy()}
        if self.world.reports_success:
            success = np.zeros(self.num_envs, np.bool_)
            success[rows] = episodes.successes == 1
            final_info |= {"is_success": success, "_is_success": over.copy()}
        if transition.frames is not None:
            frames = transition.frames.copy()
            frames[rows] = transition.final_frames
            final_info |= {"frame": frames, "_frame": over.copy()}
        return {"final_obs": final_obs, "_final_obs": over.copy(), "final_info": final_info, "_final_info": over.copy()}

    def render(self) -> tuple[np.ndarray, ...] | None:
        """One upright RGB image per robot, ``(H, W, 3) uint8``; None without a ``render_mode``."""
        return None if self.render_mode is None else tuple(self.world.images()[..., :3])

    def close_extras(self, **kwargs: Any) -> None:
        self.world.close()
