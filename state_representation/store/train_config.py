"""What a representation is learned with, as ``exp_config.json`` holds it. Imports nothing heavy."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srl3.errors import UserError
from srl3.files import write_text
from srl3.formats.damage import DamagedFile
from srl3.formats.json import read_mapping
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder
from state_representation.store.loss_terms import LossPlan, parse_losses

ENCODER_KEY = "encoder"
_RENAMED = {"losses": "losses-given"}


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Every setting of a training.

    Args:
        data_folder: the dataset.
        srl_model: name of the representation among the registered ones.
        losses: ``name:weight`` or ``name:weight:dim`` each.
        state_dim: numbers per state.
        model_type: of the encoder.
        inverse_model_type: ``linear`` or ``mlp``.
        epochs: passes over the data.
        batch_size: samples per gradient step.
        learning_rate: of Adam at its start; it falls to 0 as half a cosine.
        l1_reg: weight of the sum of absolute weights of the encoder.
        l2_reg: weight of the sum of its squared weights.
        training_set_size: steps of the dataset that are used, the first ones; -1 for all.
        balanced_sampling: each reward is drawn as often as the others.
        val_size: share of the episodes that is held out for validation.
        seed: of weights, order and noise.
        beta: weight of a VAE's KL divergence.
        occlusion_percentage: greatest share of a side that a DAE's rectangle hides.
        path_to_dae: log folder of a learned DAE, for ``perceptual``.
        relative_pos: ``supervised`` learns the agent relative to the target, instead of both in the world.
    """

    data_folder: str
    srl_model: str
    losses: tuple[str, ...]
    state_dim: int = 200
    model_type: str = "custom_cnn"
    inverse_model_type: str = "linear"
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 3e-3
    l1_reg: float = 0.0
    l2_reg: float = 0.0
    training_set_size: int = -1
    balanced_sampling: bool = False
    val_size: float = 0.2
    seed: int = 1
    beta: float = 1.0
    occlusion_percentage: float = 0.5
    path_to_dae: str = ""
    relative_pos: bool = False

    @property
    def plan(self) -> LossPlan:
        """the losses"""
        return parse_losses(self.losses, self.state_dim)

    def as_dict(self) -> dict[str, Any]:
        """With the S-RL Toolbox's keys: hyphens in names; losses, weights and parts of the state by loss."""
        plan = self.plan
        values = {
            _RENAMED.get(field.name, field.name).replace("_", "-"): getattr(self, field.name)
            for field in dataclasses.fields(self)
        }
        return {
            **values,
            "losses-given": list(self.losses),
            "losses": list(plan.names),
            "losses_weights": {term.name: term.weight for term in plan.terms},
            "split-dimensions": {term.name: [term.start, term.stop] for term in plan.terms} if plan.split else {},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "TrainConfig":
        """What `as_dict` gave.

        Raises:
            KeyError: when something is missing.
        """
        values = {
            field.name: content[_RENAMED.get(field.name, field.name).replace("_", "-")]
            for field in dataclasses.fields(cls)
        }
        return cls(**{**values, "losses": tuple(values["losses"])})


def read_exp_config(folder: LogFolder) -> dict[str, Any]:
    """What ``exp_config.json`` holds.

    Raises:
        UserError: when it is missing or damaged.
    """
    if not folder.config.is_file():
        raise UserError(f"there is no representation in {folder.path}: it has no {folder.config.name}.")
    content = read_mapping(folder.config, LEARN_AGAIN)
    try:
        TrainConfig.from_dict(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(folder.config, f"{type(error).__name__}: {error}", LEARN_AGAIN) from None
    return content


def write_exp_config(folder: LogFolder, config: TrainConfig, encoder: Mapping[str, Any], **more: Any) -> None:
    """Write ``exp_config.json`` in one piece.

    Args:
        folder: where.
        config: the settings.
        encoder: what `EncoderInfo.as_dict` gives.
        more: further keys, underscores becoming hyphens.
    """
    content = {
        **config.as_dict(),
        "experiment-name": folder.path.name,
        "log-folder": str(folder.path),
        "n_actions": encoder["n_actions"],
        "multi-view": encoder["img_shape"][2] > 3,
        **{name.replace("_", "-"): value for name, value in more.items()},
        ENCODER_KEY: dict(encoder),
    }
    write_text(folder.config, json.dumps(content, indent=1) + "\n")


def dataset_name(data_folder: Path | str) -> str:
    """Name of a dataset: that of its folder."""
    return Path(data_folder).resolve().name
