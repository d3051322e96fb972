"""``python -m rl_baselines.list``: what it says of worlds, and what it does not load for it."""

import json
import subprocess
import sys

import pytest

from rl_baselines import list as listing


def test_each_world_says_what_it_is_what_it_takes_and_what_was_reached(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    assert listing.main([]) == 0
    said = capsys.readouterr().out
    assert all(len(line) <= 110 for line in said.splitlines())
    words = " ".join(said.split())
    assert (
        "MobileRobotGymEnv-v0: A robot drives to a target in a square arena. actions 4 discrete, 2 numbers (-c);"
        in words
    )
    assert "return 231.15 after 500,000 steps of ppo2 (3 seeds); with -c 237.16 after" in words
    assert "AntGymEnv-v0, Ant: An ant runs" in words


def test_a_world_shows_the_commands_behind_its_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert listing.main(["MobileRobotGymEnv-v0"]) == 0
    said = capsys.readouterr().out
    command = "python -m rl_baselines.train --env MobileRobotGymEnv-v0 --srl-model ground_truth --algo ppo2"
    assert f"{command} -c --num-timesteps 500_000\n" in said
    assert "return by seed, drawn actions: 237.18 ± 6.84; 237.13 ± 6.88; 237.17 ± 6.89" in said


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main(["--json"]) == 0
    kuka = json.loads(capsys.readouterr().out)["environments"]["KukaButtonGymEnv-v0"]
    assert kuka["action_sizes"] == {"discrete": 6, "continuous": 3, "joints": 7}
    assert kuka["results"][0]["returns"] == [[5.0, 0.0], [4.88, 0.84], [5.0, 0.0]]


def test_the_registries_are_listed_without_an_engine() -> None:
    code = (
        "import sys; from rl_baselines import list as listing; listing.main([]); "
        "print([name for name in ('pybullet', 'mujoco', 'torch', 'cv2', 'stable_baselines3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_world_of_another_package_has_no_empty_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main(["Pendulum-v1"]) == 0
    assert "actions ;" not in capsys.readouterr().out
