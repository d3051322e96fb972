"""`SRLWorld`: batched worlds in the manner of the S-RL Toolbox, as NumPy arrays."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding

from environments.batched.world import ALL, BatchedWorld, Rows
from environments.config import PIXELS, SRLConfig
from environments.terms import POLICY, ObservationTerm, laid_out


class SRLWorld(BatchedWorld):
    """N robots that have a ground truth, a target and a camera; pixels or the ground truth are observed.

    Robots draw only from their own generator and only when they are reset, so that a robot's trajectory does
    not depend on its neighbours; noise per step is drawn at the reset too, one block for the episode.

    Attributes:
        rngs: N generators; `seed` sets them, and the single adapter puts Gymnasium's ``np_random`` in.
    """

    config: SRLConfig

    def __init__(self, config: SRLConfig, num_envs: int) -> None:
        self.rngs: list[np.random.Generator | None] = [None] * num_envs
        super().__init__(config, num_envs)

    # what a world provides

    @abstractmethod
    def ground_truth_dim(self) -> int:
        """Length of one robot's ground truth."""

    @abstractmethod
    def _draw_episode(self, rng: np.random.Generator) -> np.ndarray:
        """All random numbers of one robot's episode: one row, ``float64``, always of the same length."""

    @abstractmethod
    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        """Put the robots ``rows (K,)`` at the start of an episode made from ``draws (K, length)``."""

    @abstractmethod
    def ground_truth(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, ground_truth_dim) float32``, as `SRLGymEnv.ground_truth`."""

    @abstractmethod
    def target_pos(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, dimensions) float64``: positions of the targets, metres."""

    @abstractmethod
    def images(self, rows: Rows = ALL) -> np.ndarray:
        """``(K, H, W, 3) uint8`` RGB, 6 channels with ``multi_view``; a new array."""

    def ground_truth_terms(self) -> list[ObservationTerm]:
        """What the numbers of `ground_truth` mean."""
        return [ObservationTerm("ground_truth", self.ground_truth_dim())]

    # what all of them share

    def observe(self, rows: Rows = ALL, group: str = POLICY) -> np.ndarray:
        """``(K, *observation_space.shape)``, a new array; nothing is drawn unless pixels are observed."""
        return self.images(rows) if self.config.srl_model == PIXELS else self.ground_truth(rows)

    def observation_terms(self) -> list[ObservationTerm]:
        if self.config.srl_model == PIXELS:
            return super().observation_terms()
        return laid_out(self.ground_truth_terms())

    def _make_observation_spaces(self) -> dict[str, spaces.Box]:
        if self.config.srl_model == PIXELS:
            return {POLICY: spaces.Box(0, 255, self.config.image_shape, np.uint8)}
        return {POLICY: spaces.Box(-np.inf, np.inf, (self.ground_truth_dim(),), np.float32)}

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Give robot i a generator seeded with ``seeds[i]``, as ``gymnasium.Env.reset`` does; None leaves it."""
        for row, seed in enumerate(seeds):
            if seed is not None:
                self.rngs[row] = seeding.np_random(seed)[0]

    def rng(self, row: int) -> np.random.Generator:
        """The generator of one robot, seeded from the operating system where `seed` never set it."""
        rng = self.rngs[row]
        if rng is None:
            rng = self.rngs[row] = seeding.np_random()[0]
        return rng

    def _reset_rows(self, rows: np.ndarray) -> None:
        self._begin(rows, np.stack([self._draw_episode(self.rng(row)) for row in rows.tolist()]))

    def _random_state(self) -> dict[str, Any]:
        return {"rngs": [None if rng is None else rng.bit_generator.state for rng in self.rngs]}

    def _restore_random_state(self, state: Mapping[str, Any]) -> None:
        for row, rng_state in enumerate(state["rngs"]):
            if rng_state is not None:
                self.rng(row).bit_generator.state = rng_state
