"""The S-RL Toolbox's layout: read as it was written by hand, exported, and read again."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from environments import dataset_convert
from environments.datasets.dataset import open_dataset
from environments.datasets.reference_layout import picture_size
from srl3.errors import UserError
from tests.environments.datasets.samples import LENGTHS, N_STEPS, SHAPE, STARTS, frame, write, write_reference


def assert_alike(frames: np.ndarray, expected: np.ndarray) -> None:
    """Equal but for what JPEG loses; colours bleed at the edges."""
    assert frames.shape == expected.shape
    difference = np.abs(frames.astype(int) - expected)
    assert np.median(difference) <= 2
    assert difference.mean() < 8


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("per_step", [False, True])
def test_it_is_read(tmp_path: Path, legacy: bool, per_step: bool) -> None:
    write_reference(tmp_path / "data", legacy=legacy, per_step=per_step)
    dataset = open_dataset(tmp_path / "data")
    assert (len(dataset), dataset.episodes) == (N_STEPS, 3)
    assert dataset.info.frame_shape == SHAPE
    assert dataset.info.n_actions == 4
    assert not dataset.info.multi_view
    np.testing.assert_array_equal(dataset.targets[:, 0], [0, 0, 0, 1, 1, 2, 2, 2, 2])
    np.testing.assert_array_equal(dataset.ground_truth[:, 1], 2 * np.arange(N_STEPS))


def test_channels_are_rgb_and_pictures_upright(tmp_path: Path) -> None:
    write_reference(tmp_path / "data")
    frames = open_dataset(tmp_path / "data").frames(np.array([6, 2]))
    assert_alike(frames, np.stack([frame(6), frame(2)]))
    red, green, blue = frames[0, 4, 4].tolist()
    assert red > 180
    assert abs(green - 60) < 20
    assert blue < 30
    assert frames[0, -4, 4, 2] > 190, "blue is below, on the left"
    assert frames[0, -4, -4, 2] < 30


def test_two_views_are_six_channels(tmp_path: Path) -> None:
    write_reference(tmp_path / "data", views=2)
    dataset = open_dataset(tmp_path / "data")
    assert dataset.info.multi_view
    assert_alike(dataset.frames(np.arange(N_STEPS)), np.stack([frame(step, 6) for step in range(N_STEPS)]))


def test_a_missing_frame_is_named(tmp_path: Path) -> None:
    write_reference(tmp_path / "data")
    (tmp_path / "data" / "record_001" / "frame000001.jpg").unlink()
    with pytest.raises(UserError, match=r"record_001/frame000001\.jpg is missing"):
        open_dataset(tmp_path / "data")


def test_a_missing_second_view_is_named(tmp_path: Path) -> None:
    write_reference(tmp_path / "data", views=2)
    (tmp_path / "data" / "record_000" / "frame000000_2.jpg").unlink()
    with pytest.raises(UserError, match=r"record_000/frame000000_2\.jpg is missing"):
        open_dataset(tmp_path / "data")


def test_mixed_sizes_are_refused(tmp_path: Path) -> None:
    write_reference(tmp_path / "data")
    cv2.imwrite(str(tmp_path / "data" / "record_002" / "frame000003.jpg"), np.zeros((50, 40, 3), np.uint8))
    with pytest.raises(UserError, match=r"36x40, record_002/frame000003\.jpg is 50x40"):
        open_dataset(tmp_path / "data")


@pytest.mark.parametrize("size", [0, 10, 100, 700])
def test_a_picture_that_is_cut_short_is_named(tmp_path: Path, size: int) -> None:
    write_reference(tmp_path / "data")
    file = tmp_path / "data" / "record_002" / "frame000003.jpg"
    whole = file.read_bytes()
    assert len(whole) > 800
    file.write_bytes(whole[:size])
    with pytest.raises(UserError, match=r"record_002/frame000003\.jpg can't be read"):
        open_dataset(tmp_path / "data")


def test_without_paths_the_records_are_in_order(tmp_path: Path) -> None:
    write_reference(tmp_path / "data")
    with np.load(tmp_path / "data" / "ground_truth.npz") as archive:
        places = {name: archive[name] for name in archive.files if name != "images_path"}
    np.savez(tmp_path / "data" / "ground_truth.npz", **places)
    assert_alike(open_dataset(tmp_path / "data").frames(np.array([5])), frame(5)[None])
    cv2.imwrite(str(tmp_path / "data" / "record_002" / "frame000004.jpg"), frame(9))
    with pytest.raises(UserError, match="10 frames, but 9 steps"):
        open_dataset(tmp_path / "data")


def test_sizes_are_read_from_the_header(tmp_path: Path) -> None:
    for ending in (".jpg", ".png"):
        file = tmp_path / f"picture{ending}"
        cv2.imwrite(str(file), np.zeros((37, 301, 3), np.uint8))
        assert picture_size(file) == (37, 301)


@pytest.mark.parametrize("channels", [3, 6])
def test_there_and_back(tmp_path: Path, channels: int) -> None:
    ours = write(tmp_path / "ours", frame_shape=(*SHAPE[:2], channels), multi_view=channels == 6)
    to = ["--to", "reference", "--no-progress", "--quality", "100", "--data-src", str(ours.path), "--data-dst"]
    assert dataset_convert.main([*to, str(tmp_path / "theirs")]) == 0
    theirs = tmp_path / "theirs"
    ending = "_2" if channels == 6 else ""
    assert (theirs / "record_002" / f"frame{LENGTHS[2] - 1:06d}{ending}.jpg").is_file()
    with np.load(theirs / "ground_truth.npz") as archive:
        assert archive["target_positions"].tolist() == [[0, 1], [1, 1], [2, 1]], "one for each episode"
        assert archive["images_path"][3] == "theirs/record_001/frame000000"
    bgr = cv2.imread(str(theirs / "record_000" / f"frame000000{'_1' if ending else ''}.jpg"))
    assert bgr[2, 2].argmax() == 2, "OpenCV finds red in the last channel"
    back = ["--to", "packed", "--no-progress", "--data-src", str(theirs), "--data-dst", str(tmp_path / "back")]
    assert dataset_convert.main(back) == 0
    again = open_dataset(tmp_path / "back")
    assert again.info == ours.info
    for name in ("actions", "rewards", "episode_starts", "ground_truth", "targets"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ours, name))
        assert getattr(again, name).dtype == getattr(ours, name).dtype
    assert_alike(again.frames(np.arange(N_STEPS)), ours.frames(np.arange(N_STEPS)))


def test_an_import_can_name_its_environment(tmp_path: Path) -> None:
    write_reference(tmp_path / "theirs")
    flags = ["--to", "packed", "--no-progress", "--data-src", str(tmp_path / "theirs"), "--data-dst"]
    assert dataset_convert.main([*flags, str(tmp_path / "ours"), "--env", "KukaButtonGymEnv-v0"]) == 0
    assert open_dataset(tmp_path / "ours").info.env_id == "KukaButtonGymEnv-v0"
    flags[4] = str(tmp_path / "ours")
    with pytest.raises(UserError, match="is of KukaButtonGymEnv-v0, not of MobileRobotGymEnv-v0"):
        dataset_convert.main([*flags, str(tmp_path / "again"), "--env", "MobileRobotGymEnv-v0"])


def test_moving_targets_are_exported_for_each_step(tmp_path: Path) -> None:
    write_reference(tmp_path / "theirs")
    with np.load(tmp_path / "theirs" / "ground_truth.npz") as archive:
        places = {name: archive[name] for name in archive.files}
    places["target_positions"] = np.arange(2.0 * N_STEPS).reshape(-1, 2)
    np.savez(tmp_path / "theirs" / "ground_truth.npz", **places)
    flags = ["--to", "reference", "--no-progress", "--data-src", str(tmp_path / "theirs"), "--data-dst"]
    assert dataset_convert.main([*flags, str(tmp_path / "copy")]) == 0
    np.testing.assert_array_equal(open_dataset(tmp_path / "copy").targets, places["target_positions"])
    assert STARTS.sum() == 3
