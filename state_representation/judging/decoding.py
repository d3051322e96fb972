"""The decoder that was learned beside an encoder."""

import numpy as np
import torch

from srl3.errors import UserError
from srl3.formats.tensors import read_tensors
from state_representation.encoding.encoder import EncoderInfo
from state_representation.learning.objectives import objective_key
from state_representation.models.decoders import Decoder, build_decoder
from state_representation.models.encoders import PCA
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder
from state_representation.store.loss_terms import RECONSTRUCTIONS, parse_losses


class FrameDecoder:
    """Frames from states.

    Args:
        decoder: of one part of the state; None for principal components.
        part: which.
        img_shape: height, width, channels.
        components: ``(mean, components)`` of pixels in [0, 1]; for principal components only.
    """

    def __init__(
        self,
        decoder: Decoder | None,
        part: slice,
        img_shape: tuple[int, int, int],
        components: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self._decoder = decoder
        self.part = part
        self._img_shape = img_shape
        self._components = components

    def __call__(self, states: np.ndarray) -> np.ndarray:
        """``(n, state_dim) float32`` to ``(n, H, W, C) uint8``."""
        codes = states[:, self.part].astype(np.float32)
        if self._components is not None:
            mean, components = self._components
            frames = (codes @ components + mean).reshape(-1, *self._img_shape)
        else:
            assert self._decoder is not None
            with torch.inference_mode():
                frames = self._decoder(torch.from_numpy(codes)).permute(0, 2, 3, 1).numpy()
        found: np.ndarray = np.rint(255 * np.clip(frames, 0, 1)).astype(np.uint8)
        return found


def load_decoder(folder: LogFolder, info: EncoderInfo) -> FrameDecoder | None:
    """The decoder in a log folder; None where the representation was learned without pictures."""
    everything = slice(0, info.state_dim)
    if info.model_type == PCA:
        tensors = read_tensors(folder.model, LEARN_AGAIN)
        components = tensors["encoder.mean"].numpy(), tensors["encoder.components"].numpy()
        return FrameDecoder(None, everything, info.img_shape, components)
    term = next((t for t in parse_losses(info.losses, info.state_dim).terms if t.name in RECONSTRUCTIONS), None)
    if term is None:
        return None
    prefix = f"objectives.{objective_key(term.name)}.decoder."
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in read_tensors(folder.model, LEARN_AGAIN).items()
        if name.startswith(prefix)
    }
    decoder = build_decoder(info.model_type, info.img_shape, term.size, torch.zeros(info.img_shape))
    try:
        decoder.load_state_dict(tensors)
    except RuntimeError:
        raise UserError(f"{folder.model} does not hold the decoder of {term.name}; it is damaged.") from None
    return FrameDecoder(decoder.eval(), term.part, info.img_shape)
