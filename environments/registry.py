"""The registry of environments: one line to add one, or a call of `register` from a package of the user's own."""

from environments.entries import PlottingType, RegisteredEnv, ThreadingType
from environments.foreign import foreign_entry, foreign_ids
from environments.packages import load_env_packages
from srl3.errors import UserError, unknown_name

__all__ = [
    "PlottingType",
    "RegisteredEnv",
    "ThreadingType",
    "canonical_id",
    "find_env",
    "known_envs",
    "register",
    "register_with_gymnasium",
    "registered_env",
    "unavailable_env",
]

_INMOOV = "environments.inmoov"
_HANDS = "environments.mujoco_gym.tasks.hands"
_KUKA = "environments.kuka_gym"
_MOBILE = "environments.mobile_robot"
_MUJOCO = "environments.mujoco_gym.tasks"
_OMNIROBOT = "environments.omnirobot_gym"

registered_env: dict[str, RegisteredEnv] = {
    "KukaButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_button_gym_env:KukaButtonGymEnv",
        f"{_KUKA}.config:KukaButtonConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
        oracle_moves_joints=False,
    ),
    "KukaRandButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_rand_button_gym_env:KukaRandButtonGymEnv",
        f"{_KUKA}.variant_configs:KukaRandButtonConfig",
        "KukaButtonGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
        oracle_moves_joints=False,
    ),
    "Kuka2ButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_2button_gym_env:Kuka2ButtonGymEnv",
        f"{_KUKA}.variant_configs:Kuka2ButtonConfig",
        "KukaButtonGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
        oracle_moves_joints=False,
    ),
    "KukaMovingButtonGymEnv-v0": RegisteredEnv(
        f"{_KUKA}.kuka_moving_button_gym_env:KukaMovingButtonGymEnv",
        f"{_KUKA}.variant_configs:KukaMovingButtonConfig",
        "KukaButtonGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_KUKA}.oracle:scripted_action",
        oracle_moves_joints=False,
    ),
    "InmoovGymEnv-v0": RegisteredEnv(
        f"{_INMOOV}.inmoov_gym_env:InmoovGymEnv",
        f"{_INMOOV}.config:InmoovReachConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_INMOOV}.oracle:reach_action",
    ),
    "InmoovButtonGymEnv-v0": RegisteredEnv(
        f"{_INMOOV}.inmoov_button_gym_env:InmoovButtonGymEnv",
        f"{_INMOOV}.config:InmoovButtonConfig",
        "InmoovGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.PROCESS,
        f"{_INMOOV}.oracle:press_action",
    ),
    "MobileRobotGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_env:MobileRobotGymEnv",
        f"{_MOBILE}.config:MobileRobotConfig",
        None,
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "MobileRobot2TargetGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_2target_env:MobileRobot2TargetGymEnv",
        f"{_MOBILE}.config:MobileRobot2TargetConfig",
        "MobileRobotGymEnv-v0",
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "MobileRobot1DGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_1d_env:MobileRobot1DGymEnv",
        f"{_MOBILE}.config:MobileRobot1DConfig",
        "MobileRobotGymEnv-v0",
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "MobileRobotLineTargetGymEnv-v0": RegisteredEnv(
        f"{_MOBILE}.mobile_robot_line_target_env:MobileRobotLineTargetGymEnv",
        f"{_MOBILE}.config:MobileRobotLineTargetConfig",
        "MobileRobotGymEnv-v0",
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_MOBILE}.oracle:greedy_action",
    ),
    "OmnirobotEnv-v0": RegisteredEnv(
        f"{_OMNIROBOT}.omnirobot_env:OmnirobotEnv",
        f"{_OMNIROBOT}.config:OmnirobotConfig",
        None,
        PlottingType.PLOT_2D,
        ThreadingType.BATCHED,
        f"{_OMNIROBOT}.oracle:scripted_action",
    ),
    "CarRacingGymEnv-v0": RegisteredEnv(
        "environments.car_racing.car_racing_env:CarRacingGymEnv",
        "environments.car_racing.config:CarRacingConfig",
        None,
        PlottingType.PLOT_2D,
        ThreadingType.PROCESS,
        "environments.car_racing.oracle:drive_action",
    ),
    "AntGymEnv-v0": RegisteredEnv(
        f"{_MUJOCO}.locomotion:AntGymEnv",
        f"{_MUJOCO}.locomotion_config:AntConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        f"{_MUJOCO}.ant_oracle:gait_action",
        aliases=("Ant",),
        default_algo="batched_ppo",
    ),
    "HumanoidGymEnv-v0": RegisteredEnv(
        f"{_MUJOCO}.locomotion:HumanoidGymEnv",
        f"{_MUJOCO}.locomotion_config:HumanoidConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        aliases=("Humanoid",),
        default_algo="batched_ppo",
    ),
    "VelocityFlatGymEnv-v0": RegisteredEnv(
        f"{_MUJOCO}.velocity:VelocityFlatGymEnv",
        f"{_MUJOCO}.velocity_config:VelocityFlatConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        f"{_MUJOCO}.velocity_oracle:trot_action",
        aliases=("VelocityFlat",),
        default_algo="batched_ppo",
    ),
    "VelocityRoughGymEnv-v0": RegisteredEnv(
        f"{_MUJOCO}.velocity:VelocityRoughGymEnv",
        f"{_MUJOCO}.velocity_config:VelocityRoughConfig",
        "VelocityFlatGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        f"{_MUJOCO}.velocity_oracle:trot_action",
        aliases=("VelocityRough",),
        default_algo="batched_ppo",
    ),
    "DexHandBaseGymEnv-v0": RegisteredEnv(
        f"{_HANDS}.base_task:DexHandBaseGymEnv",
        f"{_HANDS}.moving_config:DexHandBaseConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        f"{_HANDS}.oracles:raise_action",
        aliases=("BaseTask",),
        default_algo="batched_ppo",
    ),
    "DexHandGraspGymEnv-v0": RegisteredEnv(
        f"{_HANDS}.grasp:DexGraspGymEnv",
        f"{_HANDS}.moving_config:DexGraspConfig",
        "DexHandBaseGymEnv-v0",
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        f"{_HANDS}.oracles:grasp_action",
        aliases=("DexGrasp",),
        default_algo="batched_ppo",
    ),
    "ParaHandReorientGymEnv-v0": RegisteredEnv(
        f"{_HANDS}.reorient:ReorientGymEnv",
        f"{_HANDS}.in_hand_config:ReorientConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        f"{_HANDS}.oracles:hold_action",
        aliases=("ParaHandReorient",),
        default_algo="batched_ppo",
    ),
    "ParaHandRotateZGymEnv-v0": RegisteredEnv(
        f"{_HANDS}.rotate_z:RotateZGymEnv",
        f"{_HANDS}.in_hand_config:RotateZConfig",
        None,
        PlottingType.PLOT_3D,
        ThreadingType.BATCHED,
        f"{_HANDS}.oracles:hold_action",
        aliases=("ParaHandRotateZ",),
        default_algo="batched_ppo",
    ),
}

