"""Learning on a toy world: that it learns, keeps the best, and goes on bit for bit."""

import dataclasses
import errno

import numpy as np
import pytest
import torch

from environments.datasets.dataset import open_dataset
from srl3.errors import UserError
from srl3.formats.tensors import read_tensors
from state_representation.data.truth import relative_truth, world_truth
from state_representation.encoding.encoder import load_encoder
from state_representation.judging.metrics import ground_truth_correlation
from state_representation.judging.outputs import encoder_info
from state_representation.learning.learner import Learner, best_tensors, pixel_statistics, supervised_targets
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder
from state_representation.store.train_config import TrainConfig, read_exp_config, write_exp_config

from .toys import write_toy


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_toy(tmp_path_factory.mktemp("data") / "toy", episodes=12, length=25)


def config(data, *losses, **settings):
    return TrainConfig(str(data), "srl_combination", losses, **{"state_dim": 6, "epochs": 4, **settings})


def run(made, epochs, folder=None):
    for _ in range(epochs):
        made.run_epoch(lambda _: None)
        if folder is not None:
            made.save(folder)
    return made


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    "losses", [("autoencoder", "reward", "inverse"), ("vae", "episode-prior"), ("dae:1:4", "priors:1:2")]
)
def test_a_resumed_training_is_the_uninterrupted_one(losses, data, tmp_path):
    dataset = open_dataset(data)
    settings = config(data, *losses, training_set_size=120)
    whole = run(Learner(settings, dataset, "cpu"), 4)
    folder = LogFolder(tmp_path)
    run(Learner(settings, dataset, "cpu"), 2, folder)
    resumed = Learner(settings, dataset, "cpu")
    resumed.resume(folder)
    assert resumed.history.epochs == 2
    run(resumed, 2)
    assert same(whole.model.state_dict(), resumed.model.state_dict())
    assert whole.history == resumed.history


def test_the_seed_decides(data):
    dataset = open_dataset(data)
    settings = config(data, "inverse", training_set_size=80)
    once, again, other = (
        run(Learner(dataclasses.replace(settings, seed=seed), dataset, "cpu"), 1) for seed in (1, 1, 2)
    )
    assert same(once.model.state_dict(), again.model.state_dict())
    assert not same(once.model.state_dict(), other.model.state_dict())


def test_supervised_learns_where_things_are(data):
    dataset = open_dataset(data)
    settings = config(data, "supervised", state_dim=4, model_type="spatial_softmax", epochs=30)
    made = run(Learner(settings, dataset, "cpu"), 30)
    first, last = made.history.validation[0]["supervised"], made.history.validation[-1]["supervised"]
    assert last < 0.2 * first
    pixels = torch.from_numpy(dataset.frames(np.arange(len(dataset)))).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        states = made.model.eval().encoder(pixels).numpy()
    found = ground_truth_correlation(states, world_truth(dataset).values)
    assert found.mean > 0.95
    assert found.matrix.argmax(axis=1).tolist() == [0, 1, 2, 3], "agent, then target"


def test_the_best_epoch_is_kept(data, tmp_path, monkeypatch):
    folder = LogFolder(tmp_path)
    made = Learner(config(data, "inverse", training_set_size=60), open_dataset(data), "cpu")
    totals = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(made, "validate", lambda: {"inverse": 0.0, "total": next(totals)})
    kept = []
    for _ in range(3):
        run(made, 1, folder)
        kept.append({name: tensor.clone() for name, tensor in made.encoder_tensors().items()})
    assert made.history.best_epoch == 2
    assert same(best_tensors(folder), kept[1])
    assert np.load(folder.loss_history)["val_total"].tolist() == [3, 1, 2]


def test_validation_changes_nothing(data):
    """The S-RL Toolbox stepped its gradients in validation too (its issue 48)."""
    made = Learner(config(data, "autoencoder", "inverse"), open_dataset(data), "cpu")
    before = {name: tensor.clone() for name, tensor in made.model.state_dict().items()}
    first, second = made.validate(), made.validate()
    assert first == second
    assert same(before, made.model.state_dict())
    assert all(parameter.grad is None for parameter in made.model.parameters())


def test_the_learning_rate_falls_to_zero(data):
    made = Learner(config(data, "inverse", training_set_size=60, learning_rate=0.01), open_dataset(data), "cpu")
    rates = []
    for _ in range(4):
        made.run_epoch(lambda _: rates.append(made.optimizer.param_groups[0]["lr"]))
    assert rates[0] == pytest.approx(0.01)
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.002


