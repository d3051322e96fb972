"""ResNet-18 (He et al., "Deep Residual Learning for Image Recognition", 2016, table 1), without torchvision.

Parameters have torchvision's names, so that weights in that layout load into it.
"""

import torch
from torch import Tensor, nn

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""of ImageNet's pixels in [0, 1], with which published weights were learned"""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride != 1 or inputs != outputs
            else nn.Sequential()
        )

    def forward(self, maps: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(maps)))
        return torch.relu(self.bn2(self.conv2(inner)) + self.downsample(maps))


class ResNet18(nn.Module):
    """Frames ``(n, C, H, W)`` in [0, 1] to ``(n, 512)``; normalised with ImageNet's mean and deviation within."""

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        views = -(-channels // 3)
        self.register_buffer("mean", torch.tensor(_MEAN).repeat(views)[:channels, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(_STD).repeat(views)[:channels, None, None], persistent=False)
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        sizes = (64, 64, 128, 256, 512)
        for number in range(1, 5):
            inputs, outputs = sizes[number - 1], sizes[number]
            first = BasicBlock(inputs, outputs, 1 if number == 1 else 2)
            setattr(self, f"layer{number}", nn.Sequential(first, BasicBlock(outputs, outputs, 1)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, frames: Tensor) -> Tensor:
        maps = self.bn1(self.conv1((frames - self.mean) / self.std))
        maps = torch.relu(self.maxpool(maps))
        for number in range(1, 5):
            maps = getattr(self, f"layer{number}")(maps)
        return maps.mean(dim=(2, 3))


def resnet18_features(channels: int) -> ResNet18:
    """A new ResNet-18 without its classifier."""
    return ResNet18(channels)
