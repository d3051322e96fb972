"""Statistics of observations that ``VecNormalize.save`` pickled, as checkpoints hold them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from rl_baselines.checkpoints.foreign.said import Said
from rl_baselines.vec_envs.normalizer import CLIP, EPSILON, normalised_keys
from srl3.errors import UserError
from srl3.formats.pickles import check_trust, read_pickle
from srl3.spaces import ROOT, join


def read_statistics(
    path: Path, space: spaces.Space[Any], images: Collection[str], said: Said
) -> tuple[dict[str, Any], dict[str, bool]]:
    """The state that `rl_baselines.vec_envs.normalizer.normalize_state` gives, and what was normalised.

    Args:
        path: the pickle.
        space: what the world observes.
        images: paths of its images.
        said: by the user.

    Raises:
        UserError: when the user does not trust pickles, it can't be opened, or it normalises as SRL3 does not.
    """
    what = "holds the statistics by which the policy's observations were normalised, as a pickle"
    check_trust(path, what, trusted=said.trust_pickle)
    loaded = read_pickle(path)
    if not isinstance(loaded, VecNormalize):
        raise UserError(f"{path} holds a {type(loaded).__name__}, not the VecNormalize that it should.")
    rewards = {
        "ret_mean": float(loaded.ret_rms.mean),
        "ret_var": float(loaded.ret_rms.var),
        "ret_count": float(loaded.ret_rms.count),
        "returns": np.zeros(0),
    }
    normalises = {"norm_obs": bool(loaded.norm_obs), "norm_reward": bool(loaded.norm_reward)}
    if not loaded.norm_obs:
        return {"obs": {}, **rewards}, normalises
    if (loaded.epsilon, loaded.clip_obs) != (EPSILON, CLIP):
        raise UserError(
            f"{path} normalises with epsilon {loaded.epsilon:g} and clip_obs {loaded.clip_obs:g}, and SRL3 only with "
            f"{EPSILON:g} and {CLIP:g}."
        )
    found = loaded.obs_rms if isinstance(loaded.obs_rms, Mapping) else {ROOT: loaded.obs_rms}
    wanted = normalised_keys(space, images)
    if sorted(found) != sorted(wanted):
        raise UserError(
            f"{path} normalises {_named(found)}, and SRL3 would {_named(wanted)} of what this world observes."
        )
    if isinstance(loaded.obs_rms, Mapping):
        return {"obs": {join(ROOT, key): _moments(each) for key, each in found.items()}, **rewards}, normalises
    return {**_moments(loaded.obs_rms), **rewards}, normalises


def no_statistics() -> dict[str, Any]:
    """Of a model of which only rewards were normalised: their statistics begin anew."""
    return {"obs": {}, "ret_mean": 0.0, "ret_var": 1.0, "ret_count": 1e-4, "returns": np.zeros(0)}


def _moments(statistics: RunningMeanStd) -> dict[str, Any]:
    return {
        "obs_mean": np.asarray(statistics.mean, np.float64),
        "obs_var": np.asarray(statistics.var, np.float64),
        "obs_count": float(statistics.count),
    }


def _named(keys: Collection[str]) -> str:
    return ", ".join(key or "the observation" for key in sorted(keys)) or "nothing"
