"""N worlds as arrays, and their faces: SB3's `VecEnv`, Gymnasium's `VectorEnv`, a single `Env`.

A world of this kind derives from `environments.batched.world.BatchedWorld`; its single face derives from
`environments.batched.single.BatchedGymEnv`, and the registry names that one with `ThreadingType.BATCHED`.
Robot i of a face seeded with s behaves, to the last bit, as the single environment seeded with s + i.

Worlds, datasets and `rl_baselines.vec_envs` import it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from environments.batched.sb3 import BatchedVecEnv
    from environments.batched.vector import BatchedVectorEnv


def make_batched_vec_env(
    env_id: str,
    num_envs: int = 1,
    monitor_path: Path | None = None,
    append: bool = False,
    render_mode: str | None = None,
    **env_kwargs: Any,
) -> "BatchedVecEnv":
    """``num_envs`` robots of ``env_id`` as one Stable-Baselines3 `VecEnv`.

    Args:
        env_id: key of ``registered_env``, of a batched environment.
        num_envs: how many robots.
        monitor_path: where the monitor file goes; None keeps none.
        append: go on with the monitor file if it exists.
        render_mode: ``human``, ``rgb_array`` or None.
        env_kwargs: fields of the environment's configuration.

    Raises:
        UserError: for an unknown parameter or mode.
    """
    from environments.batched.sb3 import BatchedVecEnv

    world = _make_world(env_id, num_envs, env_kwargs)
    if monitor_path is not None:
        world.failures_folder = monitor_path.parent
    return BatchedVecEnv(world, render_mode, monitor_path, append)


def make_vector_env(
    env_id: str, num_envs: int = 1, render_mode: str | None = None, **env_kwargs: Any
) -> "BatchedVectorEnv":
    """``num_envs`` robots of ``env_id`` as one Gymnasium `VectorEnv`; what ``gymnasium.make_vec`` calls.

    Raises:
        UserError: for an unknown parameter or mode.
    """
    from environments.batched.vector import BatchedVectorEnv

    return BatchedVectorEnv(_make_world(env_id, num_envs, env_kwargs), render_mode)


def _make_world(env_id: str, num_envs: int, env_kwargs: dict[str, Any]) -> Any:
    from environments.batched.single import BatchedGymEnv
    from environments.registry import find_env

    face = find_env(env_id).load_class()
    assert issubclass(face, BatchedGymEnv), f"{env_id} is not a batched environment"
    return face.world_class(face.config_class.from_kwargs(env_kwargs), num_envs)
