"""Learning a representation: epochs of gradient steps, the best by validation loss kept, resumable after each epoch."""

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from environments.datasets.dataset import Dataset
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.tensors import read_tensors
from state_representation.data.loader import FrameReader, Sample, epoch_order, minibatches, partition, read_ahead
from state_representation.data.rewards import reward_classes
from state_representation.data.truth import relative_truth, world_truth
from state_representation.encoding.encoder import ENCODER_PREFIX, find_device, load_encoder, write_tensors
from state_representation.learning.objectives import Batch, Setting, SRLModel
from state_representation.models.encoders import EncoderNetwork, build_encoder
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder
from state_representation.store.loss_terms import check_losses
from state_representation.store.train_config import TrainConfig

STATISTICS_FRAMES = 2000
"""Frames from which mean and variance of the pixels are taken."""
_VALIDATION_BATCH = 128
_VALIDATION_NOISE = 2**31
"""seeds the noise of validation, which is the same in every epoch"""


@dataclass
class History:
    """Losses of every epoch: by name, ``total`` among them, for training and validation."""

    training: list[dict[str, float]] = field(default_factory=list)
    validation: list[dict[str, float]] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """finished epochs"""
        return len(self.validation)

    @property
    def best_epoch(self) -> int:
        """the one with the least validation loss, from 1; 0 before the first"""
        if not self.validation:
            return 0
        return 1 + int(np.argmin([found["total"] for found in self.validation]))

    def arrays(self) -> dict[str, np.ndarray]:
        """``train_<loss>`` and ``val_<loss>``, ``(epochs,)`` each."""
        sides = (("train", self.training), ("val", self.validation))
        names = self.validation[0] if self.validation else {}
        return {f"{side}_{name}": np.array([found[name] for found in rows]) for side, rows in sides for name in names}


