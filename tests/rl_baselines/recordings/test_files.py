"""Recordings on disk: what is written comes back, and what is no recording is one sentence."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from environments.scenes.parts import ScenePart
from environments.scenes.shapes import box
from rl_baselines.recordings.files import read_recording, write_recording
from rl_baselines.recordings.recording import CUT, TIME_LIMIT, Recording, Trajectory
from srl3.errors import UserError

RNG = np.random.default_rng(0)
PARTS = [
    ScenePart("base", box((1, 1, 1)), (1.0, 0.5, 0.0, 1.0)),
    ScenePart("floor", box((9, 9, 0.1)), (0, 0, 0, 1), ground=True),
]


def trajectory(length: int, ending: str = TIME_LIMIT, success: bool | None = True, **shown: object) -> Trajectory:
    draw = RNG.standard_normal
    return Trajectory(draw((length, 3)), draw(length), draw((length, 2)), ending, success, **shown)  # type: ignore[arg-type]


def meshes(length: int) -> Trajectory:
    poses = RNG.standard_normal((length + 1, 2, 7)).astype(np.float32)
    poses[:, 1] = poses[0, 1]  # the floor
    return trajectory(length, poses=poses)


def recording(*trajectories: Trajectory, parts: list[ScenePart] | None = None) -> Recording:
    return Recording(
        env_id="AntGymEnv-v0",
        env_kwargs={"max_steps": 5, "name": "é"},
        algo="ppo2",
        trained_steps=1200,
        deterministic=False,
        seed=7,
        step_seconds=0.02,
        trajectories=trajectories,
        term_names=("progress", "alive"),
        action_names=("a", "b", "c"),
        parts=parts or (),
    )


def assert_same(found: Recording, wanted: Recording) -> None:
    assert found.summary() == wanted.summary()
    assert found.env_kwargs == wanted.env_kwargs
    assert list(found.action_names) == list(wanted.action_names)
    for here, there in zip(found.trajectories, wanted.trajectories, strict=True):
        for name in ("actions", "rewards", "terms"):
            np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
        assert here.pictures == there.pictures
        assert (here.poses is None) == (there.poses is None)
        if here.poses is not None:
            np.testing.assert_array_equal(here.poses, there.poses)


def test_meshes_come_back(tmp_path: Path) -> None:
    wanted = recording(meshes(4), meshes(1), parts=PARTS)
    write_recording(tmp_path / "a.npz", wanted)
    found = read_recording(tmp_path / "a.npz")
    assert_same(found, wanted)
    for here, there in zip(found.parts, PARTS, strict=True):
        assert (here.name, here.colour, here.ground) == (there.name, tuple(map(float, there.colour)), there.ground)
        np.testing.assert_array_equal(here.mesh.vertices, there.mesh.vertices)
        np.testing.assert_array_equal(here.mesh.faces, there.mesh.faces)
    assert found.summary()["view"] == "meshes"


def test_pictures_come_back(tmp_path: Path) -> None:
    png = [cv2.imencode(".png", np.full((4, 6, 3), shade, np.uint8))[1].tobytes() for shade in (1, 2, 3)]
    wanted = recording(trajectory(2, pictures=tuple(png)), trajectory(1, CUT, None, pictures=(png[2], png[0])))
    write_recording(tmp_path / "a.npz", wanted)
    assert_same(read_recording(tmp_path / "a.npz"), wanted)
    assert wanted.summary()["success_rate"] == 1.0, "of those that tell"


def test_summary_is_json_and_adds_up() -> None:
    wanted = recording(trajectory(3), trajectory(2, "fallen", None))
    told = json.loads(json.dumps(wanted.summary()))
    first, second = wanted.trajectories
    assert told["mean_return"] == pytest.approx((first.rewards.sum() + second.rewards.sum()) / 2)
    assert [each["ending"] for each in told["trajectories"]] == [TIME_LIMIT, "fallen"]
    assert told["trajectories"][1]["terms"]["alive"] == pytest.approx(second.terms[:, 1].sum())


def spoiled(path: Path, **changes: object) -> Path:
    """A recording some of whose arrays, or entries of ``info``, are others."""
    write_recording(path, recording(meshes(3), parts=PARTS))
    with np.load(path) as loaded:
        arrays = dict(loaded)
    info = json.loads(arrays["info"].tobytes())
    for name, value in changes.items():
        if name in info:
            info[name] = value
        else:
            arrays[name] = np.asarray(value)
    arrays["info"] = np.frombuffer(json.dumps(info).encode(), np.uint8)
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 99}, "has format 99, and this version reads format 1"),
        ({"lengths": [2]}, "its actions are of other steps"),
        ({"lengths": [-3, 6]}, "it holds no trajectories"),
        ({"lengths": np.zeros(0, np.int64)}, "it holds no trajectories"),
        ({"rewards": np.zeros((3, 2))}, "other shapes than its names"),
        ({"term_names": ["one"]}, "other shapes than its names"),
        ({"endings": []}, "is damaged"),
        ({"step_seconds": 0}, "a step of 0.0 seconds"),
        ({"moving": [7]}, "is damaged"),
        ({"poses": np.full((4, 1, 7), np.nan)}, "its poses are no numbers"),
        ({"faces": np.full((24, 3), 999)}, "faces without corners"),
        ({"mesh_sizes": [[36, 12]]}, "other sizes than its parts"),
        ({"parts": 3}, "is damaged"),
        ({"rewards": np.array([None] * 3, object)}, "is damaged"),
    ],
)
def test_what_is_no_recording_is_one_sentence(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        read_recording(spoiled(tmp_path / "a.npz", **changes))
    assert "\n" not in str(raised.value)


def test_half_a_file_and_another_one(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_recording(path, recording(meshes(3), parts=PARTS))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="is damaged"):
        read_recording(path)
    np.savez(path, timesteps=np.zeros(3))
    with pytest.raises(UserError, match="it lacks info, lengths"):
        read_recording(path)
    with pytest.raises(UserError, match="is missing"):
        read_recording(tmp_path / "b.npz")
