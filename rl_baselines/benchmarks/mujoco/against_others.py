"""A MuJoCo world against another world, against Gymnasium's, and the memory that many robots take."""

import multiprocessing
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv

from environments.batched import make_vector_env
from environments.mujoco_gym.robots.robot import load_robot
from environments.mujoco_gym.scene import compile_scene
from environments.mujoco_gym.tasks.locomotion_config import AntConfig
from rl_baselines.benchmarks.mujoco.stepping import N_ACTIONS, Stepping, make_world
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory, resident_memory

SEED = 0
FORK = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
"""how Gymnasium's processes start: otherwise each imports everything anew"""


def world_against(effort: Effort, env_id: str, other_id: str, num_envs: int) -> list[Measured]:
    """Control steps per second of a world; ratio: against those of another world."""
    count = effort.count(20, least=5)
    ours, other = (Stepping(name, num_envs, count) for name in (env_id, other_id))
    times, others = alternate([ours.run, other.run], effort.repeats, [ours.restore, other.restore])
    rate = num_envs * count / statistics.median(times)
    return [Measured(rate, "steps/s", median_ratio(others, times), peak_memory())]


def memory(effort: Effort, env_id: str, num_envs: int) -> list[Measured]:
    """MiB by which this process grows when it makes and steps so many robots.

    What one robot takes, and the libraries, is there before.
    """
    Stepping(env_id, 1, 2).run()
    before = resident_memory()
    world = make_world(env_id, num_envs)
    actions = np.zeros((num_envs, *(world.action_space.shape or ())), np.float32)
    for _ in range(effort.count(5, least=2)):
        world.step(world.arrays.of(actions))
        world.observe()
    return [Measured(max(0.0, peak_memory() - before), "MiB", memory=peak_memory())]


def ant_against_gymnasium(effort: Effort, num_envs: int) -> list[Measured]:
    """Control steps per second of the ants as a Gymnasium `VectorEnv`.

    The ratio is against Gymnasium's ``Ant-v5`` in `AsyncVectorEnv`, with our body, timestep, frame skip and solver.
    """
    with tempfile.TemporaryDirectory() as folder:
        # its processes are forked before ours starts threads
        make = partial(_gymnasium_ant, str(write_ant(Path(folder))))
        theirs = AsyncVectorEnv([make] * num_envs, context=FORK)
        theirs.reset(seed=SEED)
    ours = make_vector_env("AntGymEnv-v0", num_envs)
    shape = (N_ACTIONS, num_envs, *(ours.single_action_space.shape or ()))
    actions = np.random.default_rng(SEED).uniform(-1, 1, shape).astype(np.float32)
    count = effort.count(50, least=5)

    def running(env: Any) -> Callable[[], None]:
        def run() -> None:
            for number in range(count):
                env.step(actions[number % N_ACTIONS])

        return run

    times, others = alternate(
        [running(ours), running(theirs)],
        effort.repeats,
        [lambda: ours.reset(seed=SEED), lambda: theirs.reset(seed=SEED)],
    )
    total = peak_memory([process.pid for process in theirs.processes if process.pid is not None])
    theirs.close()
    ours.close()
    rates = [num_envs * count / statistics.median(each) for each in (times, others)]
    return [Measured(rates[0], "steps/s", median_ratio(others, times), total, details={"gymnasium": rates[1]})]


def write_ant(folder: Path) -> Path:
    """Our ant with its physics, as an MJCF file in this folder."""
    config = AntConfig()
    robot = load_robot(config.robot)
    spec = robot.spec()
    compile_scene(spec, robot, config)
    file = folder / "ant.xml"
    file.write_text(spec.to_xml())
    return file


def _gymnasium_ant(file: str) -> gymnasium.Env[Any, Any]:
    return gymnasium.make("Ant-v5", xml_file=file, frame_skip=AntConfig().sim.decimation)
