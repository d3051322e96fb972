"""``batched_ppo`` against the world that it trains on, and against plain Stable-Baselines3's PPO."""

import math

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

from rl_baselines.benchmarks.batched_ppo.sides import (
    ROLLOUTS,
    bare_world,
    batched_model,
    compared,
    learning,
    stepping,
)
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, peak_memory
from rl_baselines.hyperparams.policy_kwargs import build_policy_kwargs

SHARED = (
    "n_steps",
    "n_epochs",
    "gamma",
    "gae_lambda",
    "clip_range",
    "clip_range_vf",
    "ent_coef",
    "vf_coef",
    "max_grad_norm",
    "learning_rate",
)
"""hyperparameters that plain PPO has too"""
GYMNASIUM_STEPS = 128
"""of each process in a rollout of Gymnasium's ants; Stable-Baselines3's 2,048 would only make the run longer"""


def against_world(effort: Effort, env_id: str, n_envs: int) -> list[Measured]:
    """Training steps per second; ratio: against the world alone under random actions, in the same run."""
    torch.set_num_threads(1)
    model, values, shares = batched_model(env_id, n_envs)
    assert model.env is not None
    venv = bare_world(env_id, n_envs)
    count = values["n_steps"] * effort.count(ROLLOUTS)
    trained, alone = alternate([learning(model, count * n_envs), stepping(venv, count)], effort.repeats)
    model.env.close()
    venv.close()
    return [compared(count * n_envs, trained, alone, shares.means())]


def bookkeeping(effort: Effort, env_id: str, n_envs: int) -> list[Measured]:
    """Per cent of the time that is in neither world, policy nor update."""
    torch.set_num_threads(1)
    model, values, shares = batched_model(env_id, n_envs)
    rollouts = max(2, effort.count(ROLLOUTS) * effort.repeats)
    model.learn(values["n_steps"] * n_envs * rollouts)
    assert model.env is not None
    model.env.close()
    found = shares.means()
    return [Measured(100 * found["bookkeeping"], "%", memory=peak_memory(), details=found)]


def against_plain(effort: Effort, env_id: str, n_envs: int) -> list[Measured]:
    """Training steps per second; ratio: against plain PPO with the same hyperparameters on the same `VecEnv`, whose
    observations `VecNormalize` normalises."""
    torch.set_num_threads(1)
    ours, values, shares = batched_model(env_id, n_envs)
    plain = PPO(
        "MlpPolicy",
        VecNormalize(bare_world(env_id, n_envs), norm_reward=False),
        batch_size=math.ceil(values["n_steps"] * n_envs / values["nminibatches"]),
        policy_kwargs=build_policy_kwargs(values["policy_kwargs"], "PPO"),
        seed=0,
        device="cpu",
        **{name: values[name] for name in SHARED},
    )
    plain.set_logger(Logger(None, []))
    steps = values["n_steps"] * n_envs * effort.count(ROLLOUTS)
    ours_took, theirs_took = alternate([learning(ours, steps), learning(plain, steps)], effort.repeats)
    for model in (ours, plain):
        assert model.env is not None
        model.env.close()
    return [compared(steps, ours_took, theirs_took, shares.means())]


def against_gymnasium(effort: Effort, env_id: str, n_envs: int, gym_id: str, processes: int) -> list[Measured]:
    """Training steps per second; ratio: against plain PPO at its defaults on Gymnasium's world in so many processes
    (`SubprocVecEnv`), with normalised observations and rewards, as rl-zoo3 trains its locomotion worlds."""
    torch.set_num_threads(1)
    theirs = VecNormalize(make_vec_env(gym_id, processes, seed=0, vec_env_cls=SubprocVecEnv))
    n_steps = effort.count(GYMNASIUM_STEPS, least=16)
    plain = PPO("MlpPolicy", theirs, n_steps=n_steps, batch_size=min(64, n_steps * processes), seed=0, device="cpu")
    plain.set_logger(Logger(None, []))
    ours, values, shares = batched_model(env_id, n_envs)
    steps = values["n_steps"] * n_envs * effort.count(ROLLOUTS)
    few = n_steps * processes
    mine, others = alternate([learning(ours, steps), learning(plain, few)], effort.repeats)
    for model in (ours, plain):
        assert model.env is not None
        model.env.close()
    as_long = [taken * steps / few for taken in others]
    return [compared(steps, mine, as_long, shares.means())]
