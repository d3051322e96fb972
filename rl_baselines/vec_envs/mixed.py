"""Environments of several tasks as one `VecEnv`: what a policy that learns all tasks at once trains on."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from rl_baselines.vec_envs.images import image_paths
from rl_baselines.vec_envs.leaves import Observations, joined, leaves_of
from srl3.errors import UserError
from srl3.spaces import describe, in_words, same


class MixedVecEnv(VecEnv):
    """Several `VecEnv` side by side, whose environments are counted one after the other.

    Args:
        parts: of the same spaces, one for each task; they are closed with it.
        names: of the tasks, for error messages.

    Raises:
        UserError: when two tasks show or take something else.
    """

    def __init__(self, parts: Sequence[VecEnv], names: Sequence[str]) -> None:
        first = parts[0]
        for part, name in zip(parts, names, strict=True):
            for what in ("observation_space", "action_space"):
                one, other = getattr(first, what), getattr(part, what)
                if not same(one, other):
                    raise UserError(
                        f"the {what.replace('_', ' ')} of the task {name} is {in_words(describe(other))}, and that of "
                        f"{names[0]} {in_words(describe(one))}; one policy can't learn both at once."
                    )
        self.parts = list(parts)
        self.image_paths = image_paths(first)
        self._starts = np.cumsum([0, *(part.num_envs for part in parts)]).tolist()
        super().__init__(self._starts[-1], first.observation_space, first.action_space)

    # stepping

    def reset(self) -> Observations:
        found = [part.reset() for part in self.parts]
        self.reset_infos = [info for part in self.parts for info in part.reset_infos]
        return _together(found)

    def step_async(self, actions: np.ndarray) -> None:
        for part, share in zip(self.parts, np.split(np.asarray(actions), self._starts[1:-1]), strict=True):
            part.step_async(share)

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, dones, infos = zip(*(part.step_wait() for part in self.parts), strict=True)
        self.reset_infos = [info for part in self.parts for info in part.reset_infos]
        return (
            _together(observations),
            np.concatenate(rewards),
            np.concatenate(dones),
            [info for some in infos for info in some],
        )

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Environment i gets ``seed + i``, as of any `VecEnv`."""
        given = zip(self.parts, self._starts, strict=False)
        return [each for part, start in given for each in part.seed(None if seed is None else seed + start)]

    def reset_rows(self, rows: np.ndarray) -> Observations:
        """Begin new episodes in these environments only, ``(K,) int64``; gives what all observe now."""
        ends = zip(self.parts, self._starts[:-1], self._starts[1:], strict=True)
        return _together(
            [
                part.reset_rows(rows[(rows >= start) & (rows < end)] - start)  # type: ignore[attr-defined]
                for part, start, end in ends
            ]
        )

    def close(self) -> None:
        for part in self.parts:
            part.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        return [image for part in self.parts for image in part.get_images()]

    # one environment at a time

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return self._each(indices, lambda part, row: part.get_attr(attr_name, row)[0])

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        self._each(indices, lambda part, row: part.set_attr(attr_name, value, row))

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        return self._each(indices, lambda part, row: part.env_method(method_name, *args, indices=row, **kwargs)[0])

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        return self._each(indices, lambda part, row: part.env_is_wrapped(wrapper_class, row)[0])

    def _each(self, indices: VecEnvIndices, do: Callable[[VecEnv, int], Any]) -> list[Any]:
        found = []
        for index in self._get_indices(indices):
            part = int(np.searchsorted(self._starts, index, side="right")) - 1
            found.append(do(self.parts[part], index - self._starts[part]))
        return found


def shares(count: int, tasks: int) -> list[int]:
    """How many of ``count`` environments each task has: equally many, or the first ones one more."""
    return [count // tasks + (place < count % tasks) for place in range(tasks)]


def _together(observations: Sequence[Any]) -> Observations:
    leaves = [leaves_of(each) for each in observations]
    return joined({key: np.concatenate([each[key] for each in leaves]) for key in leaves[0]})
