"""Parameters of the racing car's world (plain data, no engine)."""

import dataclasses
from typing import ClassVar

from environments.config import Modes, SRLConfig
from srl3.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class CarRacingConfig(SRLConfig):
    """A car drives along a closed track that is drawn anew in every episode. Lengths are Box2D's units (metres)."""

    env_id: ClassVar[str] = "CarRacingGymEnv-v0"
    modes: ClassVar[Modes] = Modes(random_target=False, shape_reward=False)

    max_steps: int = 10000
    """Steps after which an episode is truncated; one is a fiftieth of a second."""
    lap_complete_fraction: float = 1.0
    """Part of the tiles that makes a lap when the car comes back over the start; 1: all tiles, wherever the car is."""
    step_reward: float = -0.1
    """Reward of every step."""
    track_reward: float = 1000.0
    """What all tiles of a track are worth together; each is paid when a wheel first touches it."""
    outside_reward: float = -100.0
    """Reward, in the place of all others, of the step that leaves the playfield and so ends the episode."""
    tiles_ahead: int = 5
    """The target is the point of the track this many tiles beyond the one nearest to the car."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.lap_complete_fraction <= 1:
            raise UserError(
                f"lap_complete_fraction of {self.env_id} must be above 0 and at most 1, "
                f"not {self.lap_complete_fraction:g}."
            )
        if self.tiles_ahead < 0:
            raise UserError(f"tiles_ahead of {self.env_id} must not be negative, not {self.tiles_ahead}.")