class Learner:
    """The model of a training, its data and its optimiser.

    Args:
        config: every setting.
        dataset: what is learned from.
        device: torch device, or ``auto``.

    Raises:
        UserError: when dataset and losses don't fit together.
    """

    def __init__(self, config: TrainConfig, dataset: Dataset, device: str = "auto") -> None:
        self.config = config
        self.dataset = dataset
        self.device = find_device(device)
        self.plan = config.plan
        multi_view = dataset.info.frame_shape[2] > 3
        check_losses(self.plan, model_type=config.model_type, multi_view=multi_view, has_dae=bool(config.path_to_dae))
        number = len(dataset) if config.training_set_size < 0 else min(config.training_set_size, len(dataset))
        self.transitions = self.plan.needs_transitions
        self.first_view_only = "triplet" in self.plan.names
        rng = np.random.default_rng([config.seed, 0])
        self.steps = partition(dataset, number, config.val_size, self.transitions, rng)
        self.reader = FrameReader(dataset, number)
        self.rewards = reward_classes(dataset.rewards)
        self._check_data()
        self._truth = self._standardised_truth()
        self._episodes = dataset.episode_numbers()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.model = self._build()
        self.model.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        learned = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(learned, lr=config.learning_rate, fused=True) if learned else None
        self.history = History()

    @property
    def network_shape(self) -> tuple[int, int, int]:
        """height, width, channels of what the encoder looks at"""
        height, width, channels = self.dataset.info.frame_shape
        return height, width, 3 if self.first_view_only else channels

    @property
    def batches_per_epoch(self) -> int:
        """gradient steps of an epoch"""
        return len(minibatches(self.steps.training, self.config.batch_size))

    def run_epoch(self, on_step: Callable[[dict[str, float]], None]) -> None:
        """One pass over the training steps, then validation; adds to `history`.

        Args:
            on_step: called after every gradient step with its losses.

        Raises:
            UserError: when the losses are no longer finite.
        """
        epoch = self.history.epochs
        rng = np.random.default_rng([self.config.seed, 1 + epoch])
        noise = torch.Generator().manual_seed(int(rng.integers(2**62)))
        classes = self.rewards.classes[self.steps.training] if self.config.balanced_sampling else None
        parts = minibatches(epoch_order(self.steps.training, classes, rng), self.config.batch_size)
        self.model.train()
        sums: dict[str, float] = {}
        with closing(read_ahead(self.reader, parts, self.transitions)) as samples:
            for number, sample in enumerate(samples):
                self._set_learning_rate(epoch + number / len(parts))
                found = self._gradient_step(self.batch(sample, noise, training=True))
                _add(sums, found, 1 / len(parts))
                on_step(found)
        self.history.training.append(sums)
        self.history.validation.append(self.validate())

    def validate(self) -> dict[str, float]:
        """Every loss over the validation steps, without gradients."""
        noise = torch.Generator().manual_seed(_VALIDATION_NOISE)
        parts = minibatches(self.steps.validation, _VALIDATION_BATCH)
        count = sum(map(len, parts))
        sums: dict[str, float] = {}
        self.model.eval()
        with torch.inference_mode(), closing(read_ahead(self.reader, parts, self.transitions)) as samples:
            for sample in samples:
                found = self.model.losses(self.batch(sample, noise, training=False))
                _add(sums, _numbers(found, self.model.total(found)), len(sample.steps) / count)
        if not all(map(math.isfinite, sums.values())):
            raise UserError("the losses are no longer numbers; use a smaller -lr or smaller weights.")
        return sums

    def settle_batch_norms(self) -> None:
        """Take the statistics of untrained batch norms from the data, as training would have."""
        rng = np.random.default_rng([self.config.seed, 1])
        order = epoch_order(self.steps.training, None, rng)[:STATISTICS_FRAMES]
        self.model.train()
        with torch.no_grad():
            for steps in minibatches(order, self.config.batch_size):
                self.model.encode(self._pixels(self.reader.read(steps)))

    def batch(self, sample: Sample, noise: torch.Generator, training: bool) -> Batch:
        """A minibatch on the device, encoded in one forward pass."""
        pixels = self._pixels(sample.frames)
        features, states = self.model.encode(pixels)
        number = len(sample.steps)
        steps = sample.steps
        return Batch(
            frames=pixels[:number],
            features=features[:number],
            states=states[:number],
            next_states=states[number:] if self.transitions else None,
            actions=self._tensor(self.dataset.actions[steps]),
            rewards=self._tensor(self.dataset.rewards[steps]),
            reward_classes=self._tensor(self.rewards.classes[steps]),
            episodes=self._tensor(self._episodes[steps]),
            truth=self._tensor(self._truth[steps]),
            encode=self.model.encode,
            generator=noise,
            training=training,
        )

    def save(self, folder: LogFolder) -> None:
        """Write the history, the model if it is the best so far, and what resuming needs; each file in one piece."""
        if self.history.best_epoch == self.history.epochs:
            self.save_model(folder)
        assert self.optimizer is not None
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "training": self.history.training,
            "validation": self.history.validation,
        }
        write_tensors(folder.training_state, state)
        self.save_history(folder)

    def save_model(self, folder: LogFolder) -> None:
        """Write ``srl_model.pth``."""
        write_tensors(folder.model, {name: tensor.cpu() for name, tensor in self.model.state_dict().items()})

    def save_history(self, folder: LogFolder) -> None:
        """Write ``loss_history.npz``."""
        with atomic_path(folder.loss_history) as temporary, temporary.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **self.history.arrays())

    def resume(self, folder: LogFolder) -> None:
        """Go on from what `save` wrote.

        Raises:
            UserError: when it is missing, damaged, or of another model.
        """
        if not folder.training_state.is_file():
            raise UserError(f"{folder.path} has no {folder.training_state.name}: no epoch was finished; train anew.")
        state = read_tensors(folder.training_state, LEARN_AGAIN)
        try:
            self.model.load_state_dict(state["model"])
            if self.optimizer is not None:
                self.optimizer.load_state_dict(state["optimizer"])
            self.history = History(state["training"], state["validation"])
        except (KeyError, RuntimeError, ValueError, TypeError):
            raise UserError(f"{folder.training_state} does not fit these settings; train anew.") from None

    def encoder_tensors(self) -> dict[str, Tensor]:
        """The encoder's tensors as they are now."""
        return {name: tensor.detach().cpu() for name, tensor in self.model.encoder.state_dict().items()}

    def _gradient_step(self, batch: Batch) -> dict[str, float]:
        assert self.optimizer is not None
        found = self.model.losses(batch)
        total = self.model.total(found)
        objective = total + self._regulariser()
        self.optimizer.zero_grad(set_to_none=True)
        objective.backward()
        self.optimizer.step()
        return _numbers(found, total)

    def _regulariser(self) -> Tensor:
        total = torch.zeros((), device=self.device)
        if self.config.l1_reg:
            total = total + self.config.l1_reg * _sum(p.abs().sum() for p in self.model.encoder.parameters())
        if self.config.l2_reg:
            total = total + self.config.l2_reg * _sum((p**2).sum() for p in self.model.encoder.parameters())
        return total

    def _set_learning_rate(self, epochs_done: float) -> None:
        assert self.optimizer is not None
        share = min(1.0, epochs_done / self.config.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))

    def _pixels(self, frames: np.ndarray) -> Tensor:
        """``(n, C, H, W) float32`` in [0, 1], channels last in memory as the frames are; height stays height."""
        moved = torch.from_numpy(frames).to(self.device)
        return moved.permute(0, 3, 1, 2).to(torch.float32).mul_(1 / 255)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def _check_data(self) -> None:
        names, info = set(self.plan.names), self.dataset.info
        if "priors" in names and info.n_actions is None:
            raise UserError(
                "priors compare steps with equal actions, and these are continuous; use inverse or forward."
            )
        used = np.concatenate([self.steps.training, self.steps.validation])
        for name in ("reward", "reward-prior"):
            if name in names and np.ptp(self.dataset.rewards[used]) == 0:
                raise UserError(f"all rewards of {self.dataset.path} are equal, so {name} has nothing to learn.")
        if self.config.balanced_sampling and not len(self.rewards.values):
            raise UserError("--balanced-sampling needs rewards of a few kinds, and these are dense; leave it out.")

    def _standardised_truth(self) -> np.ndarray:
        if "supervised" not in self.plan.names:
            return np.zeros((len(self.dataset), 0), np.float32)
        values = supervised_targets(self.dataset, self.config.relative_pos)
        seen = values[self.steps.training]
        size = next(term.size for term in self.plan.terms if term.name == "supervised")
        if size != values.shape[1]:
            raise UserError(
                f"supervised learns {values.shape[1]} numbers of ground truth, and its part of the state has {size}; "
                f"use --state-dim {values.shape[1]}, or supervised:1:{values.shape[1]} beside other losses."
            )
        return ((values - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), 1e-6)).astype(np.float32)

    def _build(self) -> SRLModel:
        config, info = self.config, self.dataset.info
        encoder = build_encoder(config.model_type, self.network_shape, config.state_dim)
        assert isinstance(encoder, EncoderNetwork)
        rng = np.random.default_rng([config.seed, 2**32])
        steps = rng.choice(self.steps.training, min(STATISTICS_FRAMES, len(self.steps.training)), replace=False)
        frames = self.reader.read(np.sort(steps))
        mean, variance = pixel_statistics(frames)
        if variance == 0:
            raise UserError(f"all frames of {self.dataset.path} are equal; there is nothing to learn from them.")
        continuous = info.n_actions is None
        variances = self.dataset.actions[self.steps.training].var(axis=0) if continuous else np.zeros(0)
        setting = Setting(
            img_shape=info.frame_shape,
            model_type=config.model_type,
            feature_size=encoder.feature_size,
            mean_frame=torch.from_numpy(mean),
            pixel_variance=variance,
            n_actions=info.n_actions,
            action_variance=torch.from_numpy(np.maximum(variances, 1e-8).astype(np.float32)),
            n_rewards=len(self.rewards.values),
            reward_variance=max(1e-8, float(self.dataset.rewards[self.steps.training].var())),
            inverse_model_type=config.inverse_model_type,
            beta=config.beta,
            occlusion=config.occlusion_percentage,
            dae=self._load_dae(frames) if config.path_to_dae else None,
        )
        return SRLModel(encoder, setting, self.plan, self.first_view_only)

    def _load_dae(self, frames: np.ndarray) -> tuple[torch.nn.Module, float]:
        dae = load_encoder(self.config.path_to_dae, self.device)
        if "dae" not in {text.partition(":")[0] for text in dae.info.losses}:
            raise UserError(f"{self.config.path_to_dae} was not learned with dae; name the log folder of one that was.")
        if dae.info.img_shape != self.dataset.info.frame_shape:
            theirs, ours = ("x".join(map(str, shape)) for shape in (dae.info.img_shape, self.dataset.info.frame_shape))
            raise UserError(f"the dae in {self.config.path_to_dae} takes frames of {theirs}, and these are {ours}.")
        network = build_encoder(dae.info.model_type, dae.info.network_shape, dae.info.state_dim)
        network.load_state_dict(dae.tensors())
        return network.to(self.device), float(dae(frames).var(axis=0).mean())


