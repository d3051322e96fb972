"""The train command: files, resuming, registering, and what is refused before anything is written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from environments.datasets.dataset import open_dataset
from srl3.errors import UserError
from state_representation import train
from state_representation.encoding.encoder import load_encoder
from state_representation.learning.learner import Learner
from state_representation.store.find import find_representation
from state_representation.store.log_folder import LogFolder

from .toys import ENV_ID, write_toy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_toy(folder / "toy", episodes=5, length=20)
    write_toy(folder / "views", shape=(24, 32, 6), episodes=5, length=12)
    return folder


def run(data, *flags, name="toy"):
    return train.main(["--data-folder", str(data / name), "--no-progress", "--state-dim", "6", *map(str, flags)])


def test_a_log_folder(data, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(data, "--losses", "autoencoder:1:4", "reward:1:-1", "inverse:2:2", "--epochs", "2", "-bs", "16") == 0
    (path,) = (tmp_path / "logs" / "toy").iterdir()
    assert path.name.endswith("_custom_cnn_ST_DIM6_autoencoder_reward_inverse")
    folder = LogFolder(path)
    names = {file.name for file in path.iterdir()}
    assert names == {
        *("exp_config.json", "srl_model.pth", "training_state.pth", "loss_history.npz", "states_rewards.npz"),
        *("image_to_state.json", "tensorboard"),
    }
    dataset, encoder = open_dataset(data / "toy"), load_encoder(path, "cpu")
    assert encoder.info.srl_model == "srl_splits"
    states = encoder(dataset.frames(np.arange(len(dataset))))
    saved = np.load(folder.states_rewards)
    np.testing.assert_allclose(saved["states"], states, atol=1e-5)
    assert np.array_equal(saved["rewards"], dataset.rewards)
    by_image = json.loads(folder.image_to_state.read_text())
    assert list(by_image)[20] == "toy/record_001/frame000000"
    assert by_image["toy/record_001/frame000003"] == pytest.approx(states[23].tolist(), rel=1e-3, abs=1e-4)
    assert json.loads(folder.config.read_text())["encoder"]["fingerprint"] == encoder.info.fingerprint
    history = np.load(folder.loss_history)
    assert {
        f"{side}_{loss}" for side in ("train", "val") for loss in ("autoencoder", "reward", "inverse", "total")
    } == set(history)
    assert len(history["val_total"]) == 2
    assert any(folder.tensorboard.iterdir())
    said = capsys.readouterr().out
    assert "or write into" in said
    assert f"{ENV_ID}:\n  log_folder: logs/toy/\n  srl_splits: {path.name}/\n" in said


def test_learned_registered_found(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.yaml"
    flags = ["--epochs", "1", "--register", "--srl-config-file", file]
    assert run(data, "--srl-model", "inverse", "--log-folder", "logs/one", *flags) == 0
    assert find_representation("inverse", ENV_ID, config_file=file) == Path("logs/one")


def test_an_interrupted_training_goes_on(data, tmp_path, monkeypatch, capsys):
    flags = ["--srl-model", "autoencoder_inverse", "--epochs", "3"]
    assert run(data, *flags, "--log-folder", tmp_path / "whole") == 0
    run_epoch = Learner.run_epoch

    def interrupted(self, on_step):
        if self.history.epochs == 2:
            raise KeyboardInterrupt
        run_epoch(self, on_step)

    monkeypatch.setattr(Learner, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(data, *flags, "--log-folder", tmp_path / "part")
    assert f"go on with --resume {tmp_path / 'part'}" in capsys.readouterr().err
    assert load_encoder(tmp_path / "part", "cpu").info.state_dim == 6, "what was finished can be used"
    monkeypatch.undo()
    assert train.main(["--resume", str(tmp_path / "part"), "--no-progress"]) == 0
    whole, part = (load_encoder(tmp_path / name, "cpu") for name in ("whole", "part"))
    assert part.info.fingerprint == whole.info.fingerprint
    capsys.readouterr()
    with pytest.raises(UserError, match="has 3 epochs already; give --epochs a larger number"):
        train.main(["--resume", str(tmp_path / "part")])
    assert "go on with" not in capsys.readouterr().err, "just that was refused"
    with pytest.raises(UserError, match="goes on with the settings of that training; leave out --learning-rate"):
        train.main(["--resume", str(tmp_path / "part"), "-lr", "0.1"])


def test_an_interruption_before_the_first_epoch_leaves_nothing(data, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Learner, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(data, "--srl-model", "inverse", "--log-folder", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_full_disk_is_one_sentence(data, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Learner, "save_history", full)
    with pytest.raises(UserError, match=r"the disk is full, and .*part keeps the epochs that were finished"):
        run(data, "--srl-model", "inverse", "--epochs", "2", "--log-folder", tmp_path / "part")


@pytest.mark.parametrize(
    "flags",
    [
        ("--srl-model", "pca"),
        ("--srl-model", "random"),
        ("--losses", "random", "inverse", "--epochs", "1"),
        ("--srl-model", "vae", "--model-type", "mlp", "--epochs", "1"),
        ("--srl-model", "robotic_priors", "--model-type", "linear", "--epochs", "1"),
        ("--srl-model", "reward_inverse", "--balanced-sampling", "--inverse-model-type", "mlp", "--epochs", "1"),
        ("--losses", "reward-prior", "episode-prior", "--model-type", "spatial_softmax", "--epochs", "1"),
        ("--srl-model", "forward", "--training-set-size", "50", "--l2-reg", "1e-4", "--epochs", "1"),
    ],
    ids=" ".join,
)
def test_representations(flags, data, tmp_path):
    assert run(data, *flags, "--log-folder", tmp_path / "log") == 0
    states = np.load(tmp_path / "log" / "states_rewards.npz")["states"]
    assert states.shape == (100, 6)
    assert np.isfinite(states).all()


def test_two_views(data, tmp_path):
    assert (
        run(data, "--srl-model", "multi_view_srl", "--epochs", "1", "--log-folder", tmp_path / "tcn", name="views") == 0
    )
    assert load_encoder(tmp_path / "tcn", "cpu").info.first_view_only
    assert run(data, "--srl-model", "autoencoder", "--epochs", "1", "--log-folder", tmp_path / "ae", name="views") == 0
    assert load_encoder(tmp_path / "ae", "cpu").info.img_shape == (24, 32, 6)


def test_perceptual_after_dae(data, tmp_path):
    assert run(data, "--srl-model", "dae", "--epochs", "1", "--log-folder", tmp_path / "dae") == 0
    flags = ("--losses", "perceptual", "--epochs", "1", "--log-folder")
    assert run(data, *flags, tmp_path / "perceptual", "--path-to-dae", tmp_path / "dae") == 0
    assert load_encoder(tmp_path / "perceptual", "cpu").info.srl_model == "vae"
    with pytest.raises(UserError, match="was not learned with dae"):
        run(data, *flags, tmp_path / "again", "--path-to-dae", tmp_path / "perceptual")
    with pytest.raises(UserError, match="takes frames of 24x32x3, and these are 24x32x6"):
        run(data, *flags, tmp_path / "again", "--path-to-dae", tmp_path / "dae", name="views")


def test_supervised_has_as_many_numbers_as_ground_truth(data, tmp_path):
    flags = ["--data-folder", str(data / "toy"), "--no-progress", "--srl-model", "supervised", "--epochs", "1"]
    assert train.main([*flags, "--log-folder", str(tmp_path / "both")]) == 0
    assert load_encoder(tmp_path / "both", "cpu").info.state_dim == 4
    assert train.main([*flags, "--relative-pos", "--log-folder", str(tmp_path / "relative")]) == 0
    assert load_encoder(tmp_path / "relative", "cpu").info.state_dim == 2


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--losses", "autoencoder", "vae"), "are two ways of drawing"),
        (("--losses", "triplet"), "record it with --multi-view"),
        (("--losses", "autoencoder:1:4", "inverse:1:4"), "add up to 8, and --state-dim is 6"),
        (("--srl-model", "raw_pixels"), "comes from the world"),
        ((), "say what to learn"),
        (
            ("--srl-model", "autoencoder", "--losses", "inverse"),
            "stands for --losses autoencoder; leave one of them out",
        ),
        (("--srl-model", "inverse", "--l1-reg", "-1"), "'-1' is not a number of at least 0"),
        (("--srl-model", "inverse", "--no-cuda"), "there is no --no-cuda here; use --device cpu"),
        (("--srl-model", "inverse", "--epochs", "0"), "not at least 1"),
        (("--srl-model", "inverse", "--val-size", "1"), "is not below 1"),
        (("--srl-model", "inverse", "--device", "gpu"), "torch can't use the device 'gpu'"),
        (("--srl-model", "inverse", "--model-typ", "mlp"), "did you mean --model-type"),
    ],
)
def test_refused_before_anything_is_written(flags, said, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        run(data, *flags)
    assert not list(tmp_path.iterdir())


def test_folders_that_can_t_be_used(data, tmp_path):
    with pytest.raises(UserError, match="name a dataset with --data-folder"):
        train.main(["--srl-model", "inverse"])
    with pytest.raises(UserError, match=r"there is no folder .*nowhere; record one with dataset_generator"):
        train.main(["--srl-model", "inverse", "--data-folder", str(tmp_path / "nowhere")])
    with pytest.raises(UserError, match="is not empty; name another --log-folder"):
        run(data, "--srl-model", "inverse", "--log-folder", data)
    with pytest.raises(UserError, match="there is no representation in"):
        train.main(["--resume", str(tmp_path)])


def test_ctrl_c_of_the_real_command(data, tmp_path):
    """Stopped after its first epoch, it names what it kept, and its exit status is that of Ctrl-C."""
    command = [sys.executable, "-m", "state_representation.train", "--data-folder", str(data / "toy"), "--srl-model"]
    command += ["inverse", "--state-dim", "6", "--epochs", "100000", "--log-folder", "log"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=tmp_path, env=variables, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 200
    while not (tmp_path / "log" / "training_state.pth").is_file():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=200)[1]
    assert process.returncode == 130, said
    assert "go on with --resume log" in said
    assert "Traceback" not in said
    assert load_encoder(tmp_path / "log", "cpu").info.losses == ("inverse:2",)
