"""Pictures of a frame beside its neighbours in state space."""

from pathlib import Path

import numpy as np

from state_representation.data.truth import world_truth
from state_representation.judging.judged import Judged
from state_representation.judging.metrics import nearest_neighbours
from state_representation.plots.style import new_figure, show_frame

_INCHES = 1.2


def draw_neighbours(judged: Judged, folder: Path, number: int, k: int, seed: int) -> list[Path]:
    """Write a PNG for each of ``number`` frames drawn at random: the frame, then its k neighbours, nearest first.

    Above each neighbour: how far it is in the state, and in the world.
    """
    dataset, states, truth = judged.dataset, judged.states, world_truth(judged.dataset).values
    queries = np.random.default_rng(seed).choice(len(dataset), min(number, len(dataset)), replace=False)
    paths = []
    for query, neighbours in zip(queries, nearest_neighbours(states, queries, k), strict=True):
        path = folder / f"neighbours_{query:06d}.png"
        shown = np.array([query, *neighbours])
        frames = dataset.frames(shown)
        tall = frames.shape[1] / frames.shape[2] * (2 if frames.shape[3] == 6 else 1)
        with new_figure(path, _INCHES * len(shown), _INCHES * tall + 0.35) as figure:
            for place, (step, frame) in enumerate(zip(shown, frames, strict=True)):
                in_state = np.linalg.norm(states[step] - states[query])
                in_world = np.linalg.norm(truth[step] - truth[query])
                title = f"frame {step}" if place == 0 else f"state {in_state:.3g}\nworld {in_world:.3g}"
                show_frame(figure.add_subplot(1, len(shown), place + 1), frame, title)
        paths.append(path)
    return paths