unavailable_env: dict[str, str] = {
    "Baxter-v0": "Baxter-v0 needs ROS and the robot itself, which SRL3 does not drive; use KukaButtonGymEnv-v0.",
    "RoboboGymEnv-v0": "RoboboGymEnv-v0 needs ROS and the robot itself, which SRL3 does not drive; "
    "use MobileRobotGymEnv-v0.",
}
"""Environments of the S-RL Toolbox that can't run here, with the sentence that says why."""


def register(
    env_id: str,
    entry_point: str,
    config: str,
    *,
    parent: str | None = None,
    plotting: PlottingType = PlottingType.PLOT_2D,
    threading: ThreadingType = ThreadingType.PROCESS,
    oracle: str | None = None,
    aliases: tuple[str, ...] = (),
    oracle_moves_joints: bool = True,
    default_algo: str | None = None,
) -> None:
    """Make a world known to every command and to ``gymnasium.make``: what a package of the user's own calls.

    Args:
        env_id: its id, for example ``PanTiltGymEnv-v0``.
        entry_point: ``module:class`` of the environment (an `SRLGymEnv`).
        config: ``module:class`` of its `EnvConfig`, whose module should load no engine.
        parent: as in `RegisteredEnv`, like the other ones.
        plotting: how its ground truth is drawn.
        threading: how several of it run at once.
        oracle: its scripted policy.
        aliases: short names by which commands take it too.
        oracle_moves_joints: the scripted policy also acts where actions move the joints.
        default_algo: the algorithm that trains it from states where none is named.

    Raises:
        UserError: when another world has the id or one of the short names.
    """
    for name, value, kind in (("plotting", plotting, PlottingType), ("threading", threading, ThreadingType)):
        if not isinstance(value, kind):
            choices = ", ".join(str(each) for each in kind)
            raise UserError(f"{name} of {env_id} must be one of {choices}, not {value!r}.")
    entry = RegisteredEnv(
        entry_point, config, parent, plotting, threading, oracle, aliases, oracle_moves_joints, default_algo
    )
    known = registered_env.get(env_id)
    if known == entry:
        return
    if known is not None or env_id in unavailable_env:
        theirs = known.entry_point if known is not None else "a world that is not here"
        raise UserError(f"the environment {env_id} is registered already, as {theirs}; choose another id.")
    taken = {alias: other for other, one in registered_env.items() for alias in (*one.aliases, other)}
    for alias in aliases:
        if alias in taken:
            raise UserError(f"the short name {alias} of {env_id} is taken by {taken[alias]}; choose another one.")
    registered_env[env_id] = entry
    register_with_gymnasium(env_id, entry)


