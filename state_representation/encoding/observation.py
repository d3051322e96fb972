"""What a policy observes: where it comes from in the world, and what is made of it on the way."""

import dataclasses
from typing import TYPE_CHECKING

from environments.config import PIXELS

if TYPE_CHECKING:
    from state_representation.encoding.encoder import Encoder


@dataclasses.dataclass(frozen=True)
class Observation:
    """The observation of a policy, before frames are stacked and states normalised."""

    world_source: str
    """what the world gives: ``raw_pixels``, ``ground_truth``, ``joints`` …"""
    encoder: "Encoder | None" = dataclasses.field(default=None, compare=False)
    """turns the world's images into states"""

    @property
    def fingerprint(self) -> str | None:
        """What tells the learned representation from others; None without one."""
        return None if self.encoder is None else self.encoder.info.fingerprint

    @property
    def has_images(self) -> bool:
        """Whether a network, the policy's or the encoder's, takes images: those want all of torch's threads."""
        return self.world_source == PIXELS

    @property
    def is_image(self) -> bool:
        """Whether the policy itself takes images."""
        return self.has_images and self.encoder is None

    @property
    def normalisable(self) -> bool:
        """Whether ``normalize`` applies: to states, never to images."""
        return not self.is_image
