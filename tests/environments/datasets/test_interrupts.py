"""Ctrl-C, SIGTERM, a full disk and a dying process: finished episodes are kept, and nothing is left lying about."""

import errno
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from environments import dataset_generator
from environments.datasets.dataset import Dataset, open_dataset
from environments.datasets.recording import generate as generate_module
from environments.datasets.recording.recorder import Episode, Recorder
from srl3.errors import UserError
from tests.end_to_end.conftest import environment

MOBILE = "--env MobileRobotGymEnv-v0 -r --img-shape 40x40"
KUKA = "--env KukaButtonGymEnv-v0 --img-shape 40x40 --env-kwargs max_steps:20"


def start(folder: Path, flags: str, *before: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-m", "environments.dataset_generator", *flags.split()],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_frames(folder: Path, process: subprocess.Popen[str], size: int) -> None:
    """Until the dataset that is being written holds this many bytes."""
    for _ in range(4000):
        assert process.poll() is None, process.communicate()
        if sum(path.stat().st_size for path in folder.glob("data/.*/frames.npy")) > size:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was recorded")


def assert_part(dataset: Dataset, whole: Dataset) -> None:
    """The dataset begins as ``whole`` does; of several processes, one may have been ahead of another."""
    known = {whole.actions[part].tobytes(): part for part in whole.episode_slices()}
    found = []
    for part in dataset.episode_slices():
        same = known.get(dataset.actions[part].tobytes())
        if same is not None:
            found.append(same.start)
            for name in ("actions", "rewards", "episode_starts", "ground_truth", "targets"):
                np.testing.assert_array_equal(getattr(dataset, name)[part], getattr(whole, name)[same])
            frames = dataset.frames(np.arange(part.start, part.stop))
            np.testing.assert_array_equal(frames, whole.frames(np.arange(same.start, same.stop)))
    assert found[0] == 0
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("flags", "number"),
    [
        (f"{MOBILE} --num-episode 20000", signal.SIGINT),
        (f"{MOBILE} --num-episode 20000 --num-cpu 2", signal.SIGINT),
        (f"{KUKA} --num-episode 20000 --num-cpu 2", signal.SIGTERM),
    ],
    ids=["mobile", "mobile in processes", "kuka in processes, SIGTERM"],
)
def test_finished_episodes_are_kept(tmp_path: Path, flags: str, number: int) -> None:
    process = start(tmp_path, f"{flags} --name cut")
    wait_for_frames(tmp_path, process, 300_000)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert "Traceback" not in said
    assert "of 20,000 episodes are kept in data/cut" in said
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["cut"]
    cut = open_dataset(tmp_path / "data" / "cut")
    length = 20 if "Kuka" in flags else 250
    assert [part.stop - part.start for part in cut.episode_slices()] == [length] * cut.episodes
    arguments = [part for part in flags.split() if part not in ("--num-cpu", "2", "--num-episode", "20000")]
    where = ["--save-path", str(tmp_path), "--name", "whole", "--num-episode", "20", "--no-progress"]
    assert dataset_generator.main([*arguments, *where]) == 0
    assert_part(cut, open_dataset(tmp_path / "whole"))


def test_before_the_first_episode_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def interrupted(self: Recorder, block: range, stopped: object) -> list[Episode]:
        os.kill(os.getpid(), signal.SIGINT)
        return []

    monkeypatch.setattr(Recorder, "record", interrupted)
    assert dataset_generator.main([*MOBILE.split(), "--name", "none", "--no-progress"]) == 130
    assert list((tmp_path / "data").iterdir()) == []


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="needs a file system of its own, which this system does not allow")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_full_disk_keeps_finished_episodes(tmp_path: Path, processes: int) -> None:
    """On a real file system of 8 MB; an episode's frames are 1.2 MB."""
    (tmp_path / "data").mkdir()
    script = (
        'mount -t tmpfs -o size=8m none data && { "$@"; status=$?; cp -r data/full data/.[!.]* kept; exit $status; }'
    )
    (tmp_path / "kept").mkdir()
    shell = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    process = start(tmp_path, f"{MOBILE} --name full --num-episode 100 --num-cpu {processes}", *shell)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    assert "error: the disk is full" in said
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["full"]
    kept = open_dataset(tmp_path / "kept" / "full")
    assert kept.episodes >= (5 if processes == 1 else 3)
    assert f"{kept.episodes} of 100 episodes are kept" in said
    assert np.diff(np.flatnonzero(kept.episode_starts)).tolist() == [250] * (kept.episodes - 1)


def test_no_room_for_the_tables_costs_the_last_episode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []
    original = np.savez

    def savez(*arguments: object, **arrays: np.ndarray) -> None:
        tries.append(arguments)
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(*arguments, **arrays)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "savez", savez)
    flags = [*MOBILE.split(), "--num-episode", "4", "--name", "full", "--no-progress", "--save-path", str(tmp_path)]
    with pytest.raises(UserError, match=r"the disk is full .*; 3 of 4 episodes are kept in"):
        dataset_generator.main(flags)
    monkeypatch.undo()
    assert open_dataset(tmp_path / "full").episodes == 3


@pytest.mark.parametrize("finished", [0, 2])
def test_the_death_of_a_process_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], finished: int
) -> None:
    original = generate_module.record_in_processes

    def dying(plan: object, number: int, folder: Path, stopped: object) -> Iterator[Episode]:
        def killing() -> bool:
            if len(list(folder.glob("episode_*.npz"))) + seen[0] >= finished:
                for child in multiprocessing.active_children()[:1]:
                    child.kill()
            return False

        seen = [0]
        for episode in original(plan, number, folder, killing):  # type: ignore[arg-type]
            seen[0] += 1
            yield episode

    monkeypatch.setattr(generate_module, "record_in_processes", dying)
    flags = [*KUKA.split(), "--num-episode", "500", "--num-cpu", "2", "--name", "dead", "--no-progress"]
    assert dataset_generator.main([*flags, "--save-path", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: recording process ")
    assert "died (exit status -9)" in said
    kept = tmp_path / "dead"
    if finished:
        assert kept.is_dir()
    if kept.is_dir():
        assert f"{open_dataset(kept).episodes} of 500 episodes are kept in {kept}" in said
    else:
        assert "nothing was written" in said
