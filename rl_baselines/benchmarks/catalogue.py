"""The rows of ``benchmark envs``, ``train``, ``srl`` and ``plots``. Imports no engine."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from environments.config import GROUND_TRUTH, PIXELS, EnvConfig, SRLConfig
from environments.registry import ThreadingType, find_env, registered_env
from rl_baselines.benchmarks.rows import Goal, Task

_KUKA = "rl_baselines.benchmarks.kuka_rows"
_MUJOCO = "rl_baselines.benchmarks.mujoco.against_physics"
_ONE_ROBOT = "rl_baselines.benchmarks.mujoco.one_robot"
_FEW_ROBOTS = "rl_baselines.benchmarks.mujoco.few_robots"
_OTHERS = "rl_baselines.benchmarks.mujoco.against_others"
_WORKERS = "rl_baselines.benchmarks.worker_rows"
_PLANAR = "rl_baselines.benchmarks.planar_rows"
_TRAIN = "rl_baselines.benchmarks.train_rows"
_BATCHED_PPO = "rl_baselines.benchmarks.batched_ppo"
_OFF_POLICY = "rl_baselines.benchmarks.off_policy_rows"
_SRL = "rl_baselines.benchmarks.srl_rows"
_PLOTS = "rl_baselines.benchmarks.plot_rows"
_LIVE = "rl_baselines.benchmarks.live.rows"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""programs that can look at a page"""
GRAPHS: tuple[tuple[str, dict[str, Any]], ...] = (("", {}), (", without graphs", {"sim.cuda_graphs": False}))
"""how worlds on a GPU are stepped"""
BATCHED_ENVS = 256
"""Environments at once that only batched worlds are trained with."""


def env_tasks() -> list[Task]:
    """Every row of the speed table."""
    kuka = [
        Task("Kuka, ground truth, against bare PyBullet", f"{_KUKA}:steps", goal=Goal(0.8)),
        Task("Kuka, reset, against 500 physics steps", f"{_KUKA}:reset", goal=Goal(0.1, at_most=True)),
        *(
            Task(f"Kuka, pixels {side}x{side}, against a plain camera", f"{_KUKA}:pixels", {"side": side}, Goal(least))
            for side, least in ((64, 4), (84, 4), (224, 3))
        ),
        Task(
            "Kuka, 8 in 2 workers, against one process",
            f"{_WORKERS}:workers",
            goal=Goal(1.7),
            one_core=False,
        ),
    ]
    planar = [
        name
        for name, entry in registered_env.items()
        if entry.threading is ThreadingType.BATCHED and issubclass(entry.load_config(), SRLConfig)
    ]
    mujoco = [
        Task(
            f"{env_id}, 1,024 at once, against the physics alone",
            f"{_MUJOCO}:steps",
            {"env_id": env_id, "num_envs": 1024, "usual_steps": 20},
            Goal(0.85),
        )
        for env_id in _mujoco_ids()
    ]
    mujoco += [
        Task(
            f"{env_id}, 1,024 at once, in two threads",
            f"{_MUJOCO}:steps",
            {"env_id": env_id, "num_envs": 1024, "usual_steps": 20, "env_kwargs": {"sim.threads": 2}},
            Goal(rate, of="value"),
            one_core=False,
        )
        for env_id, rate in TWO_THREADS.items()
    ]
    return kuka + [task for env_id in planar for task in _batched_tasks(env_id)] + mujoco + _mujoco_comparisons()


TWO_THREADS = {
    "AntGymEnv-v0": 32_000,
    "HumanoidGymEnv-v0": 15_000,
    "VelocityFlatGymEnv-v0": 14_000,
    "ParaHandReorientGymEnv-v0": 10_000,
}
"""control steps per second that two idle cores are to reach"""


def _mujoco_comparisons() -> list[Task]:
    """MuJoCo's worlds against other programs and each other, and what they take."""
    ant = "AntGymEnv-v0"
    return [
        Task(f"{ant}, one, against mj_step and NumPy", f"{_ONE_ROBOT}:against_plain", goal=Goal(0.5)),
        *(
            Task(
                f"{env_id}, one, in real time at {rate} Hz",
                f"{_ONE_ROBOT}:real_time",
                {"env_id": env_id},
                Goal(10, of="value", at_most=True),
            )
            for env_id, rate in ((ant, 60), ("VelocityFlatGymEnv-v0", 50))
        ),
        *(
            Task(
                f"{env_id}, {num_envs} at once, recorded, against torch",
                f"{_FEW_ROBOTS}:recorded",
                {"env_id": env_id, "num_envs": num_envs},
                Goal(1),
            )
            for env_id in (ant, "VelocityFlatGymEnv-v0", "ParaHandReorientGymEnv-v0")
            for num_envs in (1, 16, 64, 256)
        ),
        Task(
            f"{ant}, 64 at once, against Gymnasium's Ant-v5 in AsyncVectorEnv",
            f"{_OTHERS}:ant_against_gymnasium",
            {"num_envs": 64},
            Goal(4),
            one_core=False,
        ),
        Task(
            f"{ant}, memory of 4,096",
            f"{_OTHERS}:memory",
            {"env_id": ant, "num_envs": 4096},
            Goal(1024, of="value", at_most=True),
            one_core=False,
        ),
        Task(
            "VelocityRoughGymEnv-v0, 1,024 at once, against VelocityFlatGymEnv-v0",
            f"{_OTHERS}:world_against",
            {"env_id": "VelocityRoughGymEnv-v0", "other_id": "VelocityFlatGymEnv-v0", "num_envs": 1024},
            Goal(0.5),
        ),
    ]


