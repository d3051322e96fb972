"""Configuration of a MuJoCo world: a tree of frozen dataclasses, reached by dotted names. Imports no engine.

Every name that a task's terms have (a reward, an observation, a command) is a key here, with its weight, its noise or
its range.
"""

import dataclasses
import math
from collections.abc import Collection
from typing import ClassVar, Literal, Self

from environments.config import GROUND_TRUTH, PIXELS, EnvConfig, check_img_shape
from environments.mujoco_gym.checks import Range, check_numbers, check_ranges, check_sizes
from environments.terms import POLICY
from srl3.errors import UserError, unknown_name


@dataclasses.dataclass(frozen=True, kw_only=True)
class SimConfig:
    """The physics."""

    impl: Literal["auto", "batch", "warp", "jax"] = "auto"
    """``batch``: a CPU's threads; ``warp`` (and ``jax``): a GPU, by mujoco_warp; ``auto``: what the device takes"""
    device: str = "auto"
    """``auto``: ``cuda`` for ``warp``, else ``cpu``; or ``cpu``, ``cuda``, ``cuda:1`` …"""
    threads: int = 0
    """that step the worlds on a CPU; 0: as many as the process may use. Results don't depend on it."""
    timestep: float = 1 / 120
    """of one substep, seconds"""
    decimation: int = 2
    """substeps to a control step"""
    integrator: Literal["euler", "implicitfast", "implicit", "rk4"] = "euler"
    solver: Literal["newton", "cg", "pgs"] = "newton"
    iterations: int = 100
    """of the constraint solver, at most"""
    ls_iterations: int = 50
    """of its line search, at most"""
    cone: Literal["pyramidal", "elliptic"] = "pyramidal"
    """of the friction"""
    impratio: float = 1.0
    """stiffness of friction against that of contacts"""
    contacts: int = 0
    """that ``warp`` holds for a world, on average; 0: as many as falls show, twice over"""
    constraints: int = 0
    """that ``warp`` holds for a world, at most; 0: likewise"""
    replay_up_to: int = 256
    """robots, on a CPU, whose rewards and observations are computed by NumPy, from a recording of what torch does: to
    the same bits, in a fraction of the time that a few numbers take torch"""
    cuda_graphs: bool = True
    """on a GPU, steps and resets of a task are captured as CUDA graphs: Python need not start kernel by kernel"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActionConfig:
    """From a policy's numbers to the controls: clip, delay, moving average, scale, offset."""

    scale: float = 1.0
    """times the robot's own action scale"""
    clip: float = 1.0
    """actions are numbers in [-clip, clip]"""
    moving_average: float = 1.0
    """weight of the newest action; the rest is what was applied before"""
    delay: int = 0
    """control steps until an action is applied"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservationConfig:
    """What happens to an observation term, in this order: noise, clip, scale, delay, history."""

    noise: float = 0.0
    """half width (uniform) or standard deviation (gaussian)"""
    noise_kind: Literal["uniform", "gaussian"] = "uniform"
    clip: Range | None = None
    scale: float = 1.0
    delay: int = 0
    """control steps by which it is late"""
    history: int = 1
    """how many of the last values are observed, the oldest first"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Randomization:
    """A change to the models of single worlds, always from the values that the robot's file has."""

    when: Literal["startup", "reset", "interval"] = "startup"
    """once for every world, at each reset, or now and then within episodes"""
    operation: Literal["scale", "add", "set"] = "scale"
    distribution: Literal["uniform", "log_uniform", "gaussian"] = "uniform"
    """gaussian: the range is mean and standard deviation"""
    range: Range = (1.0, 1.0)
    names: str = ".*"
    """a regular expression that the whole name of a body, geom, joint or actuator must match"""
    shared: bool = False
    """one draw for all that match, instead of one each"""
    seconds: Range = (5.0, 10.0)
    """between two changes, for ``interval``"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushConfig:
    """A sudden change of the velocity of a robot's base, or of what a hand holds, now and then."""

    seconds: Range = (1.0, 3.0)
    """between two pushes"""
    horizontal: float = 0.5
    """up to this much along x and along y, m/s"""
    vertical: float = 0.0
    """m/s"""
    roll_pitch: float = 0.0
    """rad/s"""
    yaw: float = 0.0
    """rad/s"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RandomizeConfig:
    """What is randomised: nothing, unless it is set. The comments say which names are matched."""

    friction: Randomization | None = None
    """sliding friction; geoms"""
    mass: Randomization | None = None
    """mass and inertia together; bodies"""
    object_mass: Randomization | None = None
    """the same once more, for an object that a robot handles; bodies that ``mass`` does not match"""
    com: Randomization | None = None
    """centre of mass, metres, along each axis; bodies"""
    gains: Randomization | None = None
    """stiffness of position actuators, gear of motors; actuators"""
    damping: Randomization | None = None
    """joints"""
    armature: Randomization | None = None
    """joints"""
    friction_loss: Randomization | None = None
    """joints"""
    gravity: Randomization | None = None
    """along each axis (``add``), or its length (``scale``)"""
    object_size: Randomization | None = None
    """size of geoms, all dimensions together; mass and inertia stay"""
    push: PushConfig | None = None


MOST_PAST = 10_000
"""steps that an observation may be late, or remember"""
ABOVE_ZERO = {"mass", "object_mass", "object_size"}
"""of `RandomizeConfig`: what no world can be without"""
LENGTHS = {"max_steps", "episode_length_s"}
"""two names of one parameter"""
SHOWN_BY = ("scale", "clip", "delay", "history")
"""what of an `ObservationConfig` says what a policy's numbers mean"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of a curriculum: values that hold from a number of control steps on."""

    after: int = 0
    """control steps that each robot has taken"""
    values: dict[str, float | tuple[float, ...] | tuple[tuple[float, ...], ...]] = dataclasses.field(
        default_factory=dict
    )
    """by dotted name"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TerrainConfig:
    """A map of slopes, stairs and rubble, harder from level to level."""

    levels: int = 8
    tile: float = 6.0
    """side of a tile: one kind of ground at one level"""
    border: float = 12.0
    """width of the flat ground around the tiles"""
    cell: float = 0.1
    """between two heights of the map"""
    platform: float = 0.8
    """half side of the flat square in the middle of a tile, where robots start"""
    slope: float = 0.5
    """steepest slope, m/m"""
    stair_height: float = 0.16
    """highest step of a stair"""
    stair_depth: float = 0.3
    rubble: float = 0.08
    """highest stone, and deepest hole"""
    seed: int = 0
    """of the rubble"""
    first_levels: int = 3
    """robots begin at one of so many of the easiest levels"""
    curriculum: bool = True
    """a robot that crosses its tile goes up a level, one that hardly moves goes down; else levels are drawn anew"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CameraConfig:
    """The camera of pictures and films, which follows the robot."""

    distance: float = 3.0
    """metres from what it looks at"""
    azimuth: float = 135.0
    """degrees about the vertical"""
    elevation: float = -20.0
    """degrees; negative looks down"""
    height: float = 0.0
    """of what it looks at above the robot's base, metres"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskConfig(EnvConfig):
    """Parameters of every MuJoCo world. Lengths in metres, angles in radians, times in seconds, forces in newtons."""

    env_id: ClassVar[str] = "MujocoGymEnv"
    default_srl_model: ClassVar[str] = GROUND_TRUTH
    fixed_parts: ClassVar[tuple[str, ...]] = (
        *("sim", "robot", "srl_model", "img_shape", "policy_group", "camera", "nan_dump"),
        *("observations", "randomize"),
    )
    """parameters, and parts of them, that a curriculum can't change while the world runs: what it is made with; what an
    action does (``acts_by``) is fixed, too"""
    acts_by: ClassVar[tuple[str, ...]] = ("robot", "actions")
    """parameters, and parts of them, that say what an action does"""
    above_zero: ClassVar[tuple[str, ...]] = (
        *("sim.timestep", "sim.decimation", "sim.iterations", "sim.ls_iterations", "sim.impratio"),
        *("actions.clip", "camera.distance"),
    )
    """dotted names of numbers that must be above 0"""
    at_least_zero: ClassVar[tuple[str, ...]] = (
        "sim.threads",
        "sim.contacts",
        "sim.constraints",
        "sim.replay_up_to",
        "actions.delay",
    )
    shares: ClassVar[tuple[str, ...]] = ()
    """dotted names of numbers that must be from 0 to 1"""

    robot: str = ""
    """name of a robot in ``environments/mujoco_gym/robots``, or a Python file with one"""
    srl_model: str = GROUND_TRUTH
    """what is observed: ``ground_truth`` (the task's terms) or ``raw_pixels``"""
    img_shape: tuple[int, int] = (84, 84)
    """height and width of the pixels"""
    episode_length_s: float | None = None
    """length of an episode in seconds; it becomes ``max_steps``"""
    rewards: dict[str, float] = dataclasses.field(default_factory=dict)
    """weight of each reward term"""
    observations: dict[str, dict[str, ObservationConfig]] = dataclasses.field(default_factory=dict)
    """for each group (``policy``, and ``critic`` where there is one), its terms in their order"""
    policy_group: str = POLICY
    """the group that a policy is shown: ``critic`` shows it, without noise, what is else for a value function alone"""
    sim: SimConfig = SimConfig()
    actions: ActionConfig = ActionConfig()
    randomize: RandomizeConfig = RandomizeConfig()
    curriculum: tuple[Stage, ...] = ()
    camera: CameraConfig = CameraConfig()
    nan_dump: str = ""
    """file for the first state that became NaN; empty: ``nan_dump.npz`` in the run's folder, where there is one"""

    def __post_init__(self) -> None:
        if self.episode_length_s is not None:
            check_numbers(self.env_id, {"episode_length_s": self.episode_length_s}, ("episode_length_s",), (), ())
            object.__setattr__(self, "max_steps", max(1, round(self.episode_length_s / self.control_dt)))
            object.__setattr__(self, "episode_length_s", None)  # so that a later max_steps counts
        super().__post_init__()
        env = self.env_id
        if self.action_repeat != 1:
            raise UserError(f"action_repeat of {env} must be 1; sim.decimation says how often an action is applied.")
        if self.srl_model not in self.observes():
            raise UserError(f"{env} does not observe '{self.srl_model}'; it observes {', '.join(self.observes())}.")
        check_img_shape(env, self.img_shape)
        check_numbers(env, self.flat(), self.above_zero, self.at_least_zero, self.shares)
        check_sizes(env, self)
        check_ranges(env, self)
        if not 0 < self.actions.moving_average <= 1:
            raise UserError(f"actions.moving_average of {env} must be in (0, 1], not {self.actions.moving_average:g}.")
        for group, terms in self.observations.items():
            for name, term in terms.items():
                if term.noise < 0 or not 0 <= term.delay <= MOST_PAST or not 1 <= term.history <= MOST_PAST:
                    raise UserError(
                        f"observations.{group}.{name} of {env}: noise must be at least 0, delay and history at most "
                        f"{MOST_PAST:,} steps, and at least 0 and 1."
                    )
        if self.policy_group not in {POLICY, *self.observations}:
            raise unknown_name(f"group of observations for policy_group of {env}", self.policy_group, self.observations)
        if self.policy_group != POLICY and self.srl_model == PIXELS:
            raise UserError(f"policy_group of {env} chooses among numbers; leave it out to observe {PIXELS}.")
        self._check_randomize()
        self._check_curriculum()

    def _check_curriculum(self) -> None:
        """Each stage must be a world, on top of those before it."""
        env, values = self.env_id, self._without_curriculum() if self.curriculum else {}
        for stage in self.stages:
            if stage.after < 0:
                raise UserError(f"a stage of a curriculum of {env} begins after at least 0 steps, not {stage.after}.")
            for name in stage.values:
                if any(name == part or name.startswith(f"{part}.") for part in (*self.fixed_parts, *self.acts_by)):
                    raise UserError(f"a curriculum of {env} can't change {name} while the world runs.")
            values = {**values, **stage.values}
            self.from_kwargs(values)

    @property
    def stages(self) -> list[Stage]:
        """Of the curriculum, in the order in which they begin."""
        return sorted(self.curriculum, key=lambda stage: stage.after)

    def _check_randomize(self) -> None:
        for field in dataclasses.fields(self.randomize):
            change = getattr(self.randomize, field.name)
            name = f"randomize.{field.name} of {self.env_id}"
            if change is None:
                continue
            if change.seconds[0] <= 0 or change.seconds[1] < change.seconds[0]:
                raise UserError(f"{name}: seconds must be positive and rise, not {change.seconds}.")
            if isinstance(change, PushConfig):
                sizes = dataclasses.asdict(change)
                check_numbers(name, sizes, (), ("horizontal", "vertical", "roll_pitch", "yaw"), ())
            if isinstance(change, Randomization):
                low, high = change.range
                if change.distribution != "gaussian" and high < low:
                    raise UserError(f"{name}: range must rise, not {change.range}.")
                if change.distribution == "gaussian" and high < 0:
                    raise UserError(
                        f"{name}: range is a mean and a standard deviation, at least 0, not {change.range}."
                    )
                if change.distribution == "log_uniform" and low <= 0:
                    raise UserError(f"{name}: a log_uniform range must be above 0, not {change.range}.")
                if change.operation == "scale" and field.name in ABOVE_ZERO and low <= 0:
                    raise UserError(f"{name}: factors must be above 0, not {change.range}.")
                if change.operation != "add" and field.name != "gravity" and low < 0:
                    raise UserError(f"{name}: the range must not go below 0, but is {change.range}.")

    def _without_curriculum(self) -> dict[str, object]:
        return {**self.as_dict(), "curriculum": []}

    def stage_at(self, steps: int) -> int:
        """The stage of the curriculum that holds after so many control steps; 0: none yet."""
        return sum(stage.after <= steps for stage in self.curriculum)

    def at(self, steps: int) -> tuple[int, Self]:
        """The stage of the curriculum that holds after so many control steps (0: none yet), and its configuration."""
        reached = [stage for stage in self.stages if stage.after <= steps]
        values: dict[str, object] = {}
        for stage in reached:
            values |= stage.values
        if not values:
            return len(reached), self
        return len(reached), dataclasses.replace(
            self.from_kwargs({**self._without_curriculum(), **values}), curriculum=self.curriculum
        )

    def stage_began(self, control_steps: int) -> int:
        return max((stage.after for stage in self.curriculum if stage.after <= control_steps), default=0)

    def as_trained(self, control_steps: int, *, further: bool = False) -> Self:
        _, reached = self.at(control_steps)
        to_come = [
            dataclasses.replace(stage, after=stage.after - control_steps)
            for stage in self.stages
            if further and stage.after > control_steps
        ]
        return dataclasses.replace(reached, curriculum=tuple(to_come))

    def holding(self, names: Collection[str]) -> Self:
        held = {*names, *(LENGTHS if LENGTHS & set(names) else ())}
        stages = [
            dataclasses.replace(stage, values={name: value for name, value in stage.values.items() if name not in held})
            for stage in self.curriculum
        ]
        return dataclasses.replace(self, curriculum=tuple(stage for stage in stages if stage.values))

    def unlike(self, other: EnvConfig) -> list[str]:
        mine, theirs = self.flat(), other.flat()
        group = f"observations.{theirs['policy_group']}"
        names = [
            name
            for name in mine
            if name.partition(".")[0] in self.acts_by
            or (name.startswith(f"{group}.") and name.rpartition(".")[2] in SHOWN_BY)
        ]
        differing = [name for name in names if theirs.get(name) != mine[name]]
        same_rate = math.isclose(self.control_dt, theirs["sim.timestep"] * theirs["sim.decimation"])
        return differing if same_rate else [*differing, "sim.decimation"]

    def observed_groups(self) -> dict[str, dict[str, ObservationConfig]]:
        """``observations`` as they are shown: ``policy_group`` in the place of the policy's."""
        if self.policy_group == POLICY:
            return self.observations
        return {**self.observations, POLICY: self.observations[self.policy_group]}

    @property
    def control_dt(self) -> float:
        """Seconds of a control step."""
        return self.sim.timestep * self.sim.decimation

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(height, width, channels)`` of the world's pictures."""
        return (*self.img_shape, 3)

    @classmethod
    def observes(cls) -> tuple[str, ...]:
        return (GROUND_TRUTH, PIXELS)
