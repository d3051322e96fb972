"""Trainings in this process, small enough for a test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rl_baselines import train
from rl_baselines.runs.run_folder import RunFolder, find_runs

Train = Callable[..., RunFolder]

MOBILE = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--num-cpu", "1")
KUKA = ("--env", "KukaButtonGymEnv-v0", "--srl-model", "ground_truth", "--num-cpu", "1")
SMALL = ("--num-timesteps", "400", "--hyperparam", "n_steps:50")


@pytest.fixture
def small_train(tmp_path: Path) -> Train:
    """``small_train(*flags)`` trains without visdom and bar, and gives the run folder (the newest, when resumed)."""

    def run(*flags: str, log_dir: Path | None = None, status: int = 0) -> RunFolder:
        log_dir = log_dir or tmp_path / "logs"
        shown = ("--no-vis", "--no-progress")
        where = () if "--resume" in flags else ("--log-dir", str(log_dir))
        assert train.main([*flags, *where, *shown]) == status
        return find_runs(log_dir)[-1]

    return run


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser, whose WebGL is software."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium here to show the page")
    flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*flags, "--disable-background-networking"])
        yield browser
        browser.close()
