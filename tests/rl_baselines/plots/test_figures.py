"""The learning curve as a picture."""

import itertools
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from rl_baselines.plots.curves import Curve
from rl_baselines.plots.figures import Look, learning_curve, method_curves, profile_figure, seed_curves
from rl_baselines.plots.profiles import comparisons_of, profiles_of
from rl_baselines.plots.statistics import with_standard_error
from rl_baselines.plots.style import BLUE, line_style
from rl_baselines.runs.episodes import EpisodeLog


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
    assert image.shape == (675, 990, 3)
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


def curves(n_methods: int, n_envs: int) -> list[Curve]:
    rng = np.random.default_rng(0)
    x = np.linspace(0, 5e6, 20)
    return [
        Curve(f"MobileRobotLineTargetGymEnv-v{env}", f"recurrent_ppo srl_combination {method}", x, estimate, runs)
        for env in range(n_envs)
        for method in range(n_methods)
        for runs in [rng.normal(size=(3, 20))]
        for estimate in [with_standard_error(runs.T)]
    ]


def many_scores(n_methods: int) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return {f"recurrent_ppo srl_combination {method}": [rng.normal(size=5)] for method in range(n_methods)}


@pytest.mark.parametrize(
    "figure",
    [
        lambda: seed_curves(curves(1, 1), "timesteps", Look(title="A title")),
        lambda: seed_curves(curves(3, 1), "time", Look()),
        lambda: method_curves(curves(5, 1), "episodes", Look(title="A title")),
        lambda: method_curves(curves(9, 3), "timesteps", Look(y_lim=(-1, 1))),
        lambda: profile_figure(profiles_of(many_scores(4), 20, 0), comparisons_of(many_scores(4), None, 20, 0), Look()),
    ],
)
def test_figures_can_be_read_at_their_printed_size(figure) -> None:
    from matplotlib.text import Text

    drawn = figure()
    drawn.canvas.draw()
    assert drawn.get_size_inches()[0] in (3.3, 6.9)
    written = [text for text in drawn.findobj(Text) if text.get_visible() and text.get_text()]
    assert len(written) > 8
    assert min(text.get_fontsize() for text in written) >= 7
    edges = drawn.get_tightbbox().get_points()
    assert (edges >= -0.01).all(), "nothing is cut off"
    assert (edges <= drawn.get_size_inches() + 0.01).all(), "nothing is cut off"
    panels = drawn.axes
    assert min(panel.get_window_extent().height for panel in panels) / drawn.dpi > 0.9, "panels stay high"


def test_every_method_has_a_line_of_its_own() -> None:
    styles = [line_style(index) for index in range(28)]
    assert len({(each.colour, str(each.dashes)) for each in styles}) == 28
    for one, next_one in itertools.pairwise(styles):
        assert one.colour != next_one.colour
        assert one.dashes != next_one.dashes


def test_long_times_are_in_hours(tmp_path: Path) -> None:
    from matplotlib.text import Text

    (curve,) = curves(1, 1)
    figure = seed_curves([curve], "time", Look())
    labels = {text.get_text() for text in figure.findobj(Text)}
    assert "hours" in labels
    assert figure.axes[0].get_xlim()[1] == pytest.approx(5e6 / 3600, rel=0.1)
