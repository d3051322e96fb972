"""A representation to be judged: its encoder, a dataset, and the states of that dataset's frames."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from environments.datasets.dataset import Dataset, open_dataset
from srl3.errors import UserError
from state_representation.encoding.encoder import Encoder, load_encoder
from state_representation.judging.outputs import encode_dataset, read_states
from state_representation.store.log_folder import LogFolder
from state_representation.store.train_config import read_exp_config


@dataclass(frozen=True)
class Judged:
    """What figures and pictures are made from; ``states`` are ``(n, state_dim)``, one row a step of ``dataset``."""

    folder: LogFolder
    encoder: Encoder
    dataset: Dataset
    states: np.ndarray


def open_judged(
    log_dir: Path, data_folder: Path | None, device: str, on_start: Callable[[int], Callable[[int], object]]
) -> Judged:
    """Open a representation with its own dataset, whose states it holds, or with another one, which is encoded.

    Args:
        log_dir: log folder.
        data_folder: another dataset; None for its own.
        device: torch device of the encoder.
        on_start: called with the number of frames to encode; what it gives is called with each number just encoded.

    Raises:
        UserError: when something is missing or damaged, or the frames don't fit.
    """
    folder = LogFolder(log_dir)
    own = read_exp_config(folder)["data-folder"]
    encoder = load_encoder(folder.path, device)
    dataset = open_dataset(own if data_folder is None else data_folder)
    if dataset.info.frame_shape != encoder.info.img_shape:
        theirs, ours = ("x".join(map(str, s)) for s in (encoder.info.img_shape, dataset.info.frame_shape))
        raise UserError(f"{log_dir} takes frames of {theirs}, and those of {dataset.path} are {ours}; use another one.")
    if data_folder is None:
        states, rewards = read_states(folder)
        if len(states) == len(dataset) and np.array_equal(rewards, dataset.rewards):
            return Judged(folder, encoder, dataset, states)
    return Judged(folder, encoder, dataset, encode_dataset(encoder, dataset, on_start(len(dataset))))
