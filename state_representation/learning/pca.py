"""Principal components of the frames, as an encoder."""

import numpy as np
import torch

from environments.datasets.dataset import Dataset
from srl3.errors import UserError
from state_representation.models.encoders import PrincipalComponents
from state_representation.store.train_config import TrainConfig

PCA_FRAMES = 3000
"""Most frames that the components are taken from, drawn at random."""


def fit_pca(config: TrainConfig, dataset: Dataset) -> PrincipalComponents:
    """The components with the greatest variance, of pixels in [0, 1]; exact for the frames that they are taken from.

    Raises:
        UserError: when there are fewer frames than components.
    """
    number = len(dataset) if config.training_set_size < 0 else min(config.training_set_size, len(dataset))
    rng = np.random.default_rng([config.seed, 0])
    steps = np.sort(rng.choice(number, min(PCA_FRAMES, number), replace=False))
    if config.state_dim >= len(steps):
        raise UserError(
            f"{len(steps)} frames have fewer than {config.state_dim} components; use a smaller --state-dim."
        )
    frames = dataset.frames(steps)
    rows = frames.reshape(len(frames), -1).astype(np.float32) / 255
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    mean_components = _components(rows - mean, config.state_dim)
    network = PrincipalComponents(dataset.info.frame_shape, config.state_dim)
    network.mean.copy_(torch.from_numpy(mean))
    network.components.copy_(torch.from_numpy(mean_components))
    return network


def _components(rows: np.ndarray, number: int) -> np.ndarray:
    """``(number, size)`` orthonormal rows, greatest variance first, from the smaller of the two Gram matrices."""
    if len(rows) < rows.shape[1]:
        values, vectors = np.linalg.eigh((rows @ rows.T).astype(np.float64))
        scale = np.sqrt(np.maximum(values[::-1][:number], 1e-12))
        found = (vectors[:, ::-1][:, :number] / scale).T @ rows
    else:
        found = np.linalg.eigh((rows.T @ rows).astype(np.float64))[1][:, ::-1][:, :number].T
    signs = np.sign(found[np.arange(number), np.abs(found).argmax(axis=1)])
    return (found * np.where(signs == 0, 1, signs)[:, None]).astype(np.float32)
