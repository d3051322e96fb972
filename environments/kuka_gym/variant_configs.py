"""Parameters of the Kuka worlds that vary the push of one button (plain data, no engine)."""

import dataclasses
from typing import ClassVar

from environments.kuka_gym.config import KukaButtonConfig, Range
from srl3.errors import UserError

Color = tuple[float, float, float]
Vector = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class KukaRandButtonConfig(KukaButtonConfig):
    """A Kuka arm pushes a button among ducks, toy bricks and cubes, and a ball that is kicked across the table."""

    env_id: ClassVar[str] = "KukaRandButtonGymEnv-v0"

    n_distractors: int = 10
    """Things that lie about: duck, brick, cube, duck, ..."""
    distractor_x: Range = (0.35, 0.65)
    """Range of a distractor's x at the start of an episode, metres."""
    distractor_y: Range = (-0.3, 0.3)
    """Range of a distractor's y at the start of an episode, metres."""
    distractor_clearance: float = 0.1
    """No distractor starts nearer to the button than this, metres."""
    distractor_spacing: float = 0.1
    """No distractor starts nearer to another than this, metres."""
    distractor_settle_steps: int = 20
    """Physics steps at the start of every episode in which the distractors come to lie on the table."""
    ball_pos: Vector = (0.25, -0.2, 0.1)
    """Where the ball is let fall, metres."""
    kick_step: int = 10
    """Physics step of the episode at which the ball is kicked; 0 never."""
    kick_force: Vector = (0.0, 10.0, 0.0)
    """Force of the kick, which lasts one physics step, newtons."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (
            "n_distractors",
            "distractor_clearance",
            "distractor_spacing",
            "distractor_settle_steps",
            "kick_step",
        ):
            if getattr(self, name) < 0:
                raise UserError(f"{name} of {self.env_id} must not be negative, not {getattr(self, name)}.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kuka2ButtonConfig(KukaButtonConfig):
    """A Kuka arm pushes two buttons in order: the light one, then the dark one."""

    env_id: ClassVar[str] = "Kuka2ButtonGymEnv-v0"

    max_steps: int = 1500
    button_pos: Vector = (0.5, 0.125, -0.2)
    """Where the light button's foot stands, metres; its z is kept by a random target too."""
    second_button_pos: Vector = (0.5, -0.125, -0.2)
    """Where the dark button's foot stands, metres; its z is kept by a random target too."""
    random_target_y: Range = (0.075, 0.3)
    """Range of the light button's y when the target is random, metres."""
    second_random_target_y: Range = (-0.3, -0.075)
    """Range of the dark button's y when the target is random, metres."""
    light_color: Color = (1.0, 0.45, 0.4)
    """Red, green and blue of the first cap, 0 to 1."""
    dark_color: Color = (0.45, 0.02, 0.02)
    """Red, green and blue of the second cap, 0 to 1."""
    max_distance: float = 2.0
    force_down: bool = False
    """True: actions never raise the hand, as in the other Kuka worlds; the second button is then hard to come to."""
    contact_reward: float = 25.0
    """Dense reward of a step in contact with the goal button, but for the last."""
    outside_reward: float = -20.0
    """Dense reward of a step outside ``max_distance``."""

    @property
    def workspace(self) -> tuple[Range, Range, Range]:
        return self.large_workspace_x, self.large_workspace_y, self.workspace_z


@dataclasses.dataclass(frozen=True, kw_only=True)
class KukaMovingButtonConfig(KukaButtonConfig):
    """A Kuka arm pushes a button that wanders to and fro."""

    env_id: ClassVar[str] = "KukaMovingButtonGymEnv-v0"

    max_steps: int = 1500
    button_speed: float = 0.001
    """How far the button moves along y in a physics step, metres."""
    button_turns_y: Range = (-0.3, 0.3)
    """Where the button turns round, metres."""
