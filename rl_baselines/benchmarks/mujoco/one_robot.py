"""One robot: against a plain loop, and what its real time takes of a core."""

import statistics

import numpy as np
import torch

from environments.mujoco_gym.tasks.locomotion_config import AntConfig
from environments.registry import find_env
from rl_baselines.benchmarks.mujoco.plain_ant import PlainAnt
from rl_baselines.benchmarks.mujoco.stepping import N_ACTIONS, Stepping
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory, seconds

ANT = "AntGymEnv-v0"


def against_plain(effort: Effort) -> list[Measured]:
    """Control steps per second of one ant; ratio: against ``mj_step`` and NumPy, from the same state."""
    stepping = Stepping(ANT, 1, effort.count(500, least=5))
    plain, actions = plain_ant(stepping), [action[0].double().numpy() for action in stepping.actions]
    qpos, qvel = plain.data.qpos.copy(), plain.data.qvel.copy()

    def loop() -> None:
        for number in range(stepping.count):
            if plain.step(actions[number % N_ACTIONS])[2]:
                plain.reset()

    ours, bare = alternate([stepping.run, loop], effort.repeats, [stepping.restore, lambda: plain.place(qpos, qvel)])
    rates = [stepping.count / statistics.median(times) for times in (ours, bare)]
    return [Measured(rates[0], "steps/s", median_ratio(bare, ours), peak_memory(), details={"plain": rates[1]})]


def plain_ant(stepping: Stepping) -> PlainAnt:
    """A plain ant in the state in which the world's ant, the only one, is now."""
    world = stepping.world
    assert isinstance(world.config, AntConfig)
    world_qpos, world_qvel = (world.exact(name)[0].numpy().copy() for name in ("qpos", "qvel"))
    with_noise = world_qpos.copy(), world_qvel.copy()
    model = world.backend.model
    for name, angle in zip(world.robot.joints, world.robot.default_pose, strict=True):
        world_qpos[model.joint(name).qposadr[0]] = angle
    plain = PlainAnt(model, world.config, (world_qpos, np.zeros_like(world_qvel)))
    plain.place(*with_noise)
    return plain


def real_time(effort: Effort, env_id: str) -> list[Measured]:
    """Per cent of a core that one robot in real time takes, as a Gymnasium environment.

    Args:
        effort: how much.
        env_id: key of ``registered_env``.
    """
    env = find_env(env_id).load_class()()
    count = effort.count(300, least=5)
    actions = (torch.rand(count, *(env.action_space.shape or ()), generator=torch.Generator().manual_seed(0))).numpy()
    env.reset(seed=0)

    def run() -> None:
        for action in actions:
            over = env.step(2 * action - 1)[2:4]
            if any(over):
                env.reset()

    run()
    taken = statistics.median(seconds(run) for _ in range(effort.repeats))
    assert env.control_dt is not None
    share = 100 * taken / (count * env.control_dt)
    env.close()
    return [Measured(share, "% of a core", memory=peak_memory(), details={"steps_per_second": count / taken})]
