"""Using a learned representation: frames to states in batches, from a log folder or from a checkpoint's tensors.

```python
encoder = load_encoder(Path("logs/mobile_r/26-11-20_10h00_00_custom_cnn_ST_DIM200_autoencoder_reward_inverse"))
states = encoder(frames)  # (n, H, W, C) uint8 to (n, state_dim) float32
again = make_encoder(encoder.info, encoder.tensors(), device="cpu")
```
"""

import copy
import dataclasses
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.damage import DamagedFile
from srl3.formats.json import read_mapping
from srl3.formats.tensors import read_tensors
from srl3.runtime.devices import check_device
from state_representation.models.encoders import ImageShape, block_layers, build_encoder, fold_batch_norms
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder

ENCODER_PREFIX = "encoder."
"""Begins the names of the encoder's tensors among those of ``srl_model.pth``."""
_CHUNK_PIXELS = 8 * 224 * 224
"""Pixels in one forward pass: more than fits the processor's caches is slower."""


@dataclasses.dataclass(frozen=True)
class EncoderInfo:
    """What an encoder is, besides its tensors; `as_dict` can be held by JSON.

    Args:
        srl_model: name of the representation, for example ``srl_splits``.
        env_id: environment of its dataset.
        env_kwargs: that environment's parameters.
        img_shape: height, width, channels of the frames that it takes.
        n_actions: discrete actions of its dataset; None for continuous ones.
        state_dim: numbers per state.
        model_type: of the network, see `state_representation.models.encoders`.
        first_view_only: of frames with two views, it looks at the first.
        losses: what it was learned with, as ``name:weight`` or ``name:weight:dim``.
        fingerprint: SHA-256 of its tensors.
    """

    srl_model: str
    env_id: str
    env_kwargs: dict[str, Any]
    img_shape: ImageShape
    n_actions: int | None
    state_dim: int
    model_type: str
    first_view_only: bool = False
    losses: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def network_shape(self) -> ImageShape:
        """height, width, channels of what the network looks at"""
        height, width, channels = self.img_shape
        return height, width, min(channels, 3) if self.first_view_only else channels

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**dataclasses.asdict(self), "img_shape": list(self.img_shape), "losses": list(self.losses)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "EncoderInfo":
        """What `as_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: when it is something else.
        """
        values = {field.name: content[field.name] for field in dataclasses.fields(cls)}
        height, width, channels = (int(side) for side in values["img_shape"])
        values["img_shape"] = (height, width, channels)
        values["losses"] = tuple(values["losses"])
        if not isinstance(values["env_kwargs"], dict) or int(values["state_dim"]) < 1:
            raise ValueError("env_kwargs or state_dim")
        return cls(**values)


class Encoder:
    """Frames to states in evaluation mode, without gradients.

    Args:
        info: what it is.
        network: with its tensors loaded.
        device: torch device, or ``auto`` for CUDA where there is one.
    """

    def __init__(self, info: EncoderInfo, network: nn.Module, device: str | torch.device = "auto") -> None:
        self.info = info
        self.device = find_device(device)
        self._tensors = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        self._network = fold_batch_norms(copy.deepcopy(network).eval().requires_grad_(False))
        self._network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.device.type == "cpu" and torch.backends.mkldnn.is_available():
            block_layers(self._network)
        height, width, _ = info.img_shape
        self._chunk = max(1, _CHUNK_PIXELS // (height * width)) if self.device.type == "cpu" else 4096

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """States of frames.

        Args:
            frames: ``(n, H, W, C) uint8``.

        Returns:
            ``(n, state_dim) float32``

        Raises:
            ValueError: for frames of another shape or type.
        """
        info = self.info
        if frames.ndim != 4 or frames.shape[1:] != info.img_shape or frames.dtype != np.uint8:
            shape = ", ".join(map(str, info.img_shape))
            raise ValueError(f"frames are (n, {shape}) uint8, not {frames.shape} {frames.dtype}")
        states = np.empty((len(frames), info.state_dim), np.float32)
        with torch.inference_mode():
            for start in range(0, len(frames), self._chunk):
                part = np.ascontiguousarray(frames[start : start + self._chunk])
                states[start : start + len(part)] = self._states(torch.from_numpy(part)).cpu().numpy()
        return states

    def tensors(self) -> dict[str, Tensor]:
        """The network's tensors by name, on the CPU; with `info` they are the whole encoder."""
        return dict(self._tensors)

    def _states(self, frames: Tensor) -> Tensor:
        if self.info.first_view_only:
            frames = frames[..., : self.info.network_shape[2]]
        # channels last as the camera gives them, which is also the faster layout
        pixels = frames.to(self.device).permute(0, 3, 1, 2).to(torch.float32).mul_(1 / 255)
        states: Tensor = self._network(pixels)
        return states


def load_encoder(path: Path | str, device: str | torch.device = "auto") -> Encoder:
    """The encoder in a representation's log folder.

    Args:
        path: the folder, or a file in it.
        device: torch device, or ``auto`` for CUDA where there is one.

    Raises:
        UserError: when there is none, or it is damaged.
    """
    folder = LogFolder(Path(path) if Path(path).is_dir() else Path(path).parent)
    for file in (folder.config, folder.model):
        if not file.is_file():
            raise UserError(f"there is no representation in {path}: {file.name} is missing; name its log folder.")
    try:
        info = EncoderInfo.from_dict(read_mapping(folder.config, LEARN_AGAIN, needs=("encoder",))["encoder"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFile(folder.config, str(error), LEARN_AGAIN) from None
    tensors = read_tensors(folder.model, LEARN_AGAIN)
    encoder = {
        name.removeprefix(ENCODER_PREFIX): tensor for name, tensor in tensors.items() if name.startswith(ENCODER_PREFIX)
    }
    return make_encoder(info, encoder, device, source=str(folder.model))


def make_encoder(
    info: EncoderInfo,
    tensors: Mapping[str, Tensor],
    device: str | torch.device = "auto",
    source: str = "the representation",
) -> Encoder:
    """An encoder from its parts.

    Args:
        info: what it is.
        tensors: what `Encoder.tensors` gave.
        device: torch device, or ``auto`` for CUDA where there is one.
        source: where they are from, for the error.

    Raises:
        UserError: when tensors are missing, of the wrong shape, or not those that ``info`` was made with.
    """
    network = build_encoder(info.model_type, info.network_shape, info.state_dim)
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError:
        raise UserError(
            f"{source} does not hold the tensors of {info.model_type} with {info.state_dim} numbers per state; "
            "it is damaged, or was made for something else."
        ) from None
    if info.fingerprint and fingerprint(tensors) != info.fingerprint:
        raise UserError(f"{source} holds other tensors than its description says; it is damaged or mixed up.")
    return Encoder(dataclasses.replace(info, fingerprint=fingerprint(tensors)), network, device)


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().cpu().contiguous().numpy()
        digest.update(f"{name} {values.dtype} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def find_device(device: str | torch.device) -> torch.device:
    """A torch device; ``auto`` is CUDA where there is one.

    Raises:
        UserError: for a device that is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(check_device(str(device)))


def write_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """Write tensors and plain values in one piece; a full disk raises OSError, as for any file."""
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