def gpu_tasks() -> list[Task]:
    """Every MuJoCo world on a GPU, and trainings there."""
    worlds = [
        Task(
            f"{env_id} on a GPU, {num_envs:,} at once{what}, against mujoco_warp alone",
            f"{_MUJOCO}:steps",
            {"env_id": env_id, "num_envs": num_envs, "usual_steps": 100, "env_kwargs": {"sim.impl": "warp", **kwargs}},
            one_core=False,
        )
        for env_id in _mujoco_ids()
        for num_envs in (4096, 16384)
        for what, kwargs in GRAPHS
    ]
    trainings = [
        Task(
            f"batched_ppo, {env_id} on a GPU, 4,096 at once{what}:",
            f"{_BATCHED_PPO}.on_a_gpu:training",
            {"env_id": env_id, "n_envs": 4096, "env_kwargs": env_kwargs},
            one_core=False,
        )
        for env_id in ("AntGymEnv-v0", "HumanoidGymEnv-v0", "VelocityFlatGymEnv-v0", "ParaHandReorientGymEnv-v0")
        for what, env_kwargs in GRAPHS
    ]
    return worlds + trainings


def _mujoco_ids() -> list[str]:
    return [
        env_id for env_id, entry in registered_env.items() if entry.entry_point.startswith("environments.mujoco_gym")
    ]


def _batched_tasks(env_id: str) -> Iterator[Task]:
    for variant, changes in _noise_variants(find_env(env_id).load_config()):
        for what, num_envs, usual_steps, observed, least in (
            ("ground truth", 1024, 500, {"srl_model": GROUND_TRUTH}, 1_000_000),
            ("pixels 84x84", 256, 60, {"srl_model": PIXELS, "img_shape": (84, 84)}, 20_000),
            ("pixels 224x224", 256, 12, {"srl_model": PIXELS, "img_shape": (224, 224)}, 4_000),
        ):
            yield Task(
                f"{env_id}{variant}, {what}, {num_envs:,} at once",
                f"{_PLANAR}:steps",
                {
                    "env_id": env_id,
                    "num_envs": num_envs,
                    "usual_steps": usual_steps,
                    "env_kwargs": {**observed, **changes},
                },
                Goal(least, of="value"),
            )


def _noise_variants(config: type[EnvConfig]) -> list[tuple[str, dict[str, Any]]]:
    """The world as it is and, where it has noise, without."""
    noises = [field.name for field in dataclasses.fields(config) if "noise" in field.name and field.default]
    if not noises:
        return [("", {})]
    return [(" with noise", {}), (" without noise", dict.fromkeys(noises, 0.0))]


def train_tasks(env_ids: Sequence[str], n_envs: Sequence[int], srl_model: str, hyperparam: Sequence[str]) -> list[Task]:
    """Training of each world with so many environments; 256 of them only where they are batched."""
    tasks = []
    for env_id in env_ids:
        threading = find_env(env_id).threading
        for count in n_envs:
            if count > 1 and threading is ThreadingType.NONE:
                continue
            if count >= BATCHED_ENVS and threading is not ThreadingType.BATCHED:
                continue
            arguments = {
                "env_id": env_id,
                "n_envs": count,
                "srl_model": srl_model,
                "hyperparam": tuple(hyperparam),
            }
            tasks.append(Task(f"{env_id}, {count} at once:", f"{_TRAIN}:training", arguments, one_core=False))
    return tasks


