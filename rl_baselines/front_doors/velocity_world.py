"""Names of mjlab's velocity environments, and the parameters of worlds that they are here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from environments.config import EnvConfig
from rl_baselines.front_doors.shared.table import Draft, truth
from srl3.errors import UserError, unknown_name

PARAMETERS: Mapping[str, str] = {
    "decimation": "sim.decimation",
    "episode_length_s": "episode_length_s",
    "sim.mujoco.timestep": "sim.timestep",
    "sim.mujoco.iterations": "sim.iterations",
    "sim.mujoco.ls_iterations": "sim.ls_iterations",
    "sim.mujoco.integrator": "sim.integrator",
    "sim.mujoco.solver": "sim.solver",
    "sim.mujoco.cone": "sim.cone",
    "sim.mujoco.impratio": "sim.impratio",
    "commands.twist.ranges.lin_vel_x": "command.lin_vel_x",
    "commands.twist.ranges.lin_vel_y": "command.lin_vel_y",
    "commands.twist.ranges.ang_vel_z": "command.ang_vel_z",
    "commands.twist.resampling_time_range": "command.seconds",
    "commands.twist.heading_control_stiffness": "command.heading_stiffness",
    "commands.twist.rel_heading_envs": "command.heading_share",
    "commands.twist.rel_standing_envs": "command.standing_share",
    "commands.twist.rel_forward_envs": "command.forward_share",
    "actions.joint_pos.scale": "actions.scale",
    "events.foot_friction.params.ranges": "randomize.friction.range",
    "events.base_com.params.ranges": "randomize.com.range",
    "events.push_robot.interval_range_s": "randomize.push.seconds",
    "viewer.distance": "camera.distance",
    "viewer.azimuth": "camera.azimuth",
    "viewer.elevation": "camera.elevation",
    "terminations.fell_over.params.limit_angle": "largest_tilt",
    "scene.terrain.terrain_generator.seed": "terrain.seed",
    "scene.terrain.max_init_terrain_level": "terrain.first_levels",
}
"""mjlab's dotted name to SRL3's"""
REWARDS: Mapping[str, str] = {
    "track_linear_velocity": "track_lin_vel",
    "track_angular_velocity": "track_ang_vel",
    "dof_pos_limits": "joint_limits",
    "action_rate_l2": "action_rate",
    "foot_swing_height": "swing_height",
}
"""names of terms that are others here"""
SUMMANDS = {"com"}
"""parts of ``randomize`` that are added; the others are factors"""


def put_parameter(made: Draft, config: EnvConfig, name: str, value: Any, flags: Sequence[str] = ()) -> None:
    """Take ``--env.<name>`` over.

    Args:
        made: the training in the making.
        config: of its world, at its defaults.
        name: by mjlab's or SRL3's dotted names, with underscores.
        value: as written.
        flags: other names that begin with ``env.``, which may have been meant.

    Raises:
        UserError: for a name that is neither.
    """
    special = SPECIAL.get(name)
    if special is not None:
        special(made, value)
        return
    known = config.parameter_names()
    ours = PARAMETERS.get(name, name)
    if name.startswith("rewards."):
        ours = _reward(name)
    if ours.startswith("randomize.") and ours.split(".")[1] in SUMMANDS:
        made.world[f"{ours.rpartition('.')[0]}.operation"] = "add"
    parts = [known_name for known_name in known if ours == known_name or ours.startswith(f"{known_name}.")]
    if not parts and not any(each.startswith(f"{ours}.") for each in known):
        raise unknown_name(
            f"parameter of {config.env_id}",
            f"env.{name}",
            [*flags, *(f"env.{each}" for each in (*PARAMETERS, *SPECIAL, *known))],
        )
    made.world[ours] = value


def _reward(name: str) -> str:
    """``rewards.<term>.weight``, or ``rewards.<term>``: the weight here."""
    term, _, field = name.removeprefix("rewards.").partition(".")
    if field not in ("", "weight"):
        raise UserError(
            f"--env.{name}: a reward term has a weight here (--env.rewards.{term}.weight), and nothing else."
        )
    return f"rewards.{REWARDS.get(term, term)}"


def _heading(made: Draft, value: Any) -> None:
    if not truth(str(value)):
        made.world["command.heading_share"] = 0.0


def _levels(made: Draft, value: Any) -> None:
    if value not in (None, "None", False, "False"):
        raise UserError("--env.curriculum.terrain-levels can be switched off by None; its levels are terrain.levels.")
    made.world["terrain.curriculum"] = False


def _stages(made: Draft, value: Any) -> None:
    """``velocity_stages``: a list of steps with ranges."""
    stages = value if isinstance(value, list) else [value]
    names = ("lin_vel_x", "lin_vel_y", "ang_vel_z")
    curriculum = []
    for stage in stages:
        if not isinstance(stage, Mapping) or "step" not in stage or not set(stage) <= {"step", *names}:
            raise UserError("velocity stages are a list such as [{step: 0, lin_vel_x: [-1, 1]}, {step: 120000, …}].")
        ranges = {f"command.{name}": stage[name] for name in names if stage.get(name) is not None}
        curriculum.append({"after": stage["step"], "values": ranges})
    made.world["curriculum"] = curriculum


def _push(made: Draft, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise UserError("a push's velocity_range is a mapping such as {x: [-0.5, 0.5], y: [-0.5, 0.5]}.")
    largest = {axis: max(abs(float(end)) for end in ends) for axis, ends in value.items()}
    fields = {
        "x": "horizontal",
        "y": "horizontal",
        "z": "vertical",
        "roll": "roll_pitch",
        "pitch": "roll_pitch",
        "yaw": "yaw",
    }
    for axis, size in largest.items():
        if axis not in fields:
            raise unknown_name("axis of a push", axis, fields)
        field = f"randomize.push.{fields[axis]}"
        made.world[field] = max(size, made.world.get(field, 0.0))


SPECIAL: Mapping[str, Callable[[Draft, Any], None]] = {
    "commands.twist.heading_command": _heading,
    "curriculum.terrain_levels": _levels,
    "curriculum.command_vel.params.velocity_stages": _stages,
    "events.push_robot.params.velocity_range": _push,
}
"""names whose values are other ones here"""
