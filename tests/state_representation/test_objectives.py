"""What each loss looks at and learns: parts of the state, weights, upright frames."""

import numpy as np
import pytest
import torch

from environments.datasets.dataset import open_dataset
from srl3.errors import UserError
from state_representation.data.loader import Sample
from state_representation.learning.learner import Learner
from state_representation.learning.objectives import objective_key
from state_representation.learning.occlusion import occlude
from state_representation.models.encoders import PixelRows
from state_representation.store.train_config import TrainConfig

from .toys import write_toy

SHAPE = (24, 32, 3)


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_toy(folder / "one")
    write_toy(folder / "two", shape=(24, 32, 6))
    write_toy(folder / "box", continuous=True)
    return folder


def learner(path, *losses, state_dim=6, **settings):
    config = TrainConfig(str(path), "srl_splits", losses, state_dim=state_dim, **settings)
    return Learner(config, open_dataset(path), "cpu")


def a_batch(made, size=16, training=True):
    steps = made.steps.training[:size]
    rows = np.concatenate([steps, steps + 1]) if made.transitions else steps
    sample = Sample(steps, made.reader.read(rows))
    return made.batch(sample, torch.Generator().manual_seed(0), training)


def state_gradient(made, name):
    """Greatest gradient of one loss on each number of the state: that of the encoder's last layer."""
    made.model.zero_grad()
    made.model.losses(a_batch(made, size=100))[name].backward()
    return made.model.encoder.head.weight.grad.abs().amax(dim=1).numpy()


SPLIT = {
    "autoencoder": ("reward:1:2", "autoencoder:1:3", "inverse:1:1"),
    "dae": ("reward:1:2", "dae:1:3", "inverse:1:1"),
    "vae": ("reward:1:2", "vae:1:3", "inverse:1:1"),
    "forward": ("reward:1:2", "forward:1:3", "inverse:1:1"),
    "inverse": ("reward:1:2", "inverse:1:3", "autoencoder:1:1"),
    "reward": ("inverse:1:2", "reward:1:3", "autoencoder:1:1"),
    "priors": ("inverse:1:2", "priors:1:3", "autoencoder:1:1"),
    "reward-prior": ("inverse:1:2", "reward-prior:1:3", "autoencoder:1:1"),
    "episode-prior": ("inverse:1:2", "episode-prior:1:3", "autoencoder:1:1"),
}


@pytest.mark.parametrize("name", SPLIT)
def test_each_loss_moves_its_own_part_of_the_state(name, toys):
    """The S-RL Toolbox gave dae the part of a loss named autoencoder, so in a split it had none of its own."""
    gradient = state_gradient(learner(toys / "one", *SPLIT[name]), name)
    assert (gradient > 0).tolist() == [False, False, True, True, True, False]


def test_a_shared_part(toys):
    made = learner(toys / "one", "autoencoder:1:4", "reward:1:-1", "inverse:2:2")
    assert (state_gradient(made, "reward") > 0).tolist() == [True] * 4 + [False] * 2


def test_weights_are_honoured_by_every_loss(toys):
    """The S-RL Toolbox ignored the weight of priors, and multiplied only half of a vae's loss by its own."""
    for name in (
        "priors",
        "vae",
        "autoencoder",
        "reward-prior",
        "episode-prior",
        "forward",
        "inverse",
        "reward",
        "dae",
    ):
        one, five = (learner(toys / "one", f"{name}:{weight}") for weight in (1, 5))
        totals = [made.model.total(made.model.losses(a_batch(made))).item() for made in (one, five)]
        assert totals[1] == pytest.approx(5 * totals[0], rel=1e-4), name


def test_beta_multiplies_the_divergence(toys):
    once, twice, never = (learner(toys / "one", "vae", beta=beta) for beta in (1.0, 2.0, 0.0))
    values = [made.model.losses(a_batch(made, training=False))["vae"].item() for made in (once, twice, never)]
    assert values[0] > values[2]
    assert values[1] - values[2] == pytest.approx(2 * (values[0] - values[2]), rel=1e-3)


def test_frames_are_upright_and_scaled(toys):
    """The S-RL Toolbox exchanged height and width (its issue 41)."""
    made = learner(toys / "one", "autoencoder")
    frames = np.zeros((1, *SHAPE), np.uint8)
    frames[0, 3, 20] = (255, 51, 0)
    pixels = made._pixels(frames)
    assert pixels.shape == (1, 3, 24, 32)
    assert pixels[0, :, 3, 20].tolist() == pytest.approx([1, 0.2, 0])
    assert pixels.sum().item() == pytest.approx(1.2)
    assert PixelRows()(pixels)[0].reshape(SHAPE)[3, 20].tolist() == pytest.approx([1, 0.2, 0])


