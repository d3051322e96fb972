"""The commands that a command prints, pasted into a shell."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from environments.packages import VARIABLE, env_package_flags
from rl_baselines import hyperparam_search, pipeline
from rl_baselines.grid.cells import flags_of
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.reporter import command, how_to_go_on
from tests.end_to_end.conftest import environment
from tests.environments.test_packages import WORLD

INTERRUPTED = """
import os, signal
step = DotEnv._apply_action
def interrupted(self, action):
    if os.environ.get("STOP") and self.config.max_steps == 5:
        os.kill(os.getpid(), signal.SIGINT)
        del os.environ["STOP"]
    return step(self, action)
DotEnv._apply_action = interrupted
enter()
"""
FLAGS = ("--env", "Dot", "--env-kwargs", "max_steps:5", "--algo", "a2c", "--num-timesteps", "40", "--no-vis")


def test_what_a_stopped_training_prints_goes_on_and_shows_it(tmp_path: Path) -> None:
    """In a folder with a space, with a world of the user's own package."""
    (tmp_path / "dot_world.py").write_text(WORLD + INTERRUPTED)

    def run(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {**environment(), **variables}
        return subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=240)

    package = ("--env-package", "dot_world", "--srl-model", "ground_truth")
    trained = run(sys.executable, "-m", "rl_baselines.train", *FLAGS, *package, "--log-dir", "my logs", STOP="1")
    assert trained.returncode == 130, trained.stderr
    printed = dict(re.findall(r"^  (go on|run it|retrain it): +(.*)$", trained.stdout, re.MULTILINE))
    assert set(printed) == {"go on", "run it", "retrain it"}
    for name, more in (("go on", "--no-vis"), ("run it", "--num-episodes 1")):
        done = run("bash", "-c", f"{printed[name]} {more}")
        assert done.returncode == 0, f"{printed[name]}\n{done.stderr}"
    assert len(list((tmp_path / "my logs").rglob("args.yaml"))) == 1
    assert printed["retrain it"].endswith("--env-package dot_world")


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "json, csv")


@pytest.mark.usefixtures("named")
def test_a_user_s_packages_are_part_of_every_printed_command(tmp_path: Path) -> None:
    flags = "--env-package json --env-package csv"
    assert env_package_flags(besides=["json"]) == ["--env-package", "csv"]
    assert command("enjoy", "--log-dir", "a b").endswith(f"-m rl_baselines.enjoy --log-dir 'a b' {flags}")
    run = RunFolder(tmp_path / "a b")
    run.path.mkdir()
    run.latest.write_bytes(b"")
    assert how_to_go_on(run) == f"go on with --resume '{run.path}' {flags} (what it saved is whole)"


@pytest.mark.usefixtures("named")
def test_what_a_grid_and_a_search_print(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = ["--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--algo", "a2c"]
    twice = ["--env-package", "json", "--env-package", "csv"]
    assert pipeline.main([*world, *twice, "--log-dir", str(tmp_path / "a b"), "--dry-run"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.count("--env-package") == 2
    assert f"--log-dir '{tmp_path}/a b'" in line
    parser = hyperparam_search.make_parser()
    (tmp_path / "world.yaml").write_text("max_steps: 20\n")
    found, given = parser.parse_with_given([*world, *twice, "--env-config", str(tmp_path / "world.yaml")])
    assert flags_of(parser, found, ["env_package"]) == twice
    said = hyperparam_search._train_command(found, given)
    assert said.endswith(f"--env-config {tmp_path}/world.yaml {' '.join(twice)}")
    assert os.environ[VARIABLE] == "json, csv"
