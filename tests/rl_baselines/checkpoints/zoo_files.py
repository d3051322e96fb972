"""Files as plain Stable-Baselines3 and rl-zoo3 write them."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import yaml
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize


def write_zoo_run(
    folder: Path,
    algo: str,
    env_id: str,
    model_class: type[BaseAlgorithm],
    *,
    config: dict[str, Any] | None = None,
    env_kwargs: dict[str, Any] | None = None,
    normalize: dict[str, Any] | None = None,
    steps: int = 64,
    best: bool = True,
    policy: str = "MlpPolicy",
    **kwargs: Any,
) -> tuple[BaseAlgorithm, Path]:
    """A short training in rl-zoo3's layout, with the files of its experiment manager under their names.

    Returns:
        the model, and its folder ``<folder>/<algo>/<env>_1``.
    """
    path = folder / algo / f"{env_id}_1"
    inner = path / env_id
    inner.mkdir(parents=True)
    venv = make_vec_env(env_id, n_envs=2, seed=3, monitor_dir=str(path), env_kwargs=env_kwargs)
    if normalize is not None:
        venv = VecNormalize(venv, **normalize)
    model = model_class(policy, venv, seed=3, device="cpu", **kwargs)
    model.learn(steps)
    model.save(path / env_id)
    if best:
        model.save(path / "best_model")
    if normalize is not None:
        venv.save(str(inner / "vecnormalize.pkl"))
    used = {"n_envs": 2, "n_timesteps": float(steps), "policy": policy, **(config or {})}
    (inner / "config.yml").write_text(yaml.dump(OrderedDict(sorted(used.items()))))
    flags = {"algo": algo, "env": env_id, "seed": 3, "env_kwargs": env_kwargs, "n_timesteps": -1, "vec_env": "dummy"}
    (inner / "args.yml").write_text(yaml.dump(OrderedDict(sorted(flags.items()))))
    venv.close()
    return model, path
