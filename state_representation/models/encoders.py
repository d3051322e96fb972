"""Encoders: networks from frames to states, for frames of any size.

All take ``(n, C, H, W) float32`` in [0, 1] and give ``(n, state_dim) float32``. They are a `features` network and a
linear `head`, so that a variational encoder can put a second head beside the first.
"""

import copy
import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from srl3.errors import UserError, unknown_name
from state_representation.models.resnet import resnet18_features

ImageShape = tuple[int, int, int]
"""height, width, channels"""
MIN_SIDE = 16
"""Smallest side of a frame that the convolutional encoders take, pixels."""


class EncoderNetwork(nn.Module):
    """Frames to states: ``states(features(frames))``.

    Args:
        features: ``(n, C, H, W)`` in [0, 1] to ``(n, feature_size)``.
        feature_size: numbers per frame that ``features`` gives.
        state_dim: numbers per state.
        as_they_are: the state begins with the features themselves, if there is room for more than them; else, and in
            the rest of the state, each number is a linear map of all features.
    """

    def __init__(self, features: nn.Module, feature_size: int, state_dim: int, as_they_are: bool = False) -> None:
        super().__init__()
        self.features = features
        self.feature_size = feature_size
        self.as_they_are = as_they_are and state_dim > feature_size
        self.head = nn.Linear(feature_size, state_dim - feature_size * self.as_they_are)

    def forward(self, frames: Tensor) -> Tensor:
        return self.states(self.features(frames))

    def states(self, features: Tensor) -> Tensor:
        """``(n, feature_size)`` to ``(n, state_dim)``"""
        mapped: Tensor = self.head(features)
        return torch.cat([features, mapped], dim=1) if self.as_they_are else mapped


class PixelRows(nn.Module):
    """``(n, C, H, W)`` to ``(n, H * W * C)``: a view where the frames lie channels last, as a camera gives them."""

    def forward(self, frames: Tensor) -> Tensor:
        return frames.permute(0, 2, 3, 1).flatten(1)


