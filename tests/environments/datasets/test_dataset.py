"""Datasets: what was written is read, a folder appears whole or not at all, and damage is said."""

import errno
import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from environments.datasets.dataset import Dataset, DatasetWriter, open_dataset
from environments.datasets.writer import Rows
from srl3.errors import UserError
from tests.environments.datasets.samples import N_STEPS, SHAPE, STARTS, frame, info, write


def test_what_was_written_is_read(dataset: Dataset) -> None:
    assert len(dataset) == N_STEPS
    assert dataset.episodes == 3
    assert dataset.info == info()
    assert dataset.actions.dtype == np.int64
    np.testing.assert_array_equal(dataset.actions, np.arange(N_STEPS) % 4)
    np.testing.assert_array_equal(dataset.rewards, np.arange(N_STEPS, dtype=np.float32) / 2)
    np.testing.assert_array_equal(dataset.episode_starts, STARTS)
    np.testing.assert_array_equal(dataset.ground_truth[:, 1], 2 * np.arange(N_STEPS))
    np.testing.assert_array_equal(dataset.targets[:, 0], [0, 0, 0, 1, 1, 2, 2, 2, 2])
    assert {values.dtype for values in (dataset.rewards, dataset.ground_truth, dataset.targets)} == {np.dtype("f4")}
    assert dataset.action_probabilities is None


def test_frames_come_in_the_order_that_is_asked(dataset: Dataset) -> None:
    indices = np.array([7, 0, 7, 3])
    frames = dataset.frames(indices)
    np.testing.assert_array_equal(frames, np.stack([frame(step) for step in indices]))
    frames[:] = 0  # a copy
    np.testing.assert_array_equal(dataset.frames(np.array([7]))[0], frame(7))


def test_transitions_stay_in_their_episode(dataset: Dataset) -> None:
    assert dataset.transitions().tolist() == [0, 1, 3, 5, 6, 7]
    assert dataset.episode_slices() == [slice(0, 3), slice(3, 5), slice(5, 9)]
    assert dataset.episode_numbers().tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2]


def test_a_dataset_can_not_be_changed(dataset: Dataset) -> None:
    with pytest.raises(ValueError):
        dataset.rewards[0] = 1


def test_continuous_actions_stay_numbers(tmp_path: Path) -> None:
    actions = write(tmp_path / "data", continuous=True).actions
    assert actions.dtype == np.float32
    np.testing.assert_array_equal(actions[:3], np.array([[0, -0.125], [0.25, -0.125], [0.5, -0.125]], np.float32))


def test_nothing_in_the_files_is_pickled(dataset: Dataset) -> None:
    for file in dataset.path.glob("*.np*"):
        np.load(file, allow_pickle=False)
    assert sorted(path.name for path in dataset.path.iterdir()) == [
        "dataset_config.json",
        "frames.npy",
        "ground_truth.npz",
        "preprocessed_data.npz",
    ]


def rows(start: int, stop: int, **others: Any) -> Rows:
    steps = np.arange(start, stop)
    place = np.zeros((len(steps), 2))
    return Rows(
        np.stack([frame(step) for step in steps]), steps % 4, steps / 2, STARTS[start:stop], place, place, **others
    )


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with DatasetWriter(path, info()) as writer:
        writer.append_rows(rows(0, 9))
        assert not path.exists()
        assert writer.finish() == path
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with DatasetWriter(tmp_path / "data", info()) as writer:
            writer.append_rows(rows(0, 9))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cuts", [(0, 9), (0, 4, 9), (0, 6, 7, 8, 9), (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)])
