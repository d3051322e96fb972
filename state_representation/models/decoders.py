"""Decoders: from states to frames with values in [0, 1]."""

import torch
from torch import Tensor, nn

from state_representation.models.encoders import ImageShape

_MARGIN = 1 / 255
_BROADCAST = 64
_PLACE_STD = 2.0
"""of the coordinates' first weights: a unit tells places apart that are half a frame from one another"""


class Decoder(nn.Module):
    """A frame from part of a state: ``sigmoid(network(state) + logit(mean frame))``.

    The sigmoid bounds every pixel, and the mean frame of the dataset is where learning begins: the network draws what
    differs from it.

    Args:
        network: ``(n, d)`` to ``(n, C, H, W)``.
        mean_frame: ``(H, W, C)`` in [0, 1].
    """

    mean_logit: Tensor

    def __init__(self, network: nn.Module, mean_frame: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean_logit", torch.logit(mean_frame.permute(2, 0, 1), eps=_MARGIN))

    def forward(self, states: Tensor) -> Tensor:
        return torch.sigmoid(self.network(states) + self.mean_logit)


class _Frame(nn.Module):
    """``(n, H * W * C)`` to ``(n, C, H, W)``."""

    def __init__(self, img_shape: ImageShape) -> None:
        super().__init__()
        self.img_shape = img_shape

    def forward(self, rows: Tensor) -> Tensor:
        return rows.view(-1, *self.img_shape).permute(0, 3, 1, 2)


class _Broadcast(nn.Module):
    """The state at every place of the frame, beside the place's coordinates; then convolutions with 1x1 windows.

    Where a thing is drawn becomes a matter of comparing coordinates, which is learned soon; a decoder of growing maps
    has to learn a pattern for every place. Watters et al., "Spatial Broadcast Decoder" (2019); here at half the frame's
    sides, with one upsampling at the end.
    """

    grid: Tensor

    def __init__(self, img_shape: ImageShape, state_dim: int) -> None:
        super().__init__()
        self.height, self.width, channels = img_shape
        rows, columns = (torch.linspace(-1, 1, -(-side // 2)) for side in (self.height, self.width))
        grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"))
        self.register_buffer("grid", grid[None], persistent=False)
        self.spread = nn.Linear(state_dim, _BROADCAST)
        self.place = nn.Conv2d(2, _BROADCAST, 1, bias=False)
        nn.init.normal_(self.place.weight, std=_PLACE_STD)
        self.layers = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv2d(_BROADCAST, 32, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(32, channels, 4, 2, 1),
        )

    def forward(self, states: Tensor) -> Tensor:
        maps = self.spread(states)[:, :, None, None] + self.place(self.grid)
        frames: Tensor = self.layers(maps)
        return frames[..., : self.height, : self.width]


def build_decoder(model_type: str, img_shape: ImageShape, state_dim: int, mean_frame: Tensor) -> Decoder:
    """A new decoder, the counterpart of an encoder.

    Args:
        model_type: of the encoder.
        img_shape: height, width, channels of the frames.
        state_dim: numbers that it sees.
        mean_frame: ``(H, W, C)`` in [0, 1], mean of the dataset.
    """
    height, width, channels = img_shape
    size = height * width * channels
    network: nn.Module
    if model_type == "linear":
        network = nn.Sequential(nn.Linear(state_dim, size), _Frame(img_shape))
    elif model_type == "mlp":
        hidden = (nn.Linear(state_dim, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh())
        network = nn.Sequential(*hidden, nn.Linear(50, size), _Frame(img_shape))
    else:
        network = _Broadcast(img_shape, state_dim)
    return Decoder(network, mean_frame)
