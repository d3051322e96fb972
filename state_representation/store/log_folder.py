"""Log folders of representations: the only place that knows the file names in them. Imports nothing heavy."""

import dataclasses
from pathlib import Path

LEARN_AGAIN = "learn the representation again"
"""the advice for a damaged file in one"""


@dataclasses.dataclass(frozen=True)
class LogFolder:
    """One representation: ``<parent>/<YY-MM-DD_HHhMM_SS>_<model>_ST_DIM<n>_<losses>/``."""

    path: Path

    @property
    def config(self) -> Path:
        """every flag as used, and under ``encoder`` what `EncoderInfo` holds"""
        return self.path / "exp_config.json"

    @property
    def model(self) -> Path:
        """the best model's tensors, by name; the encoder's begin with ``encoder.``"""
        return self.path / "srl_model.pth"

    @property
    def training_state(self) -> Path:
        """what ``--resume`` goes on from: tensors of model, optimiser and generators after the last epoch"""
        return self.path / "training_state.pth"

    @property
    def loss_history(self) -> Path:
        """losses of every epoch, training and validation"""
        return self.path / "loss_history.npz"

    @property
    def states_rewards(self) -> Path:
        """``states`` (n, state_dim) and ``rewards`` (n,) of the whole dataset"""
        return self.path / "states_rewards.npz"

    @property
    def image_to_state(self) -> Path:
        """the state of every frame, by the frame's number in the dataset"""
        return self.path / "image_to_state.json"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files"""
        return self.path / "tensorboard"

    @property
    def correlation(self) -> Path:
        """ground-truth correlation of each dimension, and their mean"""
        return self.path / "gt_correlation.json"

    @property
    def knn_mse(self) -> Path:
        """the KNN-MSE"""
        return self.path / "knn_mse.json"

    @property
    def evaluation(self) -> Path:
        """every figure of merit"""
        return self.path / "evaluation.json"

    @property
    def neighbours(self) -> Path:
        """pictures of nearest neighbours"""
        return self.path / "NearestNeighbors"

    @property
    def losses_plot(self) -> Path:
        """losses against epochs"""
        return self.path / "losses.png"

    @property
    def learned_states(self) -> Path:
        """the states' projection, coloured by reward"""
        return self.path / "learned_states.png"

    @property
    def correlation_plot(self) -> Path:
        """correlation of ground truth with every number of the state"""
        return self.path / "correlation.png"

    @property
    def reconstructions(self) -> Path:
        """frames, and what the decoder draws from their states"""
        return self.path / "reconstructions.png"

    @property
    def traversals(self) -> Path:
        """what is drawn along directions of the state"""
        return self.path / "traversals.png"

    @property
    def page(self) -> Path:
        """the states, on a page of their own"""
        return self.path / "states.html"
