"""``batched_ppo`` against rsl_rl's PPO on the same tensors, with the same hyperparameters."""

import importlib
import math
from typing import Any

import torch
from torch import Tensor

from rl_baselines.batched_ppo.settings import groups_of
from rl_baselines.benchmarks.batched_ppo.sides import ROLLOUTS, bare_world, batched_model, compared, learning
from rl_baselines.benchmarks.rows import Effort, LeftOut, Measured
from rl_baselines.benchmarks.timing import alternate
from rl_baselines.vec_envs.tensors import TensorVecEnv, tensor_env


class RslRlWorld:
    """A world as rsl_rl's `VecEnv`.

    Args:
        world: its actions are a `Box`.
        reward_scale: rsl_rl has none of its own.
    """

    def __init__(self, world: TensorVecEnv, reward_scale: float) -> None:
        self._dict: Any = importlib.import_module("tensordict").TensorDict
        self._world = world
        self._reward_scale = reward_scale
        self.num_envs = world.num_envs
        self.num_actions = world.action_space.shape[0]  # type: ignore[index]
        self.device = world.device
        self.cfg: dict[str, Any] = {}
        self.max_episode_length = 1
        self.episode_length_buf = torch.zeros(world.num_envs, dtype=torch.long)
        self._low, self._high = (
            torch.as_tensor(bound)
            for bound in (world.action_space.low, world.action_space.high)  # type: ignore[attr-defined]
        )
        self._observations = world.reset()

    def get_observations(self) -> Any:
        """By group."""
        return self._dict(self._observations, batch_size=[self.num_envs])

    def step(self, actions: Tensor) -> tuple[Any, Tensor, Tensor, dict[str, Tensor]]:
        """Observations, rewards, ends, and which of these were time limits."""
        step = self._world.step(actions.clamp(self._low, self._high))
        self._observations = step.observations
        ended = (step.terminated | step.truncated).long()
        return self.get_observations(), step.reward * self._reward_scale, ended, {"time_outs": step.truncated}


def against_rsl_rl(effort: Effort, env_id: str, n_envs: int) -> list[Measured]:
    """Training steps per second; ratio: against rsl_rl's own runner, without its log files.

    Raises:
        LeftOut: where rsl_rl is not installed.
    """
    try:
        runners = importlib.import_module("rsl_rl.runners")
    except ImportError:
        raise LeftOut("rsl_rl is not installed (pip install rsl-rl-lib==5.5.1); nothing else needs it.") from None
    torch.set_num_threads(1)
    ours, values, shares = batched_model(env_id, n_envs)
    venv = bare_world(env_id, n_envs)
    world = tensor_env(venv)
    theirs = runners.OnPolicyRunner(RslRlWorld(world, values["reward_scale"]), _configuration(world, values))
    rollouts = effort.count(ROLLOUTS)
    steps = values["n_steps"] * n_envs * rollouts
    ours_took, theirs_took = alternate([learning(ours, steps), lambda: theirs.learn(rollouts)], effort.repeats)
    assert ours.env is not None
    ours.env.close()
    venv.close()
    return [compared(steps, ours_took, theirs_took, shares.means())]


def _configuration(world: TensorVecEnv, values: dict[str, Any]) -> dict[str, Any]:
    """rsl_rl's, of our hyperparameters."""
    policy, layers = values["policy_kwargs"], values["policy_kwargs"]["net_arch"]
    seen, valued = groups_of(world.observation_spaces, "policy", None, with_critic=True)
    network = {"class_name": "MLPModel", "activation": policy["activation_fn"].lower(), "obs_normalization": True}
    spread = {
        "class_name": "GaussianDistribution",
        "init_std": math.exp(policy.get("log_std_init", 0.0)),
        "std_type": "log",
    }
    return {
        "num_steps_per_env": values["n_steps"],
        "save_interval": 1_000_000,
        "obs_groups": {"actor": [seen], "critic": [valued]},
        "actor": {**network, "hidden_dims": layers["pi"], "distribution_cfg": spread},
        "critic": {**network, "hidden_dims": layers["vf"]},
        "algorithm": {
            "class_name": "PPO",
            "num_learning_epochs": values["n_epochs"],
            "num_mini_batches": values["nminibatches"],
            "learning_rate": values["learning_rate"],
            "schedule": "adaptive",
            "desired_kl": values["desired_kl"],
            "gamma": values["gamma"],
            "lam": values["gae_lambda"],
            "clip_param": values["clip_range"],
            "use_clipped_value_loss": values["clip_range_vf"] is not None,
            "entropy_coef": values["ent_coef"],
            "value_loss_coef": values["vf_coef"],
            "max_grad_norm": values["max_grad_norm"],
        },
    }