def test_an_unfinished_episode_is_left_out(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    with DatasetWriter(tmp_path / "data", info()) as writer:
        for start, stop in pairwise(cuts):
            writer.append_rows(rows(start, stop))
        writer.finish(complete=False)
    read = open_dataset(tmp_path / "data")
    assert read.rewards.tolist() == [0, 0.5, 1, 1.5, 2]
    np.testing.assert_array_equal(read.frames(np.array([4]))[0], frame(4))


def test_without_an_episode_there_is_no_dataset(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", info()) as writer:
        writer.append_rows(rows(0, 2))
        with pytest.raises(UserError, match="no episode"):
            writer.finish(complete=False)
    assert list(tmp_path.iterdir()) == []


def test_writing_over_needs_to_be_asked_for(tmp_path: Path, dataset: Dataset) -> None:
    with pytest.raises(UserError, match="exists already"):
        DatasetWriter(dataset.path, info())
    before = dataset.frames(np.arange(2))
    with DatasetWriter(dataset.path, info(seed=7), overwrite=True) as writer:
        writer.append_rows(rows(5, 9))
        assert open_dataset(dataset.path).info.seed == 0
        writer.finish()
    assert open_dataset(dataset.path).info.seed == 7
    np.testing.assert_array_equal(dataset.frames(np.arange(2)), before)  # the reader keeps what it had opened
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(UserError, match="is no dataset, and is not replaced"):
        DatasetWriter(tmp_path / "photos", info(), overwrite=True)


def test_after_a_failed_write_the_next_one_is_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DatasetWriter(tmp_path / "data", info()) as writer:
        writer.append_rows(rows(0, 3))
        raw = writer._frames

        class Full:
            def write(self, data: memoryview) -> int:
                if len(data) < 5000:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return raw.write(data[:5000])

            def __getattr__(self, name: str) -> Any:
                return getattr(raw, name)

        monkeypatch.setattr(writer, "_frames", Full())
        with pytest.raises(OSError):
            writer.append_rows(rows(3, 5))
        monkeypatch.undo()
        writer.append_rows(rows(5, 9))
        writer.finish()
    read = open_dataset(tmp_path / "data")
    assert read.rewards.tolist() == [0, 0.5, 1, 2.5, 3, 3.5, 4]
    np.testing.assert_array_equal(read.frames(np.arange(3, 7)), np.stack([frame(step) for step in range(5, 9)]))


def test_arrays_are_given_for_all_steps_or_for_none(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", info()) as writer:
        writer.append_rows(rows(0, 3, action_probabilities=np.full((3, 4), 0.25)))
        writer.append_rows(rows(3, 5))
        with pytest.raises(ValueError, match="for all steps or for none"):
            writer.finish()


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    narrow = info(frame_shape=(36, 36, 3))
    with DatasetWriter(tmp_path / "data", narrow) as writer, pytest.raises(ValueError, match="frames are"):
        writer.append_rows(rows(0, 3))


def test_the_header_has_room_for_any_number(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", info()) as writer:
        assert writer._write_header(0) == writer._write_header(10**12)


# damage


def change(path: Path, **arrays: Any) -> None:
    """Write an ``.npz`` again with other arrays; None leaves one out."""
    with np.load(path) as archive:
        kept = {name: archive[name] for name in archive.files}
    np.savez(path, **{name: values for name, values in {**kept, **arrays}.items() if values is not None})


def change_config(path: Path, **values: Any) -> None:
    config = json.loads((path / "dataset_config.json").read_text())
    (path / "dataset_config.json").write_text(json.dumps({**config, **values}))


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def test_a_dataset_of_before_there_were_merged_worlds_opens(dataset: Dataset) -> None:
    config = json.loads((dataset.path / "dataset_config.json").read_text())
    for name in ("label_kwargs", "sources", "perturbed"):
        del config[name]
    (dataset.path / "dataset_config.json").write_text(json.dumps(config))
    assert open_dataset(dataset.path).info == dataset.info


NAN = np.array([0, np.nan, 1, 1, 1, np.inf, 1, 1, 1])
DAMAGE: dict[str, tuple[Any, str]] = {
    "no folder": (lambda p: p.rename(p.parent / "away"), "there is no folder"),
    "no table": (lambda p: (p / "preprocessed_data.npz").unlink(), "preprocessed_data.npz is missing"),
    "no ground truth": (lambda p: (p / "ground_truth.npz").unlink(), "ground_truth.npz is missing"),
    "no frames": (lambda p: (p / "frames.npy").unlink(), "frames.npy is missing"),
    "frames cut short": (lambda p: cut(p / "frames.npy", 9000), "frames.npy is damaged"),
    "header cut short": (lambda p: cut(p / "frames.npy", 5), "frames.npy is damaged"),
    "no frame at all": (lambda p: cut(p / "frames.npy", 0), "frames.npy is damaged"),
    "table cut short": (lambda p: cut(p / "preprocessed_data.npz", 300), "preprocessed_data.npz is damaged"),
    "empty table": (lambda p: cut(p / "ground_truth.npz", 0), "ground_truth.npz is damaged"),
    "no text": (lambda p: (p / "dataset_config.json").write_text("{"), "dataset_config.json is damaged"),
    "no table of names": (lambda p: (p / "dataset_config.json").write_text("[]"), "holds no object"),
    "a later format": (lambda p: change_config(p, format=9), "dataset format 9"),
    "odd frame shape": (lambda p: change_config(p, frame_shape="wide"), "'frame_shape' in .* is 'wide'"),
    "odd worlds": (lambda p: change_config(p, label_kwargs={"a": 5}), "'label_kwargs' in .* is {'a': 5}"),
    "another frame shape": (lambda p: change_config(p, frame_shape=[64, 64, 3]), "are 36x40x3, but its .* 64x64x3"),
    "no rewards": (lambda p: change(p / "preprocessed_data.npz", rewards=None), "lacks rewards"),
    "NaN rewards": (lambda p: change(p / "preprocessed_data.npz", rewards=NAN), "rewards .* at 2 of 9 .* is step 1"),
    "pickled": (lambda p: change(p / "preprocessed_data.npz", rewards=np.array([None])), "is damaged"),
    "lengths": (lambda p: change(p / "preprocessed_data.npz", rewards=np.ones(8)), "9 frames, 9 actions, 8 rewards"),
    "zero episodes": (lambda p: change(p / "preprocessed_data.npz", episode_starts=np.zeros(9)), "has no episode"),
    "zero steps": (
        lambda p: change(p / "preprocessed_data.npz", rewards=[], actions=[], episode_starts=[]),
        "has no episode",
    ),
    "a headless episode": (
        lambda p: change(p / "preprocessed_data.npz", episode_starts=np.arange(9) == 4),
        "first step .* does not start",
    ),
    "an action too many": (lambda p: change_config(p, n_actions=3), "actions from 0 to 3, but 3 discrete"),
    "odd actions": (lambda p: change(p / "preprocessed_data.npz", actions=np.full(9, 0.5)), "neither whole numbers"),
    "flat truth": (lambda p: change(p / "ground_truth.npz", ground_truth_states=np.ones(9)), "not a row of numbers"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_said(dataset: Dataset, kind: str) -> None:
    damage, words = DAMAGE[kind]
    damage(dataset.path)
    with pytest.raises(UserError, match=words) as said:
        open_dataset(dataset.path)
    assert "\n" not in str(said.value)
    assert str(dataset.path) in str(said.value)


def test_random_access_reads_only_what_is_asked(tmp_path: Path) -> None:
    """The frames are mapped, not loaded: a file far larger than memory would open as well (here, a sparse one)."""
    path = write(tmp_path / "data").path
    number = 2**40 // int(np.prod(SHAPE))
    with (path / "frames.npy").open("r+b") as opened:
        header = {"descr": "|u1", "fortran_order": False, "shape": (number, *SHAPE)}
        np.lib.format.write_array_header_1_0(opened, header)
        opened.truncate(opened.tell() + number * int(np.prod(SHAPE)))
    from environments.datasets.frames import PackedFrames

    frames = PackedFrames(path / "frames.npy")
    assert frames.shape == (number, *SHAPE)
    np.testing.assert_array_equal(frames.read(np.array([8, number - 1]))[0], frame(8))