def test_a_decoder_begins_with_the_mean_frame(toys):
    made = learner(toys / "one", "autoencoder")
    decoder = made.model.objectives[objective_key("autoencoder")].decoder
    frames = made.dataset.frames(made.steps.training) / 255
    drawn = torch.sigmoid(decoder.mean_logit).permute(1, 2, 0).numpy()
    assert drawn == pytest.approx(np.clip(frames.mean(axis=0), 1 / 255, 254 / 255), abs=0.02)
    loss = made.model.losses(a_batch(made, size=100))["autoencoder"].item()
    assert loss == pytest.approx(1, abs=0.4), "near the mean frame, whose loss is 1"


def test_occlusion_hides_one_rectangle_of_at_most_the_share():
    frames = torch.ones(500, 1, 20, 30)
    hidden = (occlude(frames, 0.5, torch.Generator().manual_seed(0))[:, 0] == 0).numpy()
    assert frames.min() == 1, "the frames themselves stay"
    for mask in hidden:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert rows.sum() <= 10
        assert columns.sum() <= 15
        assert (mask == np.outer(rows, columns)).all()
        assert np.count_nonzero(np.diff(rows.astype(int))) <= 2
    assert 0.2 < np.mean([mask.any(axis=1).sum() for mask in hidden]) / 10 < 0.8
    assert hidden.any(axis=0).mean() > 0.98, "nearly every place is hidden at times"


def test_dae_draws_the_whole_frame_from_a_hidden_one(toys):
    made = learner(toys / "one", "dae", occlusion_percentage=0.9)
    seen = []
    encode = made.model.encode
    made.model.encode = lambda frames: seen.append(frames) or encode(frames)
    batch = a_batch(made)
    made.model.losses(batch)
    clean, occluded = seen
    assert torch.equal(clean, batch.frames)
    assert (occluded == 0).sum() > (clean == 0).sum()


def test_random_keeps_the_encoder(toys):
    made = learner(toys / "one", "random", "inverse")
    before = {name: tensor.clone() for name, tensor in made.model.encoder.named_parameters()}
    made.run_epoch(lambda _: None)
    assert all(torch.equal(before[name], tensor) for name, tensor in made.model.encoder.named_parameters())
    assert list(made.history.validation[0]) == ["inverse", "total"]


def test_continuous_actions(toys):
    made = learner(toys / "box", "inverse", "forward", "reward", inverse_model_type="mlp")
    inverse = made.model.objectives[objective_key("inverse")].guess
    torch.nn.init.zeros_(inverse[-1].weight)
    torch.nn.init.zeros_(inverse[-1].bias)
    batch = a_batch(made, size=len(made.steps.training))
    mean_square = (batch.actions**2 / batch.actions.var(dim=0, unbiased=False)).mean().item()
    assert made.model.losses(batch)["inverse"].item() == pytest.approx(mean_square, rel=1e-4)
    with pytest.raises(UserError, match="priors compare steps with equal actions"):
        learner(toys / "box", "priors")


def test_triplet_looks_at_single_views(toys):
    made = learner(toys / "two", "triplet", "inverse")
    assert made.network_shape == (24, 32, 3)
    seen = []
    encode = made.model.encode
    made.model.encode = lambda frames: seen.append(frames) or encode(frames)
    batch = a_batch(made)
    made.model.losses(batch)
    assert torch.equal(seen[-1], batch.frames[:, 3:])
    assert torch.equal(batch.frames[:, :3].flip(2), batch.frames[:, 3:]), "the toy's second view"


def test_what_the_data_can_t_give(toys, tmp_path):
    with pytest.raises(UserError, match="supervised learns 4 numbers of ground truth, and its part of the state has 6"):
        learner(toys / "one", "supervised")
    assert learner(toys / "one", "supervised", state_dim=2, relative_pos=True).model is not None
    with pytest.raises(UserError, match="resnet takes one view"):
        learner(toys / "two", "inverse", model_type="resnet")
    calm = open_dataset(write_toy(tmp_path / "calm", shape=(40, 40, 3), episodes=2, length=3, seed=3))
    assert np.ptp(calm.rewards) == 0
    with pytest.raises(UserError, match=r"all rewards of .* are equal, so reward has nothing to learn"):
        learner(tmp_path / "calm", "reward")


def test_perceptual_needs_a_dae(toys, tmp_path):
    with pytest.raises(UserError, match=r"there is no representation in .*: exp_config.json is missing"):
        learner(toys / "one", "perceptual", path_to_dae=str(tmp_path))
