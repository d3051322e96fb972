"""The evaluate and plot commands on representations whose quality is known."""

import json

import cv2
import numpy as np
import pytest

from environments.datasets.dataset import open_dataset
from srl3.errors import UserError
from state_representation import evaluate, plot, train
from state_representation.data.truth import world_truth
from state_representation.encoding.encoder import load_encoder
from state_representation.judging.decoding import load_decoder
from state_representation.judging.metrics import linear_fit
from state_representation.judging.reward_prediction import predict_reward
from state_representation.plots.figures import draw_losses, principal_projection
from state_representation.store.log_folder import LogFolder

from .toys import write_toy


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    write_toy(folder / "toy", episodes=10, length=25)
    flags = ["--data-folder", str(folder / "toy"), "--no-progress", "--log-folder"]
    splits = ["--losses", "autoencoder:1:5", "reward:1:-1", "inverse:2:2", "--state-dim", "7", "--epochs", "2"]
    train.main([*flags, str(folder / "splits"), *splits])
    train.main([*flags, str(folder / "pca"), "--srl-model", "pca", "--state-dim", "9"])
    return folder


@pytest.fixture
def known(logs, tmp_path):
    """A copy of the splits' folder whose states are ground truth and noise."""
    dataset = open_dataset(logs / "toy")
    truth = world_truth(dataset).values
    noise = np.random.default_rng(0).normal(size=(len(dataset), 3))
    states = np.hstack([-2 * truth, noise]).astype(np.float32)
    for file in ("exp_config.json", "srl_model.pth", "loss_history.npz"):
        (tmp_path / file).write_bytes((logs / "splits" / file).read_bytes())
    np.savez(tmp_path / "states_rewards.npz", states=states, rewards=dataset.rewards)
    return tmp_path