class SpatialSoftmax(nn.Module):
    """Where each channel is active: ``(n, C, h, w)`` to ``(n, 2 * C)``, expected x then y, each in [-1, 1].

    Finn et al., "Deep Spatial Autoencoders for Visuomotor Learning" (2016), section V-A.

    Args:
        channels: C, each with a temperature of its own, which is learned.
        height: h.
        width: w.
    """

    places: Tensor

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.log_sharpness = nn.Parameter(torch.zeros(channels))
        rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
        places = torch.stack([columns.repeat(height), rows.repeat_interleave(width)], dim=1)
        self.register_buffer("places", places, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        sharpened = maps.flatten(2) * self.log_sharpness.exp()[:, None]
        expected: Tensor = torch.softmax(sharpened, dim=2) @ self.places  # (n, C, 2)
        return expected.transpose(1, 2).flatten(1)


class PrincipalComponents(nn.Module):
    """Projection on principal components: ``(pixels - mean) @ components.T``.

    Args:
        img_shape: of the frames.
        state_dim: components.
    """

    mean: Tensor
    components: Tensor

    def __init__(self, img_shape: ImageShape, state_dim: int) -> None:
        super().__init__()
        height, width, channels = img_shape
        size = height * width * channels
        self.rows = PixelRows()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("components", torch.zeros(state_dim, size))

    def forward(self, frames: Tensor) -> Tensor:
        rows: Tensor = self.rows(frames)
        return (rows - self.mean) @ self.components.T


def custom_cnn(img_shape: ImageShape, state_dim: int) -> EncoderNetwork:
    """The S-RL Toolbox's CNN, three convolutions of 64 channels.

    Each is normalised, pooled and rectified; pooling before the rectifier gives the same numbers for less time.
    The last pooling is left out where its map would be smaller than 3x3 (frames of less than 33 pixels a side).
    At 224x224 the features are 6x6x64, at 64x64 they are 1x1x64.
    """
    layers: list[nn.Module] = [
        *_convolution(img_shape[2], 64, kernel=7, stride=2),
        nn.MaxPool2d(3, 2, padding=1),
        nn.ReLU(inplace=True),
        *_convolution(64, 64, kernel=3, stride=1),
        nn.MaxPool2d(3, 2),
        nn.ReLU(inplace=True),
        *_convolution(64, 64, kernel=3, stride=2),
    ]
    if min(_map_size(layers, img_shape)) >= 3:
        layers.append(nn.MaxPool2d(3, 2))
    layers += [nn.ReLU(inplace=True), nn.Flatten()]
    rows, columns = _map_size(layers[:-1], img_shape)
    return EncoderNetwork(nn.Sequential(*layers), rows * columns * 64, state_dim)


def spatial_softmax(img_shape: ImageShape, state_dim: int) -> EncoderNetwork:
    """A small CNN that ends in the places where its 32 last channels are active (`SpatialSoftmax`).

    A quarter of custom_cnn's arithmetic at 64x64. The state begins with the places, x of each channel and then y of
    each, if it has more than 64 numbers: a number of the state that is a coordinate is easier to learn from, and to
    judge, than one that mixes many.
    """
    layers: list[nn.Module] = [
        *_convolution(img_shape[2], 16, kernel=5, stride=2),
        nn.ReLU(inplace=True),
        *_convolution(16, 32, kernel=3, stride=2),
        nn.ReLU(inplace=True),
        *_convolution(32, 32, kernel=3, stride=1),
    ]
    rows, columns = _map_size(layers, img_shape)
    layers.append(SpatialSoftmax(32, rows, columns))
    return EncoderNetwork(nn.Sequential(*layers), 64, state_dim, as_they_are=True)


def mlp(img_shape: ImageShape, state_dim: int) -> EncoderNetwork:
    """Two hidden layers of 50 units with tanh on all pixels."""
    height, width, channels = img_shape
    layers = (PixelRows(), nn.Linear(height * width * channels, 50), nn.Tanh(), nn.Linear(50, 50), nn.Tanh())
    return EncoderNetwork(nn.Sequential(*layers), 50, state_dim)


def linear(img_shape: ImageShape, state_dim: int) -> EncoderNetwork:
    """One matrix on all pixels."""
    height, width, channels = img_shape
    return EncoderNetwork(PixelRows(), height * width * channels, state_dim)


def resnet(img_shape: ImageShape, state_dim: int) -> EncoderNetwork:
    """ResNet-18 with a new head (see `state_representation.models.resnet`)."""
    return EncoderNetwork(resnet18_features(img_shape[2]), 512, state_dim)


ENCODERS: dict[str, Callable[[ImageShape, int], EncoderNetwork]] = {
    "custom_cnn": custom_cnn,
    "spatial_softmax": spatial_softmax,
    "mlp": mlp,
    "linear": linear,
    "resnet": resnet,
}
"""What ``--model-type`` names."""
PCA = "pca"


def build_encoder(model_type: str, img_shape: ImageShape, state_dim: int) -> nn.Module:
    """A new encoder; its weights come from torch's global generator.

    Args:
        model_type: key of `ENCODERS`, or ``pca``.
        img_shape: height, width, channels of the frames.
        state_dim: numbers per state.

    Raises:
        UserError: for an unknown type, or frames too small for it.
    """
    if model_type == PCA:
        return PrincipalComponents(img_shape, state_dim)
    if model_type not in ENCODERS:
        raise unknown_name("encoder (--model-type)", model_type, ENCODERS)
    if model_type not in ("mlp", "linear") and min(img_shape[:2]) < MIN_SIDE:
        height, width, _ = img_shape
        raise UserError(
            f"{model_type} needs frames of at least {MIN_SIDE}x{MIN_SIDE}, and these are {height}x{width}; "
            "use --model-type mlp, or larger frames."
        )
    return ENCODERS[model_type](img_shape, state_dim)


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Put every batch norm that follows a convolution into that convolution's weights, in place.

    Only for a network in evaluation mode, whose outputs stay the same up to rounding.
    """
    previous: tuple[str, nn.Module] | None = None
    for name, child in list(network.named_children()):
        if isinstance(child, nn.BatchNorm2d) and previous is not None and isinstance(previous[1], nn.Conv2d):
            setattr(network, previous[0], torch.nn.utils.fusion.fuse_conv_bn_eval(previous[1], child))
            setattr(network, name, nn.Identity())
        else:
            fold_batch_norms(child)
        previous = (name, child)
    return network


class BlockedLayers(nn.Sequential):
    """Layers without gradients on oneDNN's own blocked layout, from and to torch's dense one; for the CPU.

    Pooled convolutions on large frames take a tenth less time so than with channels last; others more.
    """

    LAYERS = (nn.Conv2d, nn.MaxPool2d, nn.ReLU, nn.Identity)

    def forward(self, frames: Tensor) -> Tensor:
        return super().forward(frames.contiguous().to_mkldnn()).to_dense()


def block_layers(network: nn.Module) -> nn.Module:
    """Put the convolutions of an encoder that pools between them into `BlockedLayers`, in place."""
    if isinstance(network, EncoderNetwork) and isinstance(network.features, nn.Sequential):
        layers = list(network.features)
        first = list(itertools.takewhile(lambda layer: isinstance(layer, BlockedLayers.LAYERS), layers))
        if any(isinstance(layer, nn.MaxPool2d) for layer in first):
            network.features = nn.Sequential(BlockedLayers(*first), *layers[len(first) :])
    return network


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)


def _map_size(layers: list[nn.Module], img_shape: ImageShape) -> tuple[int, int]:
    """Rows and columns of what the layers give, found without arithmetic (torch's meta device)."""
    height, width, channels = img_shape
    network = copy.deepcopy(nn.Sequential(*layers)).eval().to("meta")
    rows, columns = network(torch.empty(1, channels, height, width, device="meta")).shape[2:]
    return int(rows), int(columns)
