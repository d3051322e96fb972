"""`EnvConfig`: the parameters that every world has."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

from environments.config.convert import build_whole, dotted_names, field_types, plain
from environments.config.names import flatten, nest
from srl3.errors import UserError

PIXELS = "raw_pixels"
GROUND_TRUTH = "ground_truth"
JOINTS = "joints"
JOINTS_POSITION = "joints_position"
CURRICULUM = "curriculum"
"""parameter of worlds that have one"""


LARGEST = 2**31 - 1
"""whole number of a configuration"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnvConfig:
    """Parameters common to all worlds. Lengths in metres, angles in radians, unless said otherwise.

    A part of a world is a field that is a frozen dataclass; its values have dotted names (``sim.timestep``).
    A field ``dict[str, float]`` holds named numbers, such as weights of reward terms, whose names its default gives.
    """

    env_id: ClassVar[str] = "SRLGymEnv"
    default_srl_model: ClassVar[str] = GROUND_TRUTH
    """What is observed where the user does not say."""

    action_repeat: int = 1
    """Times that one action is applied in one ``step``; the rewards are summed."""
    max_steps: int = 1000
    """Steps after which an episode is truncated."""
    renders: bool = False
    """Opens a window (``render_mode='human'`` does the same)."""
    record_data: bool = False
    """Every step's info carries the camera image under ``frame``, whatever is observed."""

    def __post_init__(self) -> None:
        for name in ("action_repeat", "max_steps"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} of {self.env_id} must be at least 1, not {getattr(self, name)}.")
            if getattr(self, name) > LARGEST:
                raise UserError(f"{name} of {self.env_id} must be at most {LARGEST:,}, not {getattr(self, name):,}.")

    @property
    def srl_model(self) -> str:
        """What is observed."""
        return self.default_srl_model

    @property
    def is_discrete(self) -> bool:
        """Whether actions are whole numbers."""
        return False

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """``(height, width, channels)`` of the world's pictures; None where it does not draw, or as it likes."""
        return None

    @classmethod
    def observes(cls) -> tuple[str, ...]:
        """The values that ``srl_model`` may have; those learned from pixels not among them."""
        return (cls.default_srl_model,)

    @classmethod
    def has(cls, name: str) -> bool:
        """Whether there is a parameter of this name (without dots)."""
        return name in field_types(cls)

    @classmethod
    def parameter_names(cls) -> list[str]:
        """Dotted names of all parameters."""
        return dotted_names(cls)

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any]) -> Self:
        """The configuration for these keyword arguments: by dotted name, nested, or both (the later one counts).

        Raises:
            UserError: for an unknown name, a value of the wrong type, or a mode the world does not have.
        """
        kwargs = dict(kwargs)
        if "srl_model" in kwargs and not cls.has("srl_model"):  # a world that is observed in one way has no choice
            asked = kwargs.pop("srl_model")
            if asked not in cls.observes():
                raise UserError(f"{cls.env_id} does not observe '{asked}'; it observes {', '.join(cls.observes())}.")
        return build_whole(cls, cls.env_id, nest(kwargs))

    def as_dict(self) -> dict[str, Any]:
        """All parameters, nested, defaults included, as JSON and YAML can hold them; `from_kwargs` takes it back."""
        return plain(self)

    def unlike(self, other: "EnvConfig") -> list[str]:
        """Names of parameters by which what a policy of a world with the configuration ``other`` observes or does means
        something else in this one's. None where a world says nothing."""
        return []

    def stage_began(self, control_steps: int) -> int:
        """After how many control steps the parameters changed last, of a world that has done so many; 0 where they
        never did. Those of a world without a curriculum never do."""
        return 0

    def as_trained(self, control_steps: int, *, further: bool = False) -> Self:
        """What a curriculum makes of these parameters in so many control steps of each robot, and where it stays; with
        ``further`` what is to come follows, in the steps that are left."""
        return self

    def holding(self, names: Collection[str]) -> Self:
        """These parameters where no curriculum changes those of these dotted names."""
        return self

    def flat(self) -> dict[str, Any]:
        """All parameters by dotted name."""
        return flatten(self.as_dict())