def register_with_gymnasium(env_id: str, entry: RegisteredEnv) -> None:
    """Make one world known to ``gymnasium.make`` and, where it is batched, to ``gymnasium.make_vec``."""
    import gymnasium

    batched = entry.threading is ThreadingType.BATCHED
    gymnasium.register(
        id=env_id,
        entry_point=entry.entry_point,
        vector_entry_point=f"environments.batched.vector_entry:{env_id}" if batched else None,
        disable_env_checker=True,
    )


def canonical_id(name: str) -> str:
    """The id of the world that ``name`` names: itself, or the id whose short name it is.

    Raises:
        UserError: as `find_env`.
    """
    return _find(name)[0]


def find_env(env_id: str) -> RegisteredEnv:
    """The entry of ``env_id``, which may be a short name.

    Raises:
        UserError: for an unknown id (with close matches) or one that is unavailable (with the reason).
    """
    return _find(env_id)[1]


def known_envs() -> dict[str, RegisteredEnv]:
    """All registered worlds, those of installed packages among them."""
    load_env_packages()
    return registered_env


def _find(name: str) -> tuple[str, RegisteredEnv]:
    if name in unavailable_env:
        raise UserError(unavailable_env[name])
    found = _registered(name)
    if found is None:
        load_env_packages()
        found = _registered(name)
    if found is None:
        foreign = foreign_entry(name)
        found = None if foreign is None else (name, foreign)
    if found is None:
        aliases = [alias for entry in registered_env.values() for alias in entry.aliases]
        known = dict.fromkeys([*registered_env, *aliases, *foreign_ids()])
        own = (
            "one of a package of yours needs --env-package NAME; "
            f"SRL3's own are: {', '.join(registered_env)}; python -m rl_baselines.list prints them with their names."
        )
        error = unknown_name("environment", name, known, own)
        raise (
            error if own in str(error) else UserError(f"{error} (One of a package of yours needs --env-package NAME.)")
        )
    return found


def _registered(name: str) -> tuple[str, RegisteredEnv] | None:
    if name in registered_env:
        return name, registered_env[name]
    return next((item for item in registered_env.items() if name in item[1].aliases), None)
