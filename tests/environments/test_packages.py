"""Worlds of a user's own package: registered by a call, imported by a flag, found by an entry point."""

import os
import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest

from environments import packages, registry
from environments.registry import ThreadingType, canonical_id, find_env, known_envs, register, registered_env
from srl3.errors import UserError

WORLD = """
import dataclasses
from typing import ClassVar
import numpy as np
from gymnasium import spaces
from environments.config import SRLConfig
from environments.registry import register
from environments.srl_env import SRLGymEnv

@dataclasses.dataclass(frozen=True, kw_only=True)
class DotConfig(SRLConfig):
    env_id: ClassVar[str] = "Dot-v0"

class DotEnv(SRLGymEnv):
    config_class = DotConfig
    def _make_action_space(self): return spaces.Discrete(2)
    def ground_truth_dim(self): return 1
    def target_pos(self): return np.zeros(1)
    def ground_truth(self): return np.array([self.place], np.float32)
    def _reset_world(self): self.place = float(self.np_random.uniform(-1, 1))
    def _apply_action(self, action):
        self.place += 0.1 * (2 * action - 1)
        return -abs(self.place), {"distance": -abs(self.place)}, False, abs(self.place) < 0.1
    def get_image(self): return np.zeros((*self.config.img_shape, 3), np.uint8)

def enter():
    register("Dot-v0", "dot_world:DotEnv", "dot_world:DotConfig", aliases=("Dot",))
"""


@pytest.fixture
def registering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registries as they were, afterwards."""
    monkeypatch.setattr(registry, "registered_env", registered_env)
    before, theirs = dict(registered_env), dict(gymnasium.registry)
    yield
    registered_env.clear()
    registered_env.update(before)
    gymnasium.registry.clear()
    gymnasium.registry.update(theirs)


@pytest.mark.usefixtures("registering")
def test_a_registered_world_is_found_by_its_id_and_its_short_name() -> None:
    entry = registered_env["MobileRobotGymEnv-v0"]
    kwargs = {"threading": ThreadingType.BATCHED, "aliases": ("Mobile",)}
    register("Mine-v0", entry.entry_point, entry.config, **kwargs)
    register("Mine-v0", entry.entry_point, entry.config, **kwargs)  # a package that is imported twice
    assert find_env("Mine-v0") == find_env("Mobile")
    assert canonical_id("Mobile") == canonical_id("Mine-v0") == "Mine-v0"
    assert "Mine-v0" in known_envs()
    assert gymnasium.spec("Mine-v0").entry_point == entry.entry_point
    with pytest.raises(UserError, match="Mine-v0 is registered already"):
        register("Mine-v0", "other:Env", entry.config)
    with pytest.raises(UserError, match="Baxter-v0 is registered already"):
        register("Baxter-v0", "other:Env", entry.config)
    with pytest.raises(UserError, match="short name Mobile of Other-v0 is taken by Mine-v0"):
        register("Other-v0", "other:Env", entry.config, aliases=("Mobile",))
    with pytest.raises(UserError, match="did you mean Mobile"):
        find_env("Mobil")


def run(folder: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{folder}", **environment}
    return subprocess.run([sys.executable, *argv], cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_a_package_of_ones_own_records_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "dot_world.py").write_text(WORLD + "\nenter()\n")
    flags = ("--env", "Dot", "--env-kwargs", "max_steps:5", "--img-shape", "40x40", "--num-episode", "2")
    command = ("-m", "environments.dataset_generator", *flags, "--name", "dots", "--no-progress")
    found = run(tmp_path, *command, "--num-cpu", "2", "--env-package", "dot_world")
    assert found.returncode == 0, found.stderr
    assert "Dot-v0" in (tmp_path / "data" / "dots" / "dataset_config.json").read_text()
    unknown = run(tmp_path, *command)
    assert unknown.returncode == 2
    assert "unknown environment 'Dot'" in unknown.stderr


def test_an_installed_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "dot_world.py").write_text(WORLD)
    (tmp_path / "broken_world.py").write_text("raise OSError('no licence')\n")
    info = tmp_path / "dots-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dots\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[srl3.environments]\ndot = dot_world:enter\nbroken = broken_world\n")
    code = "from environments.registry import canonical_id; print(canonical_id('Dot'))"
    found = run(tmp_path, "-c", code)
    assert found.stdout == "Dot-v0\n", found.stderr
    assert "the worlds of broken_world are left out: OSError: no licence" in found.stderr


def test_packages_that_cannot_be_imported_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv(packages.VARIABLE, raising=False)
    (tmp_path / "bad_world.py").write_text("import a_module_that_is_not_there\n")
    with pytest.raises(UserError, match=r"^--env-package no_such_world is not installed"):
        packages.import_env_package("no_such_world")
    with pytest.raises(UserError, match=r"bad_world fails when it is imported: ModuleNotFoundError.*not_there"):
        packages.import_env_package("bad_world")
    (tmp_path / "leaving_world.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(UserError, match="leaving_world fails when it is imported: SystemExit: 3"):
        packages.import_env_package("leaving_world")
    assert packages.VARIABLE not in os.environ


@pytest.mark.usefixtures("registering")
def test_wrong_registrations_are_said_in_a_sentence() -> None:
    mobile, kuka = (registered_env[name] for name in ("MobileRobotGymEnv-v0", "KukaButtonGymEnv-v0"))
    batched = {"threading": ThreadingType.BATCHED}
    for number, (entry_point, config, kwargs, message) in enumerate(
        (
            ("no_module.task:X", mobile.config, {}, "registered as no_module.task:X, and there is no module no_module"),
            (f"{packages.__name__}:Nothing", mobile.config, {}, r"and environments\.packages has no Nothing"),
            ("no_class", mobile.config, {}, "registered by module:class, not by 'no_class'"),
            (kuka.entry_point, kuka.config, batched, "is registered as batched; derive it from BatchedGymEnv"),
        )
    ):
        register(f"Wrong{number}-v0", entry_point, config, **kwargs)
        with pytest.raises(UserError, match=message):
            find_env(f"Wrong{number}-v0").load_class()
    register("Wrong-v0", mobile.entry_point, mobile.entry_point)
    with pytest.raises(UserError, match="the configuration of a world, is no EnvConfig"):
        find_env("Wrong-v0").load_config()
    with pytest.raises(UserError, match=r"threading of Text-v0 must be one of .*BATCHED.*, not 'batched'"):
        register("Text-v0", mobile.entry_point, mobile.config, threading="batched")


def test_worlds_of_a_package_are_listed(tmp_path: Path) -> None:
    (tmp_path / "dot_world.py").write_text(WORLD + "\nenter()\n")
    listed = run(tmp_path, "-m", "rl_baselines.list", "--env-package", "dot_world")
    assert listed.returncode == 0, listed.stderr
    assert "Dot-v0" in listed.stdout
