"""The learning curve as a picture."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from rl_baselines.callbacks.episodes import EpisodeLog
from rl_baselines.plots.figures import BLUE, learning_curve


def log_of(returns: np.ndarray) -> EpisodeLog:
    log = EpisodeLog()
    for number, value in enumerate(returns, start=1):
        log.append(100 * number, value, 100)
    return log


@pytest.mark.parametrize("n", [1, 3, 400])
def test_draws_a_png_with_the_curve_in_it(tmp_path: Path, n: int) -> None:
    path = tmp_path / "curve.png"
    assert learning_curve(log_of(np.linspace(-1, 5, n)), path, "KukaButtonGymEnv-v0 ppo2 (ground_truth), seed 0")
    image = matplotlib.image.imread(path)[..., :3]
    assert image.shape == (714, 1050, 3)
    blue = np.array([int(BLUE[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    curve = (np.abs(image - blue) < 0.02).all(axis=-1)
    columns = np.flatnonzero(curve[100:-100].any(axis=0))
    assert len(columns) > (500 if n > 1 else 5)
    assert [path.name for path in tmp_path.iterdir()] == ["curve.png"]


def test_takes_arrays_too(tmp_path: Path) -> None:
    assert learning_curve(log_of(np.arange(5)).arrays(), tmp_path / "curve.png", "title")


def test_no_episode_no_figure(tmp_path: Path) -> None:
    assert not learning_curve(EpisodeLog(), tmp_path / "curve.png", "title")
    assert list(tmp_path.iterdir()) == []


def test_pyplot_is_left_alone(tmp_path: Path) -> None:
    import sys

    sys.modules.pop("matplotlib.pyplot", None)
    learning_curve(log_of(np.arange(5)), tmp_path / "curve.png", "title")
    assert "matplotlib.pyplot" not in sys.modules
