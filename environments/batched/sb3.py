"""The Stable-Baselines3 adapter of a batched world."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn, tile_images

from environments.batched.autoreset import step_and_reset
from environments.batched.episodes import EpisodeStatistics
from environments.batched.monitor_file import MonitorFile
from environments.batched.robot import Robot
from environments.batched.world import BatchedWorld
from environments.srl_env import show_frame
from environments.terms import POLICY


class BatchedVecEnv(VecEnv):
    """N robots of a batched world as an SB3 `VecEnv`: same-step autoreset, one step of all in a few array operations.

    It keeps the episodes' statistics itself, so no `Monitor` or `VecMonitor` is needed. Only robots whose episode
    ended have an info: ``terminal_observation``, ``TimeLimit.truncated``, ``episode`` (as `Monitor`), ``is_success``
    (where the world reports it), ``reward_terms`` (sums over the episode) and ``endings`` (whether it ended for each
    of the reasons that the world tells apart); the others share one empty dictionary.
    With ``record_data`` every robot's info has its ``frame``, and ``reset_infos`` the first one of its episode.

    Args:
        world: the robots.
        render_mode: ``human``, ``rgb_array`` or None; ``renders`` in the configuration means ``human``.
        monitor_path: where the monitor file goes; None keeps none.
        append: go on with the monitor file if it exists.

    Attributes:
        oracle: gives actions of all robots, for a learner to imitate, in the place of the world's scripted policy.
    """

    actions: np.ndarray
    oracle: Callable[[BatchedWorld], Any] | None = None

    def __init__(
        self,
        world: BatchedWorld,
        render_mode: str | None = None,
        monitor_path: Path | str | None = None,
        append: bool = False,
    ) -> None:
        self.world = world
        self.config = world.config
        self.robots = [Robot(world, row, render_mode) for row in range(world.num_envs)]
        super().__init__(world.num_envs, world.observation_space, world.action_space)
        self._monitor = MonitorFile(monitor_path, self.config.env_id, append) if monitor_path else None
        self._t_start = self._monitor.t_start if self._monitor else time.time()
        self._running = False

    # episodes

    def reset(self) -> np.ndarray:
        self.world.seed(self._seeds)
        self.world.reset()
        self._running = True
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [{} for _ in range(self.num_envs)]
        if self.config.record_data:
            self.reset_infos = [{"frame": frame} for frame in self.world.images()]
        if self.render_mode == "human":
            self.render()
        return self.world.arrays.to_numpy(self.world.observe())

    def reset_rows(self, rows: np.ndarray) -> np.ndarray:
        """Begin new episodes for these robots only, ``(K,) int64``; gives what all observe now."""
        self.world.reset(self.world.arrays.of(rows))
        return self.world.arrays.to_numpy(self.world.observe())

    def step_async(self, actions: np.ndarray) -> None:
        if not self._running:
            raise RuntimeError(f"{self.config.env_id}: call reset() before step()")
        self.actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        world = self.world
        record = self.config.record_data
        before_reset = self.render if self.render_mode == "human" else None
        transition = step_and_reset(world, self.actions, frames=record, before_reset=before_reset)
        step = transition.step
        to_numpy = world.arrays.to_numpy
        nothing: dict[str, Any] = {}
        infos = [nothing] * self.num_envs
        if transition.frames is not None:
            infos = [{"frame": frame} for frame in transition.frames]
        observations = to_numpy(transition.observations[POLICY])
        dones = to_numpy(transition.ended)
        if len(transition.rows):
            rows = transition.episodes.rows.tolist()
            endings = self._endings(transition.episodes, to_numpy(step.truncated))
            finals = to_numpy(transition.final_observations[POLICY])
            for place, (row, info, final) in enumerate(zip(rows, endings, finals, strict=True)):
                if transition.frames is not None and transition.final_frames is not None:
                    info["frame"] = transition.final_frames[place]
                    self.reset_infos[row] = {"frame": transition.frames[row]}
                infos[row] = {**info, "terminal_observation": final}
        return observations, to_numpy(step.reward).astype(np.float32), dones, infos

    def _endings(self, ended: EpisodeStatistics, truncated: np.ndarray) -> list[dict[str, Any]]:
        """Infos of the robots whose episode ended, which also go to the monitor file."""
        episodes = self.record_episodes(ended)
        sums = np.array(list(ended.terms.values())).reshape(len(ended.terms), len(episodes)).T.tolist()
        reasons: list[dict[str, Any]] = [{} for _ in episodes]
        for place, reason in enumerate(reasons):
            if ended.endings:
                reason["endings"] = {name: bool(flags[place]) for name, flags in ended.endings.items()}
            if ended.figures:
                reason["figures"] = {name: float(values[place]) for name, values in ended.figures.items()}
        return [
            {
                "TimeLimit.truncated": out_of_time,
                "episode": episode,
                **({"is_success": bool(success)} if self.world.reports_success else {}),
                "reward_terms": dict(zip(ended.terms, values, strict=True)),
                **reason,
            }
            for out_of_time, episode, success, values, reason in zip(
                truncated[ended.rows].tolist(), episodes, ended.successes.tolist(), sums, reasons, strict=True
            )
        ]

    def record_episodes(self, ended: EpisodeStatistics) -> list[dict[str, Any]]:
        """Write these episodes to the monitor file, if there is one; gives its rows: ``r``, ``l``, ``t``."""
        seconds = round(time.time() - self._t_start, 6)
        episodes = [
            {"r": round(total, 6), "l": length, "t": seconds}
            for total, length in zip(ended.returns.tolist(), ended.lengths.tolist(), strict=True)
        ]
        if self._monitor is not None:
            self._monitor.write(episodes)
        return episodes

    def resume_state(self) -> dict[str, Any]:
        """All that `restore_state` needs to go on in mid-episode, to the last bit: plain values and arrays."""
        return {"world": self.world.resume_state(), "running": self._running, "seeds": list(self._seeds)}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go to the point at which `resume_state` was called, on as many robots of the same configuration.

        Raises:
            UserError: when the state is of another number of robots.
        """
        self.world.restore_state(state["world"])
        self._running = state["running"]
        self._seeds = list(state["seeds"])

    # pictures

    def get_images(self) -> Sequence[np.ndarray | None]:
        """One upright RGB image per robot, ``(H, W, 3) uint8``; None for each without a ``render_mode``."""
        if self.render_mode is None:
            return [None] * self.num_envs
        return list(self.world.images()[..., :3])

    def render(self, mode: str | None = None) -> np.ndarray | None:
        """All robots tiled into one image; ``human`` shows it in a window and returns None."""
        if "human" not in (mode, self.render_mode):
            return super().render(mode)
        if self.render_mode is not None:
            show_frame(self.config.env_id, tile_images(list(self.world.images()[..., :3])))
        return None

    def close(self) -> None:
        if self._monitor is not None:
            self._monitor.close()
        self.world.close()

    # one robot at a time

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return [getattr(robot, attr_name) for robot in self._chosen(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        for robot in self._chosen(indices):
            setattr(robot, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        return [getattr(robot, method_name)(*method_args, **kwargs) for robot in self._chosen(indices)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """True for `Monitor`, whose work is done here: SB3's ``evaluate_policy`` then reads ``info["episode"]``."""
        return [wrapper_class is Monitor] * len(self._chosen(indices))

    def _chosen(self, indices: VecEnvIndices) -> list[Robot]:
        rows: Iterable[int] = self._get_indices(indices)
        return [self.robots[row] for row in rows]
