"""Recordings on disk: one compressed ``.npz`` each, with all that is drawn in it, so that it is seen without the world.

The trajectories' steps lie one behind the other. Parts that never move are written once for each trajectory.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from environments.scenes.parts import ScenePart
from environments.scenes.shapes import Mesh
from rl_baselines.recordings.recording import Recording, Trajectory
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.damage import ARCHIVE_ERRORS, damage_is_said
from srl3.formats.json import value_of
from srl3.formats.npz import read_arrays

FORMAT = 1
NEEDS = ("info", "lengths", "actions", "rewards", "terms")
ADVICE = "choose another recording, or record once more with train --record-trajectories"
SAME = 1e-6
"""a part whose pose changes by less stands still"""


def write_recording(path: Path, recording: Recording) -> None:
    """Write a recording in one piece.

    Raises:
        OSError: when ``path`` can't be written.
    """
    trajectories = recording.trajectories
    info = {
        "format": FORMAT,
        "env_id": recording.env_id,
        "env_kwargs": dict(recording.env_kwargs),
        "algo": recording.algo,
        "trained_steps": recording.trained_steps,
        "deterministic": recording.deterministic,
        "seed": recording.seed,
        "step_seconds": recording.step_seconds,
        "term_names": list(recording.term_names),
        "action_names": list(recording.action_names),
        "first_choice": recording.first_choice,
        "endings": [each.ending for each in trajectories],
        "successes": [each.success for each in trajectories],
        "parts": [{"name": part.name, "colour": part.colour, "ground": part.ground} for part in recording.parts],
    }
    arrays: dict[str, np.ndarray] = {
        "info": np.frombuffer(json.dumps(info).encode("utf-8"), np.uint8),
        "lengths": np.array([each.length for each in trajectories], np.int64),
        "actions": np.concatenate([each.actions for each in trajectories]),
        "rewards": np.concatenate([each.rewards for each in trajectories]),
        "terms": np.concatenate([each.terms for each in trajectories]),
    }
    if recording.parts:
        arrays |= _meshes(recording.parts) | _poses(trajectories)
    if recording.has_pictures:
        arrays |= _pictures(trajectories)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_recording(path: Path) -> Recording:
    """A recording that `write_recording` wrote. Nothing in it is unpickled.

    Raises:
        UserError: when it is missing, damaged, no recording, or of a later version.
    """
    arrays = read_arrays(path, ADVICE, NEEDS)
    with damage_is_said(path, ADVICE, ARCHIVE_ERRORS):
        info = value_of(arrays["info"].tobytes())
        if info["format"] != FORMAT:
            raise UserError(f"{path} has format {info['format']}, and this version reads format {FORMAT}.")
        lengths = arrays["lengths"]
        if lengths.ndim != 1 or not len(lengths) or not np.issubdtype(lengths.dtype, np.integer) or lengths.min() < 1:
            raise ValueError("it holds no trajectories")
        steps = _split(arrays, "actions", lengths), _split(arrays, "rewards", lengths), _split(arrays, "terms", lengths)
        parts = _read_parts(arrays, info["parts"])
        poses = _read_poses(arrays, lengths, len(parts)) if parts else [None] * len(lengths)
        pictures = _read_pictures(arrays, lengths) if "pictures" in arrays else [()] * len(lengths)
        if arrays["rewards"].ndim != 1 or arrays["terms"].shape[1:] != (len(info["term_names"]),):
            raise ValueError("its rewards have other shapes than its names")
        return Recording(
            env_id=str(info["env_id"]),
            env_kwargs=dict(info["env_kwargs"]),
            algo=str(info["algo"]),
            trained_steps=int(info["trained_steps"]),
            deterministic=bool(info["deterministic"]),
            seed=int(info["seed"]),
            step_seconds=_positive(float(info["step_seconds"])),
            term_names=[str(name) for name in info["term_names"]],
            action_names=[str(name) for name in info["action_names"]],
            first_choice=None if info["first_choice"] is None else int(info["first_choice"]),
            parts=parts,
            trajectories=[
                Trajectory(actions, rewards, terms, str(ending), success, places, seen)
                for actions, rewards, terms, ending, success, places, seen in zip(
                    *steps, info["endings"], info["successes"], poses, pictures, strict=True
                )
            ],
        )


# parts and poses


def _meshes(parts: Sequence[ScenePart]) -> dict[str, np.ndarray]:
    return {
        "vertices": np.concatenate([part.mesh.vertices for part in parts]).astype(np.float32),
        "faces": np.concatenate([part.mesh.faces for part in parts]).astype(np.int32),
        "mesh_sizes": np.array([[len(part.mesh.vertices), len(part.mesh.faces)] for part in parts], np.int64),
    }


def _read_parts(arrays: dict[str, np.ndarray], told: Sequence[dict[str, Any]]) -> list[ScenePart]:
    if not told:
        return []
    sizes = arrays["mesh_sizes"]
    if sizes.shape != (len(told), 2) or sizes.min() < 0:
        raise ValueError("its meshes have other sizes than its parts")
    vertices, faces = _split(arrays, "vertices", sizes[:, 0]), _split(arrays, "faces", sizes[:, 1])
    parts = []
    for each, corners, triangles in zip(told, vertices, faces, strict=True):
        if corners.shape[1:] != (3,) or triangles.shape[1:] != (3,) or not np.isfinite(corners).all():
            raise ValueError("its meshes are no triangles")
        if triangles.size and not 0 <= triangles.min() <= triangles.max() < len(corners):
            raise ValueError("its meshes have faces without corners")
        red, green, blue, opacity = (float(value) for value in each["colour"])
        mesh = Mesh(corners.astype(np.float32), triangles.astype(np.int32))
        parts.append(ScenePart(str(each["name"]), mesh, (red, green, blue, opacity), bool(each["ground"])))
    return parts


def _poses(trajectories: Sequence[Trajectory]) -> dict[str, np.ndarray]:
    poses = [np.asarray(each.poses, np.float32) for each in trajectories]
    moving = np.any([(np.abs(each - each[0]) > SAME).any((0, 2)) for each in poses], axis=0)
    return {
        "moving": np.flatnonzero(moving),
        "poses": np.concatenate([each[:, moving] for each in poses]),
        "still_poses": np.stack([each[0, ~moving] for each in poses]),
    }


def _read_poses(arrays: dict[str, np.ndarray], lengths: np.ndarray, parts: int) -> list[np.ndarray]:
    moving, still = arrays["moving"], arrays["still_poses"]
    if not (np.isfinite(arrays["poses"]).all() and np.isfinite(still).all()):
        raise ValueError("its poses are no numbers")
    rest = np.setdiff1d(np.arange(parts), moving)
    found = []
    for part, places in zip(_split(arrays, "poses", lengths + 1), still, strict=True):
        whole = np.empty((len(part), parts, 7), np.float32)
        whole[:, moving], whole[:, rest] = part, places
        found.append(whole)
    return found


# pictures


def _pictures(trajectories: Sequence[Trajectory]) -> dict[str, np.ndarray]:
    files = [picture for each in trajectories for picture in each.pictures]
    return {
        "pictures": np.frombuffer(b"".join(files), np.uint8),
        "picture_sizes": np.array([len(each) for each in files], np.int64),
    }


def _read_pictures(arrays: dict[str, np.ndarray], lengths: np.ndarray) -> list[tuple[bytes, ...]]:
    sizes = arrays["picture_sizes"]
    files = [each.tobytes() for each in _split(arrays, "pictures", sizes)]
    ends = np.cumsum(lengths + 1)
    if len(files) != ends[-1]:
        raise ValueError("it has pictures of other steps")
    return [tuple(files[end - count : end]) for end, count in zip(ends, lengths + 1, strict=True)]


# helpers


def _split(arrays: dict[str, np.ndarray], name: str, counts: np.ndarray) -> list[np.ndarray]:
    """The rows of an array, so many to each."""
    if len(arrays[name]) != counts.sum() or counts.min() < 0:
        raise ValueError(f"its {name} are of other steps")
    return np.split(arrays[name], np.cumsum(counts)[:-1])


def _positive(number: float) -> float:
    if not 0 < number < 1e6:
        raise ValueError(f"a step of {number} seconds")
    return number
