"""Representations made by hand, with random weights."""

import json
from pathlib import Path
from typing import Any

import torch

from state_representation.encoding.encoder import ENCODER_PREFIX, Encoder, EncoderInfo
from state_representation.models.encoders import build_encoder
from state_representation.store.log_folder import LogFolder

STATE_DIM = 5


def make_random_encoder(**changes: Any) -> Encoder:
    """Of the mobile robot's pixels at 40x48, unless ``changes`` say otherwise."""
    values: dict[str, Any] = {
        "srl_model": "random",
        "env_id": "MobileRobotGymEnv-v0",
        "env_kwargs": {},
        "img_shape": (40, 48, 3),
        "n_actions": 4,
        "state_dim": STATE_DIM,
        "model_type": "custom_cnn",
        **changes,
    }
    info = EncoderInfo(**values)
    torch.manual_seed(0)
    return Encoder(info, build_encoder(info.model_type, info.network_shape, info.state_dim), "cpu")


def write_random_representation(folder: Path, **changes: Any) -> Encoder:
    """The same as a log folder that ``load_encoder`` reads."""
    encoder = make_random_encoder(**changes)
    files = LogFolder(folder)
    folder.mkdir(parents=True)
    files.config.write_text(json.dumps({"encoder": encoder.info.as_dict()}))
    torch.save({f"{ENCODER_PREFIX}{name}": tensor for name, tensor in encoder.tensors().items()}, files.model)
    return encoder
