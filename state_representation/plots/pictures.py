"""Reconstructions and latent traversals as PNG."""

from pathlib import Path

import numpy as np

from state_representation.judging.decoding import FrameDecoder
from state_representation.judging.judged import Judged
from state_representation.plots.figures import principal_projection
from state_representation.plots.style import SMALL, new_figure, show_frame

_INCHES = 1.0
_DIRECTIONS, _STEPS = 6, 7
_PERCENTILES = (2, 98)


def draw_reconstructions(judged: Judged, decoder: FrameDecoder, path: Path, number: int, seed: int) -> None:
    """Frames above what the decoder draws from their states."""
    steps = np.sort(np.random.default_rng(seed).choice(len(judged.dataset), min(number, len(judged.dataset)), False))
    frames, drawn = judged.dataset.frames(steps), decoder(judged.states[steps])
    tall = _tall(frames)
    with new_figure(path, _INCHES * len(steps) + 0.6, 2 * _INCHES * tall + 0.4) as figure:
        for row, (name, pictures) in enumerate((("frame", frames), ("drawn", drawn))):
            for column, (step, picture) in enumerate(zip(steps, pictures, strict=True)):
                axes = figure.add_subplot(2, len(steps), row * len(steps) + column + 1)
                show_frame(axes, picture, f"{step}" if row == 0 else "")
                if column == 0:
                    axes.set_ylabel(name, fontsize=SMALL)


def draw_traversals(judged: Judged, decoder: FrameDecoder, path: Path) -> None:
    """What is drawn along directions of the state, from one frame's state; each row is a direction.

    Directions are the numbers that the decoder sees, where there are at most six, and else their first six principal
    components; each goes from the 2nd to the 98th percentile of the dataset.
    """
    states = judged.states[:, decoder.part].astype(np.float64)
    if states.shape[1] <= _DIRECTIONS:
        directions = np.eye(states.shape[1])
        names = [f"number {decoder.part.start + index}" for index in range(states.shape[1])]
    else:
        centred = states - states.mean(axis=0)
        directions = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :_DIRECTIONS].T
        shares = principal_projection(states, _DIRECTIONS)[1]
        names = [f"component {index + 1}\n({share:.0%})" for index, share in enumerate(shares)]
    middle = states[np.argmin(((states - states.mean(axis=0)) ** 2).sum(axis=1))]
    rows = []
    for direction in directions:
        along = states @ direction
        low, high = np.percentile(along, _PERCENTILES).tolist()
        places = np.linspace(low, high, _STEPS)
        full = np.zeros((_STEPS, judged.states.shape[1]), np.float32)
        full[:, decoder.part] = middle + np.outer(places - middle @ direction, direction)
        rows.append(decoder(full))
    tall = _tall(rows[0])
    with new_figure(path, _INCHES * _STEPS + 0.9, _INCHES * tall * len(rows) + 0.4) as figure:
        for row, (name, pictures) in enumerate(zip(names, rows, strict=True)):
            for column, picture in enumerate(pictures):
                axes = figure.add_subplot(len(rows), _STEPS, row * _STEPS + column + 1)
                show_frame(axes, picture)
                if column == 0:
                    axes.set_ylabel(name, fontsize=SMALL)


def _tall(frames: np.ndarray) -> float:
    """Height of a picture in widths; two views lie one above the other."""
    return frames.shape[1] / frames.shape[2] * (2 if frames.shape[3] == 6 else 1)
