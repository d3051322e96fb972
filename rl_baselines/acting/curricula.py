"""How far the curricula of worlds are: those of a training that goes on, and those in which its policies are shown."""

from stable_baselines3.common.vec_env import VecEnv

from environments.batched.sb3 import BatchedVecEnv
from rl_baselines.vec_envs.mixed import MixedVecEnv


def stay_at(venv: VecEnv, control_steps: int) -> None:
    """Keep the curricula of these worlds where they are after so many control steps of each robot."""
    _tell(venv, "stay_at", control_steps)


def count_from(venv: VecEnv, control_steps: int) -> None:
    """Let the curricula of these worlds go on as after so many control steps of each robot."""
    _tell(venv, "count_from", control_steps)


def _tell(venv: VecEnv, method: str, control_steps: int) -> None:
    beneath = venv.unwrapped
    if isinstance(beneath, MixedVecEnv):
        for part in beneath.parts:
            _tell(part, method, control_steps)
    elif isinstance(beneath, BatchedVecEnv):
        getattr(beneath.world, method)(control_steps)
    elif beneath.has_attr("has_curriculum"):  # single robots of a batched world; engines have none
        beneath.env_method(method, control_steps)
