"""What a training leaves besides the model: the state of every frame, and the encoder's description."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from environments.datasets.dataset import Dataset
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.npz import read_arrays
from state_representation.encoding.encoder import Encoder, EncoderInfo
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder
from state_representation.store.train_config import TrainConfig, dataset_name

_FRAMES_AT_ONCE = 512


def encoder_info(config: TrainConfig, dataset: Dataset, fingerprint: str = "") -> EncoderInfo:
    """The description of what ``config`` learns from ``dataset``."""
    info, plan = dataset.info, config.plan
    return EncoderInfo(
        srl_model=config.srl_model,
        env_id=info.env_id,
        env_kwargs=dict(info.env_kwargs),
        img_shape=info.frame_shape,
        n_actions=info.n_actions,
        state_dim=config.state_dim,
        model_type="pca" if plan.names == ("pca",) else config.model_type,
        first_view_only="triplet" in plan.names,
        losses=plan.texts,
        fingerprint=fingerprint,
    )


def encode_dataset(encoder: Encoder, dataset: Dataset, on_frames: Callable[[int], object]) -> np.ndarray:
    """The state of every step, ``(n, state_dim) float32``.

    Args:
        encoder: of the states.
        dataset: of the frames.
        on_frames: called with the number of frames just encoded.
    """
    states = np.empty((len(dataset), encoder.info.state_dim), np.float32)
    for start in range(0, len(dataset), _FRAMES_AT_ONCE):
        steps = np.arange(start, min(start + _FRAMES_AT_ONCE, len(dataset)))
        states[steps] = encoder(dataset.frames(steps))
        on_frames(len(steps))
    return states


def write_states(folder: LogFolder, dataset: Dataset, states: np.ndarray) -> None:
    """Write ``states_rewards.npz`` and ``image_to_state.json``, whose keys are the S-RL Toolbox's picture names."""
    with atomic_path(folder.states_rewards) as temporary, temporary.open("wb") as opened:
        np.savez(opened, allow_pickle=False, states=states, rewards=dataset.rewards)
    name, numbers = dataset_name(dataset.path), dataset.episode_numbers()
    starts = np.flatnonzero(dataset.episode_starts)
    with atomic_path(folder.image_to_state) as temporary, temporary.open("w", encoding="utf-8") as text:
        for step, (episode, state) in enumerate(zip(numbers, states, strict=True)):
            key = json.dumps(f"{name}/record_{episode:03d}/frame{step - starts[episode]:06d}")
            row = ",".join(map("{:.5g}".format, state.tolist()))
            text.write(f"{'{' if step == 0 else ','}\n{key}:[{row}]")
        text.write("\n}\n")


def read_states(folder: LogFolder) -> tuple[np.ndarray, np.ndarray]:
    """States ``(n, state_dim)`` and rewards ``(n,)`` that `write_states` wrote.

    Raises:
        UserError: when they are missing or damaged.
    """
    arrays = _read(folder.states_rewards, needs=("states", "rewards"))
    return arrays["states"], arrays["rewards"]


def read_history(folder: LogFolder) -> dict[str, np.ndarray]:
    """Losses of every epoch, ``train_<loss>`` and ``val_<loss>``; nothing for a representation without epochs.

    Raises:
        UserError: when the file is damaged.
    """
    return _read(folder.loss_history) if folder.loss_history.is_file() else {}


def _read(file: Path, needs: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    if not os.path.lexists(file):
        raise UserError(f"{file} is missing: the training did not end; go on with --resume.")
    return read_arrays(file, LEARN_AGAIN, needs)