def test_regularisers_shrink_the_encoder(data):
    def size(**settings):
        made = run(Learner(config(data, "inverse", training_set_size=60, **settings), open_dataset(data), "cpu"), 3)
        weights = torch.cat([parameter.flatten() for parameter in made.model.encoder.parameters()])
        return weights.abs().sum().item(), (weights**2).sum().item()

    plain, lasso, ridge = size(), size(l1_reg=0.1), size(l2_reg=0.1)
    assert lasso[0] < plain[0]
    assert ridge[1] < plain[1]


def test_untrained_batch_norms_know_the_data(data):
    made = Learner(config(data, "random"), open_dataset(data), "cpu")
    assert made.optimizer is None
    made.settle_batch_norms()
    layer = next(module for module in made.model.encoder.modules() if isinstance(module, torch.nn.BatchNorm2d))
    assert layer.num_batches_tracked > 0
    assert layer.running_mean.abs().sum() > 0


def test_nothing_finite_is_said(data):
    made = Learner(config(data, "autoencoder"), open_dataset(data), "cpu")
    with torch.no_grad():
        made.model.encoder.head.weight.fill_(float("nan"))
    with pytest.raises(UserError, match="no longer numbers; use a smaller -lr"):
        made.validate()


def test_resuming_what_does_not_fit(data, tmp_path):
    dataset, folder = open_dataset(data), LogFolder(tmp_path)
    with pytest.raises(UserError, match="no epoch was finished"):
        Learner(config(data, "inverse"), dataset, "cpu").resume(folder)
    run(Learner(config(data, "inverse", training_set_size=60), dataset, "cpu"), 1, folder)
    with pytest.raises(UserError, match="does not fit these settings"):
        Learner(config(data, "inverse", state_dim=7), dataset, "cpu").resume(folder)
    folder.training_state.write_bytes(b"half")
    with pytest.raises(UserError, match=r"training_state.pth is damaged"):
        Learner(config(data, "inverse"), dataset, "cpu").resume(folder)


def test_a_full_disk_keeps_the_epoch_before(data, tmp_path, monkeypatch):
    folder = LogFolder(tmp_path)
    made = run(Learner(config(data, "inverse", training_set_size=60), open_dataset(data), "cpu"), 1, folder)
    before = read_tensors(folder.training_state, LEARN_AGAIN)["validation"]

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        run(made, 1, folder)
    monkeypatch.undo()
    assert read_tensors(folder.training_state, LEARN_AGAIN)["validation"] == before
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_the_description_survives_the_folder(data, tmp_path):
    dataset, folder = open_dataset(data), LogFolder(tmp_path)
    settings = config(data, "autoencoder:1:4", "reward:1:-1", "inverse:2:2", training_set_size=60, epochs=1)
    made = run(Learner(settings, dataset, "cpu"), 1, folder)
    write_exp_config(folder, settings, encoder_info(settings, dataset).as_dict())
    content = read_exp_config(folder)
    assert TrainConfig.from_dict(content) == settings
    assert content["losses"] == ["autoencoder", "reward", "inverse"]
    assert content["losses_weights"] == {"autoencoder": 1, "reward": 1, "inverse": 2}
    assert content["split-dimensions"] == {"autoencoder": [0, 4], "reward": [0, 4], "inverse": [4, 6]}
    assert {"batch-size", "learning-rate", "state-dim", "model-type", "data-folder", "multi-view"} <= set(content)
    encoder = load_encoder(folder.path, "cpu")
    assert encoder.info.n_actions == 4
    assert encoder.info.img_shape == (24, 32, 3)
    assert same(encoder.tensors(), made.encoder_tensors())


def test_truth_is_absolute_and_relative(tmp_path):
    absolute = open_dataset(write_toy(tmp_path / "absolute", episodes=3, length=10))
    relative = open_dataset(write_toy(tmp_path / "relative", episodes=3, length=10, relative_pos=True))
    assert not np.array_equal(absolute.ground_truth, relative.ground_truth)
    assert np.array_equal(world_truth(absolute).values, world_truth(relative).values)
    assert np.array_equal(relative_truth(absolute).values, relative_truth(relative).values)
    assert world_truth(absolute).names == ("agent_x", "agent_y", "target_x", "target_y")
    np.testing.assert_allclose(relative_truth(absolute).values, absolute.ground_truth - absolute.targets)
    one = open_dataset(write_toy(tmp_path / "one", episodes=1, length=30))
    assert supervised_targets(one, relative_pos=False).shape == (30, 2), "the target of one episode never moves"


def test_pixel_statistics():
    frames = np.zeros((4, 2, 2, 3), np.uint8)
    frames[:2, 0, 0, 0] = 255
    mean, variance = pixel_statistics(frames)
    assert mean[0, 0].tolist() == [0.5, 0, 0]
    assert variance == pytest.approx(0.25 / 12)
