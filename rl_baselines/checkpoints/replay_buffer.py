"""The replay buffers of off-policy algorithms, in a file of their own without pickle."""

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer

from srl3.errors import UserError
from srl3.formats.damage import DamagedFile
from srl3.formats.npz import read_arrays

_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
_OF_EPISODES = ("ep_start", "ep_length")
"""where each step's episode began and how long it was, which a buffer that relabels goals knows (HER)"""
_CURRENT = "_current_ep_start"
"""where the episodes in progress began, ``(n_envs,)``"""
_COUNTS = ("num_timesteps", "pos", "full")
_BEGIN_EMPTY = "delete it to go on with an empty one"


@dataclasses.dataclass(frozen=True)
class SavedBuffer:
    """The filled part of a replay buffer."""

    path: Path
    num_timesteps: int
    """steps of the checkpoint that it belongs to"""
    pos: int
    """row that is written next"""
    full: bool
    arrays: dict[str, np.ndarray]
    """``(steps, n_envs, …)`` by name; parts of dictionaries as ``observations/<key>``"""
    current: np.ndarray | None = None
    """``(1, n_envs)``: rows in which the episodes in progress began, of a buffer that relabels goals"""

    @property
    def steps(self) -> int:
        """Transitions that it holds."""
        rows, n_envs = self.arrays["rewards"].shape
        return int(rows * n_envs)

    def oldest_first(self) -> dict[str, np.ndarray]:
        """The arrays in the order in which they were filled."""
        shift = -self.pos if self.full else 0
        return {name: np.roll(array, shift, axis=0) for name, array in self.arrays.items()}


def write_replay_buffer(path: Path, model: BaseAlgorithm) -> None:
    """Write the filled part of the replay buffer, with the step count of the checkpoint beside it."""
    buffer = _buffer(model)
    filled = buffer.buffer_size if buffer.full else buffer.pos
    arrays = {name: array[:filled] for name, array in _arrays(buffer).items()}
    if isinstance(buffer, HerReplayBuffer):
        arrays[_CURRENT] = buffer._current_ep_start[None]
    with path.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            num_timesteps=model.num_timesteps,
            pos=buffer.pos,
            full=buffer.full,
            **arrays,
        )


def read_replay_buffer(path: Path, num_timesteps: int) -> SavedBuffer:
    """The buffer that was written with the checkpoint of ``num_timesteps``.

    Raises:
        UserError: when the file is damaged, or of another step count.
    """
    advice = "delete it to go on with an empty replay buffer"
    arrays = read_arrays(path, advice, needs=(*_COUNTS, "rewards", "actions"))
    try:
        counts = {name: int(arrays.pop(name)) for name in _COUNTS}
        current = arrays.pop(_CURRENT, None)
    except (TypeError, ValueError) as error:
        raise DamagedFile(path, str(error), advice) from None
    rows = {array.shape[:2] for array in arrays.values()}
    if len(rows) > 1 or len(next(iter(rows))) < 2:
        raise DamagedFile(path, "its arrays have different lengths", advice)
    if counts["num_timesteps"] != num_timesteps:
        raise UserError(
            f"{path} was written at step {counts['num_timesteps']}, but the checkpoint at step {num_timesteps}; "
            "delete it to go on with an empty replay buffer."
        )
    return SavedBuffer(path, num_timesteps, counts["pos"], bool(counts["full"]), arrays, current)


def restore_replay_buffer(model: BaseAlgorithm, saved: SavedBuffer) -> None:
    """Make the model's replay buffer the very same as the saved one.

    Raises:
        UserError: when it is of another shape.
    """
    buffer = _buffer(model)
    for name, target in _arrays(buffer).items():
        rows = saved.arrays.get(name)
        if rows is None or rows.shape[1:] != target.shape[1:] or len(rows) > len(target):
            raise UserError(f"{saved.path} does not fit this replay buffer ({name}); {_BEGIN_EMPTY}.")
        target[: len(rows)] = rows
    if isinstance(buffer, HerReplayBuffer):
        if saved.current is None or saved.current.shape != (1, buffer.n_envs):
            raise UserError(f"{saved.path} does not fit this replay buffer (episodes); {_BEGIN_EMPTY}.")
        buffer._current_ep_start[:] = saved.current[0]
    buffer.pos, buffer.full = saved.pos, saved.full


def take_over_replay_buffer(model: BaseAlgorithm, saved: SavedBuffer) -> str | None:
    """Fill the model's replay buffer with what fits of another run's: its newest steps.

    The transitions of another number of environments are dealt out to these, in the order in which they were made.

    Returns:
        a sentence for the user; None when the whole buffer was taken over as it is.
    """
    buffer = _buffer(model)
    targets = _arrays(buffer)
    rows = {name: saved.arrays[name] for name in targets if name in saved.arrays}
    if len(rows) < len(targets) or any(rows[name].shape[2:] != targets[name].shape[2:] for name in targets):
        return f"{saved.path} holds other transitions than this replay buffer: beginning empty"
    n_envs, size = buffer.n_envs, buffer.buffer_size
    same_rows = rows["rewards"].shape[1] == n_envs and len(rows["rewards"]) == size
    if isinstance(buffer, HerReplayBuffer):
        fits = rows["rewards"].shape[1] == n_envs and not saved.full and len(rows["rewards"]) < size
        if same_rows or fits:
            restore_replay_buffer(model, saved)
            _end_episodes(buffer)
            return None
        return f"{saved.path} is of another size or number of worlds, and its episodes stay whole: beginning empty"
    if same_rows:
        restore_replay_buffer(model, saved)
        return None
    rows = saved.oldest_first()
    if rows["rewards"].shape[1] != n_envs:
        if buffer.optimize_memory_usage or isinstance(buffer, NStepReplayBuffer):
            return f"{saved.path} is of another number of environments, whose steps follow one another: beginning empty"
        whole = saved.steps // n_envs * n_envs
        rows = {name: _dealt_out(rows[name], whole, n_envs) for name in targets}
    kept = min(len(rows["rewards"]), size)
    for name, target in targets.items():
        target[:kept] = rows[name][len(rows[name]) - kept :]
    buffer.pos, buffer.full = kept % size, kept == size
    if kept * n_envs == saved.steps:
        return None
    return f"the replay buffer takes over the newest {kept * n_envs:,} of the {saved.steps:,} steps in {saved.path}"


def _end_episodes(buffer: HerReplayBuffer) -> None:
    """Let the episodes that were in progress end where they are: another training does not go on with them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which says just that
        buffer.truncate_last_trajectory()


def _dealt_out(array: np.ndarray, whole: int, n_envs: int) -> np.ndarray:
    """``(steps, n_envs_then, …)`` as ``(steps', n_envs, …)``, the newest ``whole`` transitions in their order."""
    flat = array.reshape(-1, *array.shape[2:])
    return flat[len(flat) - whole :].reshape(whole // n_envs, n_envs, *array.shape[2:])


def _buffer(model: BaseAlgorithm) -> ReplayBuffer:
    buffer = model.replay_buffer  # type: ignore[attr-defined]
    assert isinstance(buffer, ReplayBuffer)
    return buffer


def _arrays(buffer: ReplayBuffer) -> dict[str, np.ndarray]:
    """The buffer's own arrays by name."""
    found: dict[str, np.ndarray] = {}
    for name in (*_ARRAYS, *_OF_EPISODES):
        value: Any = getattr(buffer, name, None)
        if isinstance(value, dict):
            found |= {f"{name}/{key}": part for key, part in value.items()}
        elif value is not None:
            found[name] = value
    return found
