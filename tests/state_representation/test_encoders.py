"""The networks: shapes for any frame, and that what is folded gives the same numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from environments.datasets.dataset import open_dataset
from srl3.errors import UserError
from state_representation.learning.pca import fit_pca
from state_representation.models.decoders import build_decoder
from state_representation.models.encoders import (
    ENCODERS,
    BlockedLayers,
    SpatialSoftmax,
    block_layers,
    build_encoder,
    fold_batch_norms,
)
from state_representation.store.train_config import TrainConfig
from state_representation.train import MODEL_TYPES

from .toys import write_toy


@pytest.mark.parametrize("model_type", ENCODERS)
@pytest.mark.parametrize("shape", [(36, 36, 3), (64, 48, 6), (17, 33, 3)])
def test_any_frame_size(model_type, shape):
    height, width, channels = shape
    network = build_encoder(model_type, shape, 7).eval()
    assert network(torch.rand(2, channels, height, width)).shape == (2, 7)
    if model_type != "resnet":
        decoder = build_decoder(model_type, shape, 5, torch.full(shape, 0.25)).eval()
        drawn = decoder(50 * torch.randn(3, 5))
        assert drawn.shape == (3, channels, height, width)
        assert drawn.min() >= 0
        assert drawn.max() <= 1, "the S-RL Toolbox's decoder had no bound"


def test_custom_cnn_is_the_s_rl_toolbox_s():
    assert build_encoder("custom_cnn", (224, 224, 3), 200).feature_size == 6 * 6 * 64
    assert build_encoder("custom_cnn", (64, 64, 3), 200).feature_size == 64
    convolutions = [m for m in build_encoder("custom_cnn", (64, 64, 3), 9).modules() if isinstance(m, nn.Conv2d)]
    assert [(c.kernel_size[0], c.stride[0], c.out_channels) for c in convolutions] == [
        (7, 2, 64),
        (3, 1, 64),
        (3, 2, 64),
    ]


def test_pooling_before_the_rectifier_changes_nothing():
    maps = torch.randn(2, 3, 11, 11)
    pool = nn.MaxPool2d(3, 2, padding=1)
    assert torch.equal(torch.relu(pool(maps)), pool(torch.relu(maps)))


def test_resnet_has_torchvision_s_parameters():
    network = build_encoder("resnet", (64, 64, 3), 2).features
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_176_512  # ResNet-18 less its classifier
    names = set(network.state_dict())
    assert {"conv1.weight", "bn1.running_var", "layer1.0.conv2.weight", "layer4.0.downsample.1.bias"} <= names
    assert not {name for name in names if name.startswith(("mean", "std"))}


@pytest.mark.parametrize("model_type", ["custom_cnn", "resnet", "spatial_softmax"])
def test_folding_batch_norms_keeps_the_output(model_type):
    generator = torch.Generator().manual_seed(0)
    network = build_encoder(model_type, (40, 40, 3), 4).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, -1, 1, generator=generator)
    frames = torch.rand(3, 3, 40, 40, generator=generator)
    with torch.no_grad():
        before = network(frames)
        after = fold_batch_norms(network)(frames)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="oneDNN is for x86 and some Arm processors")
@pytest.mark.parametrize(
    ("model_type", "blocked"), [("custom_cnn", 12), ("spatial_softmax", 0), ("resnet", 0), ("mlp", 0)]
)
def test_the_blocked_layout_keeps_the_output(model_type, blocked):
    network = build_encoder(model_type, (100, 100, 3), 4).eval().requires_grad_(False)
    frames = torch.rand(3, 3, 100, 100, generator=torch.Generator().manual_seed(0))
    before = network(frames)
    after = block_layers(fold_batch_norms(network))(frames)
    assert sum(len(module) for module in network.modules() if isinstance(module, BlockedLayers)) == blocked
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-6)


def test_spatial_softmax_says_where():
    maps = torch.full((1, 2, 5, 9), -50.0)
    maps[0, 0, 0, 8] = 50  # top right
    maps[0, 1, 4, 4] = 50  # middle of the bottom
    assert SpatialSoftmax(2, 5, 9)(maps)[0].tolist() == pytest.approx([1, 0, -1, 1])  # x of both, then y of both


def test_the_state_begins_with_the_places_where_it_has_room():
    frames = torch.rand(3, 3, 32, 40, generator=torch.Generator().manual_seed(0))
    large, small = (build_encoder("spatial_softmax", (32, 40, 3), state_dim).eval() for state_dim in (70, 64))
    with torch.no_grad():
        assert torch.equal(large(frames)[:, :64], large.features(frames))
        assert torch.equal(large(frames)[:, 64:], large.head(large.features(frames)))
        assert torch.equal(small(frames), small.head(small.features(frames)))
    assert large(frames).shape == (3, 70)


def test_too_small_frames_and_unknown_types():
    with pytest.raises(UserError, match="custom_cnn needs frames of at least 16x16, and these are 12x20"):
        build_encoder("custom_cnn", (12, 20, 3), 2)
    assert build_encoder("mlp", (12, 20, 3), 2)(torch.rand(1, 3, 12, 20)).shape == (1, 2)
    with pytest.raises(UserError, match=r"unknown encoder \(--model-type\) 'custom_cn'"):
        build_encoder("custom_cn", (64, 64, 3), 2)
    assert set(MODEL_TYPES) == set(ENCODERS)


def test_pca_is_the_singular_value_decomposition(tmp_path):
    dataset = open_dataset(write_toy(tmp_path / "toy", episodes=3, length=20))
    network = fit_pca(TrainConfig(str(tmp_path / "toy"), "pca", ("pca",), state_dim=5), dataset)
    frames = dataset.frames(np.arange(60))
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    rows = frames.reshape(60, -1).astype(np.float64) / 255
    centred = rows - rows.mean(axis=0)
    expected = centred @ np.linalg.svd(centred, full_matrices=False)[2][:5].T
    with torch.no_grad():
        found = network(pixels).numpy()
    assert np.abs(found) == pytest.approx(np.abs(expected), abs=1e-3)
    with pytest.raises(UserError, match="60 frames have fewer than 60 components"):
        fit_pca(TrainConfig("toy", "pca", ("pca",), state_dim=60), dataset)