def supervised_targets(dataset: Dataset, relative_pos: bool) -> np.ndarray:
    """``(n, k)``: the columns of ground truth that change."""
    values = (relative_truth if relative_pos else world_truth)(dataset).values
    return values[:, np.ptp(values, axis=0) > 1e-6]


def pixel_statistics(frames: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean frame ``(H, W, C) float32`` in [0, 1], and the variance of a pixel over the frames, mean over pixels."""
    scaled = frames.astype(np.float32) / 255
    return scaled.mean(axis=0), float(scaled.var(axis=0).mean(dtype=np.float64))


def best_tensors(folder: LogFolder) -> dict[str, Tensor]:
    """The encoder's tensors in ``srl_model.pth``."""
    tensors = read_tensors(folder.model, LEARN_AGAIN)
    return {
        name.removeprefix(ENCODER_PREFIX): tensor for name, tensor in tensors.items() if name.startswith(ENCODER_PREFIX)
    }


def _numbers(found: dict[str, Tensor], total: Tensor) -> dict[str, float]:
    names, values = [*found, "total"], torch.stack([*found.values(), total]).tolist()
    return dict(zip(names, values, strict=True))


def _add(sums: dict[str, float], found: dict[str, float], share: float) -> None:
    for name, value in found.items():
        sums[name] = sums.get(name, 0.0) + share * value


def _sum(tensors: Iterator[Tensor]) -> Tensor:
    return torch.stack(list(tensors)).sum()
