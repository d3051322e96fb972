"""A contact sheet: what some episodes look like, on one picture."""

from pathlib import Path

import numpy as np

from environments.datasets.dataset import Dataset
from srl3.files import atomic_path

EPISODES, COLUMNS = 6, 8
SIDE = 128
"""Height of a picture on the sheet, pixels."""
STRIP = 18
"""Height of the line under it, pixels."""
GAP = 4
PAPER, INK = (255, 255, 255), (60, 60, 60)
GAIN, LOSS, NOTHING = (40, 150, 60), (200, 50, 50), (225, 225, 225)
"""Colours under a step with a reward above, below and at 0."""


def contact_sheet(dataset: Dataset) -> np.ndarray:
    """``(H, W, 3) uint8`` RGB: a row for each of some episodes, from first to last, its steps at equal distances.

    Under each picture: episode, step and the reward that followed, on green above 0 and on red below. Two views are
    side by side.
    """
    import cv2

    parts = dataset.episode_slices()
    chosen = np.unique(np.linspace(0, len(parts) - 1, EPISODES).round().astype(int)).tolist()
    _, width, channels = dataset.info.frame_shape
    size = (round(SIDE * width / dataset.info.frame_shape[0]) * (channels // 3), SIDE)
    sheet = np.empty((len(chosen) * (SIDE + STRIP + GAP) + GAP, COLUMNS * (size[0] + GAP) + GAP, 3), np.uint8)
    sheet[:] = PAPER
    for line, episode in enumerate(chosen):
        part = parts[episode]
        steps = np.linspace(part.start, part.stop - 1, min(COLUMNS, part.stop - part.start)).round().astype(int)
        for column, (step, frame) in enumerate(zip(steps.tolist(), dataset.frames(steps), strict=True)):
            views = np.concatenate([frame[..., at : at + 3] for at in range(0, channels, 3)], axis=1)
            enlarging = size[0] > views.shape[1]
            picture = cv2.resize(views, size, interpolation=cv2.INTER_NEAREST if enlarging else cv2.INTER_AREA)
            y, x = GAP + line * (SIDE + STRIP + GAP), GAP + column * (size[0] + GAP)
            sheet[y : y + SIDE, x : x + size[0]] = picture
            reward = float(dataset.rewards[step])
            color = GAIN if reward > 0 else LOSS if reward < 0 else NOTHING
            sheet[y + SIDE : y + SIDE + STRIP, x : x + size[0]] = color
            text = f"{episode}.{step - part.start}  {reward:+.3g}"
            ink = INK if color == NOTHING else PAPER
            place = (x + 4, y + SIDE + STRIP - 5)
            cv2.putText(sheet, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)
    return sheet


def write_contact_sheet(dataset: Dataset, path: Path) -> None:
    """Write the sheet as PNG."""
    import cv2

    data = cv2.imencode(".png", contact_sheet(dataset)[..., ::-1])[1]
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())
