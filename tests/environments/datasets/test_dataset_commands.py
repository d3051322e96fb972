"""The commands on datasets: merging, relative positions, figures and contact sheets; and what they refuse."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from environments import change_to_relative_pos, dataset_info, dataset_merger
from environments.datasets.contact_sheet import GAIN, GAP, SIDE, contact_sheet
from environments.datasets.dataset import Dataset, DatasetWriter, open_dataset
from environments.datasets.summary import Bin, histogram_in_words, reward_histogram
from environments.datasets.writer import Rows
from srl3.errors import UserError
from srl3.runtime.room import bytes_in_words
from tests.end_to_end.conftest import environment
from tests.environments.datasets.samples import N_STEPS, frame, info, write, write_reference
from tests.environments.datasets.test_dataset import DAMAGE

COLUMNS = ("actions", "rewards", "episode_starts", "ground_truth", "targets")


def contents(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def merge(*arguments: object) -> int:
    return dataset_merger.main(["--no-progress", *map(str, arguments)])


# merging


@pytest.mark.parametrize("continuous", [False, True])
def test_merging_appends_and_keeps_its_sources(tmp_path: Path, continuous: bool) -> None:
    one, two = write(tmp_path / "one", continuous), write(tmp_path / "two", continuous, seed=1)
    before = contents(one.path), contents(two.path)
    assert merge("--merge", one.path, two.path, one.path, tmp_path / "all") == 0
    assert (contents(one.path), contents(two.path)) == before
    merged = open_dataset(tmp_path / "all")
    assert (len(merged), merged.episodes) == (3 * N_STEPS, 9)
    for name in COLUMNS:
        values = getattr(merged, name)
        assert values.dtype == getattr(one, name).dtype
        np.testing.assert_array_equal(values, np.concatenate([getattr(source, name) for source in (one, two, one)]))
    np.testing.assert_array_equal(merged.frames(np.array([N_STEPS + 4]))[0], frame(4))
    assert merged.info.sources == ("one", "two", "one")


def test_labels_and_first_steps(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one"), write(tmp_path / "two", env_kwargs={"max_steps": 9})
    flags = ["--continual-learning-labels", "CC", "SQC", "--timesteps", "5", "-1"]
    assert merge("--merge", one.path, two.path, tmp_path / "all", *flags) == 0
    merged = open_dataset(tmp_path / "all")
    assert merged.labels is not None
    assert merged.labels.tolist() == ["CC"] * 5 + ["SQC"] * N_STEPS
    np.testing.assert_array_equal(merged.rewards, np.concatenate([one.rewards[:5], two.rewards]))
    assert merged.info.env_kwargs == {}, "only what both have in common"
    assert merge("--merge", tmp_path / "all", tmp_path / "all", tmp_path / "twice") == 0
    again = open_dataset(tmp_path / "twice").labels
    assert again is not None
    assert again.tolist() == merged.labels.tolist() * 2


def write_with_probabilities(path: Path) -> Dataset:
    with DatasetWriter(path, info()) as writer:
        pictures = np.stack([frame(0), frame(1)])
        starts, place = np.array([True, False]), np.zeros((2, 2))
        probabilities = np.array([[0.7, 0.1, 0.1, 0.1], [0.25] * 4])
        writer.append_rows(Rows(pictures, np.array([0, 3]), np.ones(2), starts, place, place, probabilities))
        writer.finish()
    return open_dataset(path)


def test_probabilities_are_kept_where_all_have_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teacher = write_with_probabilities(tmp_path / "teacher")
    plain = write(tmp_path / "plain")
    assert merge("--merge", teacher.path, teacher.path, tmp_path / "both") == 0
    both = open_dataset(tmp_path / "both").action_probabilities
    assert both is not None
    assert both.dtype == np.float32
    np.testing.assert_allclose(both[2], [0.7, 0.1, 0.1, 0.1])
    assert "left out" not in capsys.readouterr().out
    assert merge("--merge", teacher.path, plain.path, tmp_path / "mixed") == 0
    assert open_dataset(tmp_path / "mixed").action_probabilities is None
    assert "action probabilities were left out" in capsys.readouterr().out


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "environment": ({"env_id": "OmnirobotEnv-v0"}, "MobileRobotGymEnv-v0 in the one and OmnirobotEnv-v0 in the other"),
    "size": ({"frame_shape": (50, 40, 3)}, "frames are 36x40x3 in the one and 50x40x3 in the other"),
    "views": ({"frame_shape": (36, 40, 6), "multi_view": True}, "36x40x3 in the one and 36x40x6 in the other"),
    "actions": ({"continuous": True}, "actions are 4 discrete in the one and 2 continuous in the other"),
    "number": ({"n_actions": 6}, "actions are 4 discrete in the one and 6 discrete in the other"),
    "positions": ({"relative_pos": True}, "in the world frame in the one and relative to the target in the other"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_does_not_go_together_is_refused_with_both_sides(tmp_path: Path, kind: str) -> None:
    changes, words = OTHERS[kind]
    one, two = write(tmp_path / "one"), write(tmp_path / "two", **changes)
    with pytest.raises(UserError, match=words) as said:
        merge("--merge", one.path, two.path, tmp_path / "all")
    assert f"{one.path} and {two.path}" in str(said.value)
    assert not (tmp_path / "all").exists()


def test_a_merge_that_can_not_be_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one").path
    labelled = tmp_path / "labelled"
    merge("--merge", one, one, labelled, "--continual-learning-labels", "a", "b")
    for flags, words in (
        (["--merge", one, tmp_path / "all"], "two or more sources"),
        (["--merge", one, one, one], "is a source"),
        (["--merge", one, one, labelled], "exists already"),
        (["--merge", one, one, tmp_path / "all", "--timesteps", 5], "one for each of the 2 sources"),
        (["--merge", one, one, tmp_path / "all", "--timesteps", 5, 0], "at least 1"),
        (["--merge", one, one, tmp_path / "all", "--timesteps", 5, 99], "99 are more than the 9 steps"),
        (["--merge", one, labelled, tmp_path / "all"], "has continual-learning labels and .* has none"),
        (["--merge", one, tmp_path / "ones", tmp_path / "all"], "there is no folder .*ones; did you mean .*one.$"),
        (["--merge", one, tmp_path / "xyz", tmp_path / "all"], "no folder .*xyz; name a dataset: .*labelled, .*one.$"),
        (["--merge", one, tmp_path, tmp_path / "all"], "is no dataset; name a dataset: .*labelled, .*one.$"),
        (["--merge", one, one / "frames.npy", tmp_path / "all"], "frames.npy is a file, and a dataset is a folder; "),
        (["--merge", one, tmp_path / "a" / "b", tmp_path / "all"], "there is no folder .*b; record one with dataset_g"),
    ):
        with pytest.raises(UserError, match=words):
            merge(*flags)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labelled", "one"]


def test_datasets_of_the_old_layout_merge(tmp_path: Path) -> None:
    write_reference(tmp_path / "one")
    write_reference(tmp_path / "two", legacy=True)
    before = contents(tmp_path / "one")
    assert merge("--merge", tmp_path / "one", tmp_path / "two", tmp_path / "all") == 0
    assert contents(tmp_path / "one") == before
    assert open_dataset(tmp_path / "all").episodes == 6


# relative positions


def test_positions_become_relative(tmp_path: Path, dataset: Dataset) -> None:
    before = contents(dataset.path)
    flags = ["--data-src", str(dataset.path), "--data-dst", str(tmp_path / "moved"), "--no-progress"]
    assert change_to_relative_pos.main(flags) == 0
    moved = open_dataset(tmp_path / "moved")
    # the state of step i is (i, 2 i), the targets are (0, 1), (1, 1) and (2, 1)
    by_hand = [[0, -1], [1, 1], [2, 3], [2, 5], [3, 7], [3, 9], [4, 11], [5, 13], [6, 15]]
    assert moved.ground_truth.tolist() == by_hand
    assert moved.info.relative_pos
    np.testing.assert_array_equal(moved.targets, dataset.targets)
    np.testing.assert_array_equal(moved.frames(np.arange(N_STEPS)), dataset.frames(np.arange(N_STEPS)))
    assert contents(dataset.path) == before
    again = ["--data-src", str(tmp_path / "moved"), "--data-dst", str(tmp_path / "twice")]
    with pytest.raises(UserError, match="relative to the target already"):
        change_to_relative_pos.main(again)
    with pytest.raises(UserError, match="is the source"):
        change_to_relative_pos.main(["--data-src", str(dataset.path), "--data-dst", str(dataset.path), "-f"])


# figures


def test_info_prints_what_is_there(tmp_path: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    assert dataset_info.main([str(dataset.path)]) == 0
    said = capsys.readouterr().out
    assert "9 frames of 36x40x3, " in said
    assert "3 episodes of 2 to 4 steps (mean 3.0)" in said
    assert "actions: 0: 3, 1: 2, 2: 2, 3: 2" in said
    assert f"contact sheet: {tmp_path / 'data.png'}" in said
    assert cv2.imread(str(tmp_path / "data.png")) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data.png"]
    assert dataset_info.main([str(dataset.path), "--json", "--no-contact-sheet"]) == 0
    figures = json.loads(capsys.readouterr().out)
    # returns: (0 + 1 + 2) / 2, (3 + 4) / 2, (5 + 6 + 7 + 8) / 2
    assert figures["mean_return"] == pytest.approx((1.5 + 3.5 + 13) / 3)
    assert figures["bytes"] == sum(file.stat().st_size for file in dataset.path.iterdir())
    assert figures["contact_sheet"] is None


def test_info_of_continuous_actions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data", continuous=True)
    assert dataset_info.main([str(tmp_path / "data"), "--contact-sheet", str(tmp_path / "sheet.png")]) == 0
    assert "actions: 1.000 ± 0.645, -0.125 ± 0.000" in capsys.readouterr().out
    assert (tmp_path / "sheet.png").is_file()


def test_rewards_are_counted_by_value_or_in_bins() -> None:
    assert reward_histogram(np.array([1, 0, -1, 0], np.float32)) == [Bin(-1, -1, 1), Bin(0, 0, 2), Bin(1, 1, 1)]
    bins = reward_histogram(np.linspace(0, 10, 101))
    assert [one.count for one in bins] == [10] * 9 + [11]
    assert (bins[0].low, bins[-1].high) == (0, 10)
    said = histogram_in_words([Bin(-1, -1, 1), Bin(0, 0, 40)])
    assert said == f"  -1   1    2.4%  #\n   0  40   97.6%  {'#' * 40}"


def test_sizes_are_in_words() -> None:
    words = [bytes_in_words(size) for size in (999, 1000, 1_500_000, 184_320_128, 2.5e9)]
    assert words == ["999 bytes", "1.0 kB", "1.5 MB", "184 MB", "2.5 GB"]


def test_the_contact_sheet_shows_frames_upright(dataset: Dataset) -> None:
    sheet = contact_sheet(dataset)
    assert sheet[GAP + 5, GAP + 5].tolist() == [200, 0, 0], "red above"
    assert sheet[GAP + SIDE - 5, GAP + 5].tolist() == [0, 0, 220], "blue below, on the left"
    assert sheet[GAP + SIDE + 1, GAP + 100].tolist() != list(GAIN), "step 0 earned nothing"
    second = GAP + (sheet.shape[1] - GAP) // 8
    assert sheet[GAP + SIDE + 1, second + 100].tolist() == list(GAIN)


# bad input through real commands


def refused(folder: Path, *command: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=folder, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


BAD = ("frames cut short", "table cut short", "zero episodes", "NaN rewards", "lengths", "no folder")


@pytest.mark.parametrize("kind", BAD)
def test_damage_ends_a_command_with_one_sentence(tmp_path: Path, dataset: Dataset, kind: str) -> None:
    DAMAGE[kind][0](dataset.path)
    refused(tmp_path, "environments.dataset_info", "data")
    assert not (tmp_path / "data.png").exists()


def test_damage_to_the_old_layout_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    write_reference(tmp_path / "data")
    (tmp_path / "data" / "record_000" / "frame000002.jpg").unlink()
    command = ("environments.dataset_convert", "--data-src", "data", "--data-dst", "new", "--to", "packed")
    assert "frame data/record_000/frame000002.jpg is missing" in refused(tmp_path, *command)
    cv2.imwrite(str(tmp_path / "data" / "record_000" / "frame000002.jpg"), np.zeros((64, 64, 3), np.uint8))
    assert "frames of several sizes" in refused(tmp_path, *command)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_picture_that_ends_early_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    write_reference(tmp_path / "data")
    file = tmp_path / "data" / "record_000" / "frame000002.jpg"
    file.write_bytes(file.read_bytes()[:-100])
    assert "record_000/frame000002.jpg can't be read" in refused(tmp_path, "environments.dataset_info", "data")


def test_info_is_a_plain_record() -> None:
    assert json.loads(json.dumps(dataclasses.asdict(info())))["frame_shape"] == [36, 40, 3]


@pytest.mark.parametrize("command", ["dataset_info", "dataset_merger", "change_to_relative_pos", "dataset_convert"])
def test_flags_are_needed(command: str) -> None:
    module = __import__(f"environments.{command}", fromlist=["main"])
    with pytest.raises(UserError, match="required"):
        module.main([])