def test_known_states_get_known_figures(known, logs, capsys):
    assert evaluate.main(["--log-dir", str(known), "--json", "--n-to-plot", "2", "-k", "3"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert list(result["gtc"]) == ["agent_x", "agent_y", "target_x", "target_y"]
    assert list(result["gtc"].values()) == pytest.approx([1] * 4)
    assert result["gtc_mean"] == pytest.approx(1)
    assert result["linear_mean"] == pytest.approx(1, abs=1e-3)
    assert result["knn_mse"] < 40, "neighbours are a few pixels away"
    folder = LogFolder(known)
    assert json.loads(folder.evaluation.read_text()) == result
    assert json.loads(folder.correlation.read_text())["gt_corr_mean"] == result["gtc_mean"]
    assert json.loads(folder.knn_mse.read_text())["knn_mse"] == result["knn_mse"]
    assert len(list(folder.neighbours.glob("*.png"))) == 2


def test_several_representations_in_one_table(logs, capsys):
    flags = ["--n-to-plot", "0", "--log-dir", str(logs / "splits"), str(logs / "pca")]
    assert evaluate.main(flags) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["representation", "-" * 14, "srl_splits", "pca"]
    assert not (logs / "pca" / "NearestNeighbors").exists()


def test_another_dataset_is_encoded(logs, tmp_path, capsys):
    write_toy(tmp_path / "other", episodes=4, length=15, seed=7)
    flags = ["--data-folder", str(tmp_path / "other"), "--n-to-plot", "0", "--json", "--no-progress"]
    assert evaluate.main(["--log-dir", str(logs / "pca"), *flags]) == 0
    assert json.loads(capsys.readouterr().out)[0]["frames"] == 60
    write_toy(tmp_path / "large", shape=(30, 32, 3), episodes=2, length=5)
    with pytest.raises(UserError, match=r"takes frames of 24x32x3, and those of .*large are 30x32x3"):
        evaluate.main(["--log-dir", str(logs / "pca"), "--data-folder", str(tmp_path / "large")])


def test_the_reward_is_told_from_states_that_know_it(logs):
    dataset = open_dataset(logs / "toy")
    after = np.zeros((len(dataset), 2), np.float32)
    after[1:, 0] = dataset.rewards[:-1]  # the state after a step knows its reward
    knowing = predict_reward(dataset, after, epochs=30, seed=0)
    assert knowing.accuracy > 0.97
    assert knowing.balanced > 0.9
    assert set(knowing.by_class) <= {-1.0, 0.0, 1.0}
    ignorant = predict_reward(dataset, np.zeros((len(dataset), 2), np.float32), epochs=5, seed=0)
    assert ignorant.accuracy == pytest.approx(ignorant.guess)
    assert ignorant.balanced == pytest.approx(1 / len(ignorant.by_class)), "always the same answer"


def test_linear_fit_judges_on_other_steps():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(2000, 3))
    truth = np.stack([states @ [1, 2, 3] + 5, rng.normal(size=2000), np.ones(2000)], axis=1)
    held = np.arange(2000) >= 1500
    found = linear_fit(states, truth, held)
    assert found[0] == pytest.approx(1, abs=1e-4)
    assert found[1] == pytest.approx(0, abs=0.05)
    assert np.isnan(found[2])
    many = rng.normal(size=(60, 40))
    assert linear_fit(many, rng.normal(size=(60, 1)), np.arange(60) >= 50)[0] < 0, "overfitting is found out"


def test_every_picture(logs, capsys):
    assert plot.main(["--log-dir", str(logs / "splits")]) == 0
    folder = LogFolder(logs / "splits")
    named = capsys.readouterr().out.splitlines()
    pictures = [folder.losses_plot, folder.learned_states, folder.correlation_plot, folder.reconstructions]
    assert named == [*map(str, pictures), str(folder.traversals), str(folder.page)]
    for file in (*pictures, folder.traversals):
        picture = cv2.imread(str(file))
        assert min(picture.shape[:2]) > 150
        assert picture.std() > 5


def test_what_can_t_be_drawn_is_said(logs, tmp_path, capsys):
    assert plot.main(["--log-dir", str(logs / "pca"), "--only", "losses", "reconstructions"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "no losses.png: pca has no epochs"
    flags = ["--data-folder", str(logs / "toy"), "--no-progress", "--epochs", "1", "--state-dim", "3"]
    train.main([*flags, "--srl-model", "inverse", "--log-folder", str(tmp_path / "inverse")])
    capsys.readouterr()
    assert plot.main(["--log-dir", str(tmp_path / "inverse"), "--only", "traversals"]) == 0
    assert capsys.readouterr().out == "no traversals.png: inverse was learned without a decoder\n"


def test_pca_draws_what_it_saw(logs):
    dataset, encoder = open_dataset(logs / "toy"), load_encoder(logs / "pca", "cpu")
    decoder = load_decoder(LogFolder(logs / "pca"), encoder.info)
    frames = dataset.frames(np.arange(0, 250, 10)).astype(float)
    drawn = decoder(encoder(frames.astype(np.uint8)))
    assert drawn.shape == frames.shape
    assert ((drawn - frames) ** 2).mean() < 0.8 * ((frames - frames.mean(axis=0)) ** 2).mean()


def test_projection_is_by_variance():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(500, 3)) * [1, 10, 3] + 100
    points, shares = principal_projection(states, 3)
    assert shares == pytest.approx(np.array([100, 9, 1]) / 110, abs=0.03)
    assert abs(np.corrcoef(points[:, 0], states[:, 1])[0, 1]) > 0.99
    assert principal_projection(states[:, :1], 3)[0][:, 1:].tolist() == [[0, 0]] * 500


def test_no_losses_no_picture(tmp_path):
    assert not draw_losses({}, tmp_path / "losses.png", "nothing")
    assert not (tmp_path / "losses.png").exists()


def test_damaged_and_missing(logs, known):
    with pytest.raises(UserError, match=r"there is no representation in .*: it has no exp_config.json"):
        evaluate.main(["--log-dir", str(logs)])
    (known / "states_rewards.npz").write_bytes(b"PK half")
    with pytest.raises(UserError, match=r"states_rewards.npz is damaged"):
        evaluate.main(["--log-dir", str(known)])
    (known / "states_rewards.npz").unlink()
    with pytest.raises(UserError, match=r"the training did not end; go on with --resume"):
        plot.main(["--log-dir", str(known)])
    with pytest.raises(UserError, match="use a smaller -k than 250"):
        evaluate.main(["--log-dir", str(logs / "pca"), "-k", "250"])