def batched_ppo_tasks() -> list[Task]:
    """Training by ``batched_ppo`` against the world alone, against other trainers, and what its bookkeeping takes."""
    ant, mobile = "AntGymEnv-v0", "MobileRobotGymEnv-v0"
    alone, layouts = "against its world alone", "layouts:best_layout"
    gymnasium = {"gym_id": "Ant-v5", "processes": 8}
    rows: list[tuple[str, int, str, str, dict[str, Any], Goal | None]] = [
        (ant, 1024, alone, "against:against_world", {}, None),
        (ant, 1024, f"{alone}, best layout", layouts, {}, Goal(0.6)),
        (ant, 1024, f"2 epochs, {alone}, best layout", layouts, {"n_epochs": 2}, Goal(0.75)),
        (ant, 1024, "bookkeeping", "against:bookkeeping", {}, Goal(5, of="value", at_most=True)),
        (ant, 1024, "against plain PPO", "against:against_plain", {}, Goal(1.2)),
        (ant, 256, "against plain PPO", "against:against_plain", {}, Goal(1.25)),
        (mobile, 256, "against plain PPO", "against:against_plain", {}, Goal(1.5)),
        (ant, 1024, "against plain PPO on Gymnasium's Ant-v5", "against:against_gymnasium", gymnasium, Goal(10)),
        (ant, 1024, "against rsl_rl's PPO", "against_rsl_rl:against_rsl_rl", {}, Goal(1.0)),
    ]
    return [
        Task(
            f"batched_ppo, {env_id}, {n_envs:,} at once, {what}",
            f"{_BATCHED_PPO}.{function}",
            {"env_id": env_id, "n_envs": n_envs, **more},
            goal,
            one_core=False,
        )
        for env_id, n_envs, what, function, more, goal in rows
    ]


def off_policy_tasks() -> list[Task]:
    """Algorithms with a replay buffer on hundreds of robots."""
    return [
        Task(
            f"{algo}, AntGymEnv-v0, 256 at once:",
            f"{_OFF_POLICY}:off_policy",
            {"algo": algo, "env_id": "AntGymEnv-v0", "n_envs": 256},
            one_core=False,
        )
        for algo in ("sac", "td3", "tqc", "crossq")
    ]


def srl_tasks() -> list[Task]:
    """Epochs of representations against frames held in memory, and batches of frames against single ones."""
    tasks = [
        Task(
            f"{model_type} {side}x{side}, {' '.join(losses)}: epoch, against frames in memory",
            f"{_SRL}:epochs",
            {"losses": losses, "model_type": model_type, "side": side, "frames": frames},
            Goal(1.15, at_most=True),
        )
        for model_type, side, losses, frames in (
            ("custom_cnn", 64, ("autoencoder", "reward", "inverse"), 1024),
            ("custom_cnn", 224, ("autoencoder", "reward", "inverse"), 128),
            ("spatial_softmax", 64, ("inverse",), 4096),
            ("mlp", 64, ("inverse",), 8192),
        )
    ]
    return tasks + [
        Task(
            f"{model_type} {side}x{side}: 8 frames at once, against 8 passes of the plain network",
            f"{_SRL}:inference",
            {"model_type": model_type, "side": side},
            Goal(0.35, at_most=True),
            one_core=False,
        )
        for model_type, side in (("custom_cnn", 64), ("spatial_softmax", 64), ("custom_cnn", 224))
    ]


def plot_tasks() -> list[Task]:
    """Whole commands over 200 runs of 10,000 episodes."""
    commands = {
        "gather": ("gather", "--timestep-budget", "5e4", "1e5", "--welch-test", "ppo2"),
        "aggregate": ("aggregate",),
        "aggregate, interquartile means": ("aggregate", "--statistic", "iqm"),
    }
    return [
        Task(
            f"{name}, 200 runs of 10,000 episodes",
            f"{_PLOTS}:command",
            {"arguments": arguments, "n_runs": 200, "n_episodes": 10_000},
            Goal(5, of="value", at_most=True),
        )
        for name, arguments in commands.items()
    ]


def play_tasks(with_browser: bool) -> list[Task]:
    """A policy that is watched beside a training of ants.

    Args:
        with_browser: whether there is one to look at the page; without it rows are left out.
    """

    def most(limit: float) -> Goal:
        return Goal(limit, of="value", at_most=True)

    rows: list[tuple[str, str, dict[str, str], Goal]] = [
        ("a new checkpoint acts", "new_checkpoint", {"what": "acts"}, most(1)),
        ("longest stop of steps while checkpoints load", "new_checkpoint", {"what": "stop"}, most(50)),
        ("the page is served after the command", "beginning", {"what": "page"}, most(2)),
        ("the robots are sent after the command", "beginning", {"what": "picture"}, most(5)),
    ]
    if with_browser:
        rows += [
            ("4 ants in a browser, 15 pictures per second", "page", {"what": "share"}, most(20)),
            ("16 ants in a browser", "page", {"what": "pictures"}, Goal(15, of="value")),
            ("growth of memory in 10 minutes in a browser", "memory", {}, most(10)),
        ]
    return [
        Task(f"play, {name}", f"{_LIVE}:{row}", arguments, goal, one_core=False) for name, row, arguments, goal in rows
    ]
