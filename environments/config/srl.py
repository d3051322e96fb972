"""`SRLConfig`: the parameters and modes of worlds in the manner of the S-RL Toolbox."""

import dataclasses
from typing import ClassVar

from environments.config.base import GROUND_TRUTH, PIXELS, EnvConfig
from srl3.errors import UserError

MIN_IMAGE_SIDE = 36
"""Smallest image that Stable-Baselines3's NatureCNN can take."""
MAX_IMAGE_SIDE = 4096
"""beyond that a mistake is likelier than a picture"""


def check_img_shape(env_id: str, shape: tuple[int, int]) -> None:
    """Refuse pictures that are too small for a network, or too large for a memory.

    Raises:
        UserError: with the limit.
    """
    for wrong, words, limit in (
        (min(shape) < MIN_IMAGE_SIDE, "at least", MIN_IMAGE_SIDE),
        (max(shape) > MAX_IMAGE_SIDE, "at most", MAX_IMAGE_SIDE),
    ):
        if wrong:
            written = "x".join(map(str, shape))
            raise UserError(f"img_shape of {env_id} must be {words} {limit}x{limit}, not {written}.")


@dataclasses.dataclass(frozen=True)
class Modes:
    """The modes that a world accepts; asking for another is a `UserError` that names them."""

    discrete: bool = True
    continuous: bool = True
    joints: bool = False
    random_target: bool = True
    shape_reward: bool = True
    multi_view: bool = False
    states: tuple[str, ...] = (PIXELS, GROUND_TRUTH)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SRLConfig(EnvConfig):
    """Parameters of worlds with a target that is reached by discrete or continuous actions, seen by a camera."""

    default_srl_model: ClassVar[str] = PIXELS
    modes: ClassVar[Modes] = Modes()

    is_discrete: bool = True
    """Discrete actions; False gives a Box."""
    action_joints: bool = False
    """Continuous actions move the joints instead of the end effector (arms only)."""
    random_target: bool = False
    """The target is drawn anew in every episode."""
    shape_reward: bool = False
    """Dense reward instead of the sparse one."""
    multi_view: bool = False
    """Pixels from two cameras, stacked along the channels."""
    srl_model: str = PIXELS
    """What is observed: ``raw_pixels``, ``ground_truth``, ``joints`` or ``joints_position``."""
    img_shape: tuple[int, int] = (84, 84)
    """Height and width of the pixels."""
    relative_pos: bool = True
    """Ground truth is the agent relative to the target; False gives agent, then target."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)`` of the world's pictures."""
        return (*self.img_shape, 6 if self.multi_view else 3)

    @classmethod
    def observes(cls) -> tuple[str, ...]:
        return cls.modes.states

    def __post_init__(self) -> None:
        env, modes = self.env_id, self.modes
        if self.is_discrete and not modes.discrete:
            raise UserError(f"{env} has no discrete actions; use continuous ones (-c).")
        if not self.is_discrete and not modes.continuous:
            raise UserError(f"{env} has only discrete actions; leave out -c.")
        if self.action_joints and not modes.joints:
            raise UserError(f"{env} has no joint actions; leave out -joints.")
        if self.action_joints and self.is_discrete:
            raise UserError("joint actions are continuous; add -c to -joints.")
        if self.srl_model not in modes.states:
            raise UserError(f"{env} does not observe '{self.srl_model}'; it observes {', '.join(modes.states)}.")
        for flag in ("random_target", "shape_reward", "multi_view"):
            if getattr(self, flag) and not getattr(modes, flag):
                raise UserError(f"{env} has no {flag} mode; leave it out.")
        super().__post_init__()
        check_img_shape(env, self.img_shape)
