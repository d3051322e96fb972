"""The documentation: its code runs, its commands parse, its flags and links exist, and both readmes say the same."""

import ast
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tokenize
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import pytest
import torch

from environments.registry import find_env
from srl3.cli import COMMANDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README, README_ZH = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = [README, README_ZH, *sorted(DOCS.glob("*.md"))]
PACKAGES = ("srl3", "config", "environments", "state_representation", "rl_baselines", "para_env", "dexhand_env")
FOREIGN_FLAGS = {"--build-constraint", "-m"}
"""flags of other tools that a page names outside a command"""
OLD = (
    "| S-RL Toolbox |",
    "| you typed |",
    "| if you typed |",
    "| said |",
    "| not here |",
    "| 原来 |",
    "| 原话 |",
    "| 这里没有 |",
)
"""heads of tables whose first column holds commands and flags of other systems"""
MAX_EXAMPLE_LINES = 40
LONGER = {"two_wheels.py": 60, "environments/mujoco_gym/tasks/balance.py": 60}
"""examples of a robot and of a task"""

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


# reading the pages


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages."""
    text = page.read_text(encoding="utf-8")
    return [body for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S) if language in languages]


def prose(page: Path) -> str:
    """A page without its fenced blocks and without what it says of the S-RL Toolbox's own flags."""
    lines, old = [], False
    for line in re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S).splitlines():
        old = line.startswith("|") and (old or line.startswith(OLD))
        lines.append("|".join(line.split("|")[2:]) if old else line)
    return "\n".join(lines)


def shell_lines(page: Path) -> list[str]:
    """The commands of a page's shell blocks: comments gone, continued lines joined, variables made 1."""
    text = "\n".join(blocks(page, "bash")).replace("\\\n", " ")
    uncommented = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [re.sub(r"\$\{?\w+\}?", "1", line) for line in uncommented if line]


def module_calls(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Module and arguments of every ``python -m …`` in a page's shell blocks, and of the train that ``make`` calls."""
    for line in shell_lines(page):
        for call in re.findall(r"python -m (\S+ ?[^;|>&]*)", line):
            module, *arguments = shlex.split(call)
            if module not in ("venv", "pip", "pytest"):
                yield module, arguments
        make = re.fullmatch(r'make train ARGS="(.*)"', line)
        if make:
            yield "rl_baselines.train", shlex.split(make.group(1))


class Found(BaseException):
    """Carries a command's parser out of its ``main``."""


def parser_of(module: str) -> ArgumentParser:
    """The parser that a command builds, whatever it does with it afterwards."""

    def catch(self: ArgumentParser, *_: Any) -> None:
        raise Found(self)

    command = import_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ArgumentParser, "parse_args", catch)
        with pytest.raises(Found) as found:
            command.main([])
    return found.value.args[0]


def subparsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """The parsers of a command's subcommands."""
    for action in parser._subparsers._group_actions if parser._subparsers else ():
        yield from action.choices.values()


# commands, flags, links


