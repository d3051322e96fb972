"""The monitor of one environment: SB3's, that can go on with its file and be resumed in mid-episode."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
from stable_baselines3.common.monitor import Monitor

from environments.batched.monitor_file import has_head
from environments.registry import find_env
from rl_baselines.hyperparams.classes import Named
from rl_baselines.vec_envs.infos import REWARD_TERMS
from rl_baselines.vec_envs.plain_spaces import with_plain_spaces
from rl_baselines.vec_envs.wrappers.named import wrapped_env


class RunMonitor(Monitor):
    """SB3's `Monitor` whose state travels in checkpoints; ``reward_terms`` at the end of an episode are sums over it.

    Args:
        env: a world with `SRLGymEnv.resume_state` and ``restore_state``, perhaps wrapped.
        filename: the monitor file, or None to keep none.
        append: go on with an existing file instead of writing a new one; one that was emptied gets its head again.
    """

    def __init__(self, env: Any, filename: Path | None, append: bool = False) -> None:
        super().__init__(
            env,
            str(filename) if filename else None,
            info_keywords=(),
            override_existing=not (append and filename is not None and has_head(filename)),
        )
        self._terms: dict[str, float] = {}

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._terms = {}
        return super().reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = super().step(action)
        terms = info.get(REWARD_TERMS)
        if isinstance(terms, Mapping):
            for name, value in terms.items():
                self._terms[name] = self._terms.get(name, 0.0) + float(value)
            if terminated or truncated:
                info = {**info, REWARD_TERMS: self._terms}
        return observation, reward, terminated, truncated, info

    def resume_state(self) -> dict[str, Any]:
        """The episode in progress: the world's own state, the rewards and the sums of their terms so far."""
        return {
            "terms": dict(self._terms),
            "world": self._world().resume_state(),
            "rewards": [float(reward) for reward in self.rewards],
            "needs_reset": self.needs_reset,
            "total_steps": self.total_steps,
        }

    def restore_state(self, state: dict[str, Any]) -> bool:
        """Take up the episode at which `resume_state` was called; False when the world can't be brought there."""
        there = self._world().restore_state(state["world"])
        self.rewards = list(state["rewards"])
        self._terms = dict(state.get("terms", {}))  # of a run from before they were saved, those from here on
        self.needs_reset = state["needs_reset"]
        self.total_steps = state["total_steps"]
        return there is not False

    def _world(self) -> Any:
        """The outermost layer that can save its state."""
        layer: Any = self.env
        while isinstance(layer, gymnasium.Wrapper) and not hasattr(layer, "resume_state"):
            layer = layer.env
        return layer


def make_env(
    env_id: str, env_kwargs: Mapping[str, Any], render_mode: str | None = None, wrappers: tuple[Named, ...] = ()
) -> gymnasium.Env[Any, Any]:
    """One environment of `environments.registry`, Gymnasium's ids among them, with spaces that SB3 knows.

    Args:
        env_id: key of ``registered_env``.
        env_kwargs: fields of its configuration.
        render_mode: ``human``, ``rgb_array`` or None.
        wrappers: of the hyperparameter ``env_wrapper``, the innermost first.
    """
    env: gymnasium.Env[Any, Any] = find_env(env_id).load_class()(render_mode=render_mode, **env_kwargs)
    if not isinstance(env, gymnasium.Wrapper):  # one of Gymnasium's registry has its spec
        env.spec = copy.deepcopy(gymnasium.spec(env_id))
        env.spec.max_episode_steps = env.config.max_steps  # type: ignore[attr-defined]  # which wrappers ask for
    return with_plain_spaces(wrapped_env(env, wrappers))


def make_monitored_env(
    env_id: str,
    env_kwargs: Mapping[str, Any],
    monitor: Path | None = None,
    append: bool = False,
    render_mode: str | None = None,
    wrappers: tuple[Named, ...] = (),
) -> RunMonitor:
    """`make_env` in its `RunMonitor`.

    Args:
        env_id: as for `make_env`.
        env_kwargs: as for `make_env`.
        monitor: its monitor file, or None.
        append: go on with an existing monitor file.
        render_mode: as for `make_env`.
        wrappers: as for `make_env`, inside of the monitor.
    """
    return RunMonitor(make_env(env_id, env_kwargs, render_mode, wrappers), monitor, append)
