"""One HTML page of states that needs nothing else: a click on a state shows its frame."""

import base64
import html
import json
from pathlib import Path

import cv2
import numpy as np

from srl3.files import write_text
from state_representation.data.rewards import reward_classes
from state_representation.data.truth import world_truth
from state_representation.judging.judged import Judged
from state_representation.plots.figures import principal_projection
from state_representation.plots.page_script import SCRIPT, STYLE

MOST_POINTS = 2000
"""States on the page; their frames are in it."""
THUMBNAIL = 96
"""Greatest side of a frame on the page, pixels."""
_PER_ROW = 40
_JPEG_QUALITY = 90


def write_page(judged: Judged, path: Path, points: int = MOST_POINTS) -> None:
    """Write the page.

    It draws the states on their first three principal components, of which any two can be chosen, coloured by reward
    or by a coordinate of ground truth. A click, or the arrow keys, choose a state: its frame, step, episode, reward
    and place in the world are shown, and its nearest neighbours in state space are ringed.

    Args:
        judged: what is shown.
        path: of the page.
        points: most states, evenly spaced over the dataset.
    """
    dataset = judged.dataset
    steps = np.unique(np.linspace(0, len(dataset) - 1, min(points, len(dataset))).astype(np.int64))
    projected, shares = principal_projection(judged.states, 3)
    truth = world_truth(dataset)
    sheet, width, height = sprite_sheet(dataset.frames(steps))
    rewards = reward_classes(dataset.rewards)
    info = judged.encoder.info
    data = {
        "title": f"{info.srl_model} of {info.env_id}",
        "axes": [f"component {number + 1} ({share:.0%})" for number, share in enumerate(shares)],
        "points": _rounded(projected[steps]),
        "steps": steps.tolist(),
        "episodes": dataset.episode_numbers()[steps].tolist(),
        "rewards": _rounded(dataset.rewards[steps]),
        "classes": _rounded(rewards.values),
        "truth": _rounded(truth.values[steps]),
        "truthNames": list(truth.names),
        "neighbours": _neighbours(judged.states[steps]).tolist(),
        "thumbnail": [width, height],
        "perRow": _PER_ROW,
        "sheet": f"data:image/jpeg;base64,{base64.b64encode(sheet).decode()}",
    }
    write_text(path, _page(data))


def sprite_sheet(frames: np.ndarray) -> tuple[bytes, int, int]:
    """All frames in one JPEG, 40 to a row; two views one above the other.

    Args:
        frames: ``(n, H, W, C) uint8``

    Returns:
        the JPEG, and width and height of one frame in it, pixels.
    """
    if frames.shape[3] == 6:
        frames = np.concatenate([frames[..., :3], frames[..., 3:]], axis=1)
    number, tall, wide, _ = frames.shape
    scale = min(1.0, THUMBNAIL / max(tall, wide))
    width, height = max(1, round(wide * scale)), max(1, round(tall * scale))
    rows = -(-number // _PER_ROW)
    sheet = np.zeros((rows * height, _PER_ROW * width, 3), np.uint8)
    for index, frame in enumerate(frames):
        row, column = divmod(index, _PER_ROW)
        small = frame if scale == 1 else cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = small[..., ::-1]
    full_colour = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, coded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, *full_colour])
    assert done
    return coded.tobytes(), width, height


def _neighbours(states: np.ndarray, k: int = 5) -> np.ndarray:
    from state_representation.judging.metrics import nearest_neighbours

    return nearest_neighbours(states, np.arange(len(states)), min(k, len(states) - 1))


def _rounded(values: np.ndarray) -> list[float] | list[list[float]]:
    found: list[float] = np.round(values.astype(np.float64), 4).tolist()
    return found


def _page(data: dict[str, object]) -> str:
    # "</" can't be in a script: it would end there
    content = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
    title = html.escape(str(data["title"]))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<section>
<h1>{title}</h1>
<p class="controls">
<label>across <select id="across"></select></label>
<label>up <select id="up"></select></label>
<label>colour <select id="colour"></select></label>
<span id="legend"></span>
</p>
<canvas id="plot" tabindex="0" aria-label="states; a click shows the frame"></canvas>
</section>
<aside>
<canvas id="frame" aria-label="frame of the chosen state"></canvas>
<dl id="said"></dl>
<p class="hint">Click a state, or press the arrow keys to go through the episode.</p>
</aside>
</main>
<script>const DATA={content};</script>
<script>{SCRIPT}</script>
</body>
</html>
"""
