"""Learning away from the CPU: torch's meta device stands in for an accelerator, and CUDA itself is used where it is."""

import itertools

import numpy as np
import pytest
import torch

from environments.datasets.dataset import open_dataset
from state_representation.data.loader import Sample
from state_representation.encoding.encoder import load_encoder
from state_representation.judging.outputs import encoder_info
from state_representation.learning.learner import Learner
from state_representation.store.log_folder import LogFolder
from state_representation.store.train_config import TrainConfig, write_exp_config

from .toys import write_toy

CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here"))


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_toy(folder / "one")
    write_toy(folder / "two", shape=(24, 32, 6))
    write_toy(folder / "box", continuous=True)
    return folder


@pytest.mark.parametrize(
    ("model_type", "data", "losses"),
    [
        ("custom_cnn", "one", ("autoencoder", "reward", "inverse", "forward")),
        ("spatial_softmax", "one", ("autoencoder", "reward", "inverse", "forward")),
        ("spatial_softmax", "one", ("vae",)),
        ("linear", "one", ("dae", "priors", "reward-prior", "episode-prior")),
        ("mlp", "box", ("vae", "inverse", "forward")),
        ("custom_cnn", "two", ("triplet",)),
        ("resnet", "one", ("random", "reward")),
        ("spatial_softmax", "one", ("supervised:1:4",)),
    ],
)
def test_a_step_stays_on_its_device(model_type, data, losses, toys):
    """Meta tensors refuse to be added to or compared with those of the CPU, as CUDA's do."""
    size = 4 if losses[0].startswith("supervised") else 80
    config = TrainConfig(str(toys / data), "x", losses, state_dim=size, model_type=model_type, l1_reg=1e-3, l2_reg=1e-3)
    made = Learner(config, open_dataset(toys / data), "meta")
    steps = made.steps.training[:16]
    rows = np.concatenate([steps, steps + 1]) if made.transitions else steps
    noise = torch.Generator().manual_seed(0)
    found = made.model.losses(made.batch(Sample(steps, made.reader.read(rows)), noise, training=True))
    objective = made.model.total(found) + made._regulariser()
    objective.backward()
    # some operations take tensors of the CPU beside meta's, so that everything is asked where it is
    held = itertools.chain(made.model.parameters(), made.model.buffers(), found.values(), [objective])
    gradients = (parameter.grad for parameter in made.model.parameters() if parameter.grad is not None)
    assert {tensor.device.type for tensor in itertools.chain(held, gradients)} == {"meta"}


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_learned_there_and_used_on_the_cpu(device, toys, tmp_path):
    data = open_dataset(toys / "one")
    config = TrainConfig(
        str(data.path), "srl_splits", ("vae:1:78", "inverse:1:2"), state_dim=80, epochs=3, model_type="spatial_softmax"
    )
    made, folder = Learner(config, data, device), LogFolder(tmp_path)
    write_exp_config(folder, config, encoder_info(config, data).as_dict())
    for _ in range(2):
        made.run_epoch(lambda _: None)
        made.save(folder)
    there, here = (load_encoder(tmp_path, where)(data.frames(np.arange(40))) for where in (device, "cpu"))
    np.testing.assert_allclose(there, here, atol=0.02)  # CUDA's convolutions round to 10 bits
    resumed = Learner(config, data, "cpu")
    resumed.resume(folder)
    assert resumed.validate()["total"] == pytest.approx(made.history.validation[-1]["total"], rel=0.02)
    resumed.run_epoch(lambda _: None)
    assert resumed.history.epochs == 3
