"""Statistics of observations, as they travel in checkpoints, are merged across processes, and act without learning."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from rl_baselines.vec_envs.leaves import keyed_leaves, path_of, with_leaves
from srl3.spaces import ROOT, join

EPSILON = 1e-8
CLIP = 10.0


@dataclasses.dataclass(frozen=True)
class Moments:
    """Mean, variance and number of the values of one observation."""

    mean: np.ndarray
    """float64, the observation's shape"""
    var: np.ndarray
    """float64, the observation's shape; of the population"""
    count: float

    def merged(self, other: "Moments") -> "Moments":
        """Of the values of both together (Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        delta = other.mean - self.mean
        sums = self.var * self.count + other.var * other.count + delta**2 * (self.count * other.count / count)
        return Moments(self.mean + delta * (other.count / count), sums / count, count)

    def less(self, start: "Moments") -> "Moments":
        """Of the values that came after ``start``: ``start.merged(self.less(start))`` is this again, but for rounding.

        Processes that went on from the same statistics merge what each has seen since, so nothing counts twice.
        """
        count = self.count - start.count
        mean = (self.mean * self.count - start.mean * start.count) / count
        delta = mean - start.mean
        sums = self.var * self.count - start.var * start.count - delta**2 * (start.count * count / self.count)
        return Moments(mean, np.maximum(sums / count, 0.0), count)


@dataclasses.dataclass(frozen=True)
class Normalizer:
    """Observations to about zero mean and unit variance, as `VecNormalize` does with statistics that stand still.

    Args:
        moments: of the observations that are normalised, by path (`srl3.spaces.leaves`); others stay as they are.
        epsilon: added to the variance.
        clip: bound of what comes out.
    """

    moments: Mapping[str, Moments]
    epsilon: float = EPSILON
    clip: float = CLIP

    def __call__(self, observations: Any) -> Any:
        """``(n, …)`` arrays, or a dictionary of them; the normalised ones come back as float32."""
        if isinstance(observations, Mapping):
            return {key: self._normalised(values, join(ROOT, key)) for key, values in observations.items()}
        return self._normalised(observations, ROOT)

    @classmethod
    def of(cls, normalize: VecNormalize) -> "Normalizer":
        """The present statistics of ``normalize``; arrays are shared, not copied."""
        return cls(_moments(normalize), normalize.epsilon, normalize.clip_obs)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Normalizer":
        """What `normalize_state` gave.

        Raises:
            KeyError, TypeError, ValueError: when it is something else.
        """
        return cls({path: _moments_from(part) for path, part in _parts(state).items()})

    def merged(self, others: Iterable["Normalizer"]) -> "Normalizer":
        """With the statistics of all of them together; all normalise the same observations."""
        moments = dict(self.moments)
        for other in others:
            moments = {path: own.merged(other.moments[path]) for path, own in moments.items()}
        return dataclasses.replace(self, moments=moments)

    def _normalised(self, values: np.ndarray, path: str) -> np.ndarray:
        moments = self.moments.get(path)
        if moments is None:
            return values
        scaled = (values - moments.mean) / np.sqrt(moments.var + self.epsilon)
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)


def normalize_state(normalize: VecNormalize) -> dict[str, Any]:
    """Statistics of the observations and discounted returns (float64 arrays): ``obs_mean``, ``obs_var`` and
    ``obs_count`` of a Box, or these by path under ``obs`` of a Dict."""
    parts = {
        path: {"obs_mean": part.mean, "obs_var": part.var, "obs_count": part.count}
        for path, part in _moments(normalize).items()
    }
    return {
        **parts.get(ROOT, {"obs": parts}),
        "ret_mean": float(normalize.ret_rms.mean),
        "ret_var": float(normalize.ret_rms.var),
        "ret_count": float(normalize.ret_rms.count),
        "returns": normalize.returns,
    }


def restore_normalize_state(normalize: VecNormalize, state: Mapping[str, Any]) -> None:
    """Put saved statistics in place; ``returns`` only where the number of environments is the same."""
    parts = _parts(state)
    for path, statistics in _statistics(normalize).items():
        moments = _moments_from(parts[path])
        statistics.mean, statistics.var, statistics.count = np.array(moments.mean), np.array(moments.var), moments.count
    normalize.ret_rms.mean = np.array(state["ret_mean"], np.float64)
    normalize.ret_rms.var = np.array(state["ret_var"], np.float64)
    normalize.ret_rms.count = state["ret_count"]
    if len(state["returns"]) == normalize.num_envs:
        normalize.returns = np.array(state["returns"])


def _statistics(normalize: VecNormalize) -> dict[str, RunningMeanStd]:
    if not normalize.norm_obs:
        return {}
    if isinstance(normalize.obs_rms, RunningMeanStd):
        return {ROOT: normalize.obs_rms}
    return {join(ROOT, key): normalize.obs_rms[key] for key in normalize.norm_obs_keys or ()}


def _moments(normalize: VecNormalize) -> dict[str, Moments]:
    return {path: Moments(each.mean, each.var, float(each.count)) for path, each in _statistics(normalize).items()}


def _parts(state: Mapping[str, Any]) -> Mapping[str, Any]:
    return state.get("obs", {ROOT: state})


def _moments_from(part: Mapping[str, Any]) -> Moments:
    mean, var = np.asarray(part["obs_mean"], np.float64), np.asarray(part["obs_var"], np.float64)
    if mean.shape != var.shape:
        raise ValueError(f"a mean of shape {mean.shape} and a variance of {var.shape}")
    return Moments(mean, var, float(part["obs_count"]))


def normalised_keys(space: spaces.Space[Any], images: Collection[str]) -> list[str]:
    """Keys of the leaves (`rl_baselines.vec_envs.leaves`) that can be normalised: boxes that are no images.

    Args:
        space: an observation space without a Dict in a Dict.
        images: paths of its images.
    """
    leaves = keyed_leaves(space)
    return [key for key, leaf in leaves.items() if isinstance(leaf, spaces.Box) and path_of(key) not in images]


def normalised_space(space: spaces.Space[Any], images: Collection[str]) -> spaces.Space[Any]:
    """``space`` after normalisation: boxes of whole numbers become float32; the bounds of others stay as they were."""
    leaves = keyed_leaves(space)
    whole = [key for key in normalised_keys(space, images) if np.dtype(leaves[key].dtype).kind != "f"]
    changed = {key: spaces.Box(-CLIP, CLIP, leaves[key].shape, np.float32) for key in whole}
    return with_leaves(space, changed) if changed else space


class StateNormalizer(VecNormalize):
    """`VecNormalize` of the observations that are boxes and no images; everything else passes through.

    Args:
        venv: what is normalised.
        images: paths of its images.
        training: the statistics go on learning.
        observations: normalise them at all.
        rewards: divide rewards by the standard deviation of the discounted return.
        gamma: discount of that return.
    """

    def __init__(
        self,
        venv: VecEnv,
        images: Collection[str] = (),
        *,
        training: bool = True,
        observations: bool = True,
        rewards: bool = False,
        gamma: float = 0.99,
    ) -> None:
        keys = normalised_keys(venv.observation_space, images) if observations else []
        is_dict = isinstance(venv.observation_space, spaces.Dict)
        super().__init__(
            venv,
            training=training,
            norm_obs=bool(keys),
            norm_reward=rewards,
            clip_obs=CLIP,
            gamma=gamma,
            epsilon=EPSILON,
            norm_obs_keys=keys if is_dict and keys else None,
        )
        if observations:
            self.observation_space = normalised_space(venv.observation_space, images)