@pytest.fixture
def own_package(tmp_path_factory, monkeypatch):
    """The page's package of the user's own can be imported, and leaves nothing behind."""
    folder = tmp_path_factory.mktemp("own")
    text = next(body for file, _, body in examples() if file == "my_worlds.py")
    (folder / "my_worlds.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("SRL3_ENV_PACKAGES", "")
    yield
    sys.modules.pop("my_worlds", None)
    gymnasium.registry.pop("Lamps-v0", None)


@by_page
def test_commands_parse(page, own_package):
    for module, arguments in module_calls(page):
        parser_of(module).parse_args(arguments)


@by_page
def test_train_commands_pass_every_check(page, tmp_path, monkeypatch, own_package):
    from rl_baselines.train import make_parser
    from rl_baselines.training.flags import request_from_flags
    from rl_baselines.training.resolve import resolve

    presets = [block.partition("\n")[0].removeprefix("# ") for block in blocks(page, "yaml")]
    for name, block in zip(presets, blocks(page, "yaml"), strict=True):
        (tmp_path / name).write_text(block, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for module, arguments in module_calls(page):
        line = " ".join(arguments)
        from_a_run = ("--load-rl-model-path", "--resume", "--srl-model-path", "--teacher-data-folder", "--imitate")
        goes_on = any(flag in line for flag in from_a_run)  # from a folder that is not there
        of_an_example = any(name in line for name in ("PanTilt", "spo", "Balance"))  # they run further down
        if module == "rl_baselines.train" and not goes_on and not of_an_example:
            here = [WITHOUT_A_GPU.get(argument, argument) for argument in arguments]
            resolve(request_from_flags(*make_parser().parse_with_given(here)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(presets)


WITHOUT_A_GPU = {} if torch.cuda.is_available() else {"cuda": "cpu", "warp": "batch"}
"""arguments that a machine without a GPU refuses, and what is checked there in their place"""


@by_page
def test_flags_exist(page):
    parsers = [parser_of(command.module) for command in COMMANDS.values()]
    parsers += [parser for top in parsers for parser in subparsers(top)]
    known = {flag for parser in parsers for flag in parser._option_string_actions} | FOREIGN_FLAGS
    code = " ".join(re.findall(r"`([^`]+)`", prose(page))).replace("python -m ", "")
    named = set(re.findall(r"(?<![\w\[-])--?[a-z](?:[\w.-]*\w)?", code))
    assert named - known == set()


@by_page
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    code = "\n".join([*re.findall(r"`([^`]+)`", prose(page)), *shell_lines(page)])
    assert set(re.findall(r"\bmake ([a-z]+)\b", code)) <= targets


@by_page
def test_links_and_images_resolve(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for target in targets:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_worlds_from_python_and_a_failed_state_played_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again, faces = blocks(ROOT / "docs" / "mujoco.md", "python")
    world = find_env("Ant").load_class()(nan_dump="nan_dump.npz").world
    world.reset()
    world.exact("qvel")[0, 3] = 1e9
    assert bool(world.step(torch.zeros(1, 8)).endings["non_finite"])
    found: dict = {}
    exec(again, found)
    assert found["data"].warning[mujoco.mjtWarning.mjWARN_BADQACC].number + found["data"].time > 0
    exec(faces, found)
    assert found["step"].reward.shape == (64,)


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for target in re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            if path in PAGES and path not in reached:
                waiting.append(path)
            reached.add(path)
    assert set(PAGES) - reached == set()


# the two readmes


def test_both_readmes_have_the_same_commands():
    assert shell_lines(README) == shell_lines(README_ZH)


def test_both_readmes_have_the_same_pictures_links_and_flags():
    def skeleton(page: Path) -> list[Any]:
        text = page.read_text(encoding="utf-8")
        links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")]
        headings = [len(marks) for marks in re.findall(r"^(#+) ", text, re.M)]
        first_cells = re.findall(r"^\| (`[^|]+`) \|", text, re.M)
        return [links, headings, first_cells]

    assert skeleton(README) == skeleton(README_ZH)


def test_the_picture_command_is_documented():
    text = (DOCS / "pictures.py").read_text(encoding="utf-8")
    command = ast.literal_eval(re.search(r"^TRAINING = (\(.*?^\))", text, re.M | re.S).group(1))
    assert ("rl_baselines.train", list(command)) in list(module_calls(README))


# the examples of extending.md


def examples() -> list[tuple[str, str | None, str]]:
    """File, registry (for a registry line) and text of each example."""
    found = []
    for block in blocks(DOCS / "extending.md", "python"):
        first, _, body = block.partition("\n")
        where = re.fullmatch(r"# (\S+\.py)(?:, in (\w+))?", first)
        assert where, f"a block of extending.md begins with its file, not with {first!r}"
        found.append((where.group(1), where.group(2), body))
    return found


def code_lines(text: str) -> int:
    """Lines that hold code: neither blank, nor comment, nor docstring."""
    lines: set[int] = set()
    statement: list[tokenize.TokenInfo] = []
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if [part.type for part in statement] != [tokenize.STRING]:
                lines.update(row for part in statement for row in range(part.start[0], part.end[0] + 1))
            statement = []
        elif token.type not in silent:
            statement.append(token)
    return len(lines)


def test_examples_are_short_and_in_style(tmp_path):
    for file, registry, text in examples():
        if registry is None:
            assert 10 < code_lines(text) < LONGER.get(file, MAX_EXAMPLE_LINES), file
            (tmp_path / Path(file).name).write_text(text, encoding="utf-8")
    config = ["--config", str(ROOT / "pyproject.toml"), "--config", 'lint.isort.known-first-party=["environments"]']
    for check in (["check", "--no-cache", *config], ["format", "--no-cache", "--check", "--config", config[1]]):
        done = subprocess.run([sys.executable, "-m", "ruff", *check, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the packages into which the examples were put, as the page says."""
    root = tmp_path_factory.mktemp("extended")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, root / package)
    for file, registry, text in examples():
        if registry is None:
            assert not (root / file).exists(), f"{file} is there already; the page needs another example"
            (root / file).write_text(text, encoding="utf-8")
        else:
            source = (root / file).read_text(encoding="utf-8")
            head = re.search(rf"^{registry}: .* = {{\n", source, re.M)
            assert head, f"{file} has no {registry}"
            (root / file).write_text(source[: head.end()] + text + source[head.end() :], encoding="utf-8")
    return root


def run_in(root: Path, code: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=variables, capture_output=True, text=True, timeout=120
    )


def test_examples_run(extended):
    shorter = {
        "rl_baselines.train": ["--num-timesteps", "128", "--no-vis"],
        "rl_baselines.enjoy": ["--num-episodes", "5", "--json"],
    }
    plain = ["--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth"]  # what checkpoints.md opens
    calls = [
        (module, [*arguments, *shorter.get(module, [])]) for module, arguments in module_calls(DOCS / "extending.md")
    ]
    calls.append(("rl_baselines.train", [*plain, *shorter["rl_baselines.train"]]))
    code = f"""
import importlib
import rl_baselines
assert rl_baselines.__file__.startswith({str(extended)!r})
for module, arguments in {calls!r}:
    assert not importlib.import_module(module).main(arguments), arguments
for block in {blocks(DOCS / "checkpoints.md", "python")!r}:
    exec(block, {{"__name__": "page"}})
"""
    done = run_in(extended, code)
    assert done.returncode == 0, done.stdout + done.stderr
    logs = extended / "logs"
    said = done.stdout.splitlines()
    assert any(line.startswith("return over 5 episodes: ") for line in said), "the first block of checkpoints.md"
    assert said[-1] in "0123", "the action that its second block prints"
    runs = sorted(str(path.parent.parent.relative_to(logs)) for path in logs.glob("*/*/*/*/latest.zip"))
    assert runs == [
        "BalanceGymEnv-v0/ground_truth/batched_ppo",
        "CartPole-v1/ground_truth/ppo2",
        "Lamps-v0/ground_truth/ppo2",
        "MobileRobotGymEnv-v0/ground_truth/ppo2",
        "MobileRobotGymEnv-v0/ground_truth/spo",
        "PanTiltGymEnv-v0/ground_truth/ppo2",
        "PanTiltGymEnv-v0/raw_pixels/ppo2",
        "PanTiltPolarGymEnv-v0/polar/ppo2",
        "Pendulum-v1/ground_truth/sac",
    ]
    evaluations = [json.loads(line) for line in said if line.startswith('{"checkpoint"')]
    assert [result["lengths"] for result in evaluations] == [[100] * 5, [250] * 5]


def test_examples_keep_the_contract(extended):
    code = """
import itertools, gymnasium, numpy as np
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env
import environments
from srl3.errors import UserError
from rl_baselines.list import registries
from rl_baselines.train import main

for env_id, state, discrete, random in [
    (env_id, state, discrete, random)
    for env_id in ("PanTiltGymEnv-v0", "PanTiltPolarGymEnv-v0")
    for state in ("raw_pixels", "ground_truth", "polar")[: 2 + ("Polar" in env_id)]
    for discrete, random in itertools.product((True, False), repeat=2)
]:
    env = gymnasium.make(env_id, srl_model=state, is_discrete=discrete, random_target=random, render_mode="rgb_array")
    check_env(env.unwrapped, skip_render_check=True)
    sb3_check_env(env.unwrapped)

env = environments.registry.find_env("PanTiltGymEnv-v0").load_class()(srl_model="ground_truth", img_shape=(40, 40))
observation, _ = env.reset(seed=0)
assert np.allclose(observation, [-0.5, -0.3])
row, column = (int(part.mean()) for part in np.nonzero(env.get_image()[..., 0] == 220))
assert row == 15 and column == 17, "a target above and to the left of the gaze"
returned = sum(env.step(action)[1] for action in [0] * 5 + [2] * 95)
assert returned == 3, "in sight after 2, 3 and 4 turns to the left, then past it"

found = registries()
assert found["algorithms"]["spo"] == {"type": "reinforcement learning", "actions": ["discrete", "continuous"]}
assert found["environments"]["PanTiltPolarGymEnv-v0"]["states"] == ["raw_pixels", "ground_truth", "polar"]
assert found["representations"]["polar"]["environments"] == ["PanTiltPolarGymEnv-v0"]
assert found["representations"]["autoencoder_priors"]["losses"] == ["autoencoder", "priors"]
for name in ("autoencoder_priors", "polar"):
    try:
        main(["--srl-model", name, "--no-vis"])
    except UserError as error:
        print(error)
"""
    done = run_in(extended, code)
    assert done.returncode == 0, done.stdout + done.stderr
    learned, polar = done.stdout.splitlines()[-2:]
    assert "names no 'autoencoder_priors' for KukaButtonGymEnv-v0" in learned
    assert "KukaButtonGymEnv-v0 does not observe 'polar'" in polar
