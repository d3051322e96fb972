"""The console script ``srl3``: help, dispatch and errors."""

import importlib
import os
import resource
import subprocess
import sys

import pytest

import srl3
from srl3.cli import COMMANDS, dispatch, help_text
from srl3.errors import UserError

HELP_SECONDS = 0.3


def run(*arguments: str, cwd=None) -> subprocess.CompletedProcess[str]:
    root = os.path.dirname(os.path.dirname(srl3.__file__))
    environment = {**os.environ, "PYTHONPATH": root}
    command = [sys.executable, "-m", "srl3", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


def test_help_names_every_command(tmp_path):
    done = run("--help", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, help_text() + "\n", "")
    for name, command in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert command.summary in done.stdout


@pytest.mark.slow
def test_help_is_quick():
    def processor_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert any(processor_seconds() < HELP_SECONDS for _ in range(5))


def test_version(capsys):
    assert dispatch(["--version"]) == 0
    assert capsys.readouterr().out == f"srl3 {srl3.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trian"], "unknown command 'trian'; did you mean train?"),
        (["swim"], f"unknown command 'swim'; known are: {', '.join(sorted(COMMANDS))}."),
        (["--algo", "ppo2"], "unknown flag '--algo'; flags of a command come after its name, see srl3 --help."),
        ([], f"name a command: {', '.join(COMMANDS)}; srl3 --help says what they do."),
    ],
)
def test_mistakes_are_one_sentence(arguments, sentence):
    with pytest.raises(UserError) as raised:
        dispatch(arguments)
    assert str(raised.value) == sentence


def test_a_mistake_ends_with_status_2_and_one_line():
    done = run("trian")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: unknown command 'trian'; did you mean train?\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_there(name):
    assert callable(importlib.import_module(COMMANDS[name].module).main)


def test_flags_and_status_pass_through(monkeypatch):
    seen = []

    def main(argv: list[str]) -> int:
        seen.append(argv)
        return 7

    monkeypatch.setattr(importlib.import_module(COMMANDS["list"].module), "main", main)
    assert dispatch(["list", "--json", "--help"]) == 7
    assert seen == [["--json", "--help"]]


def test_a_command_sees_its_own_flags():
    done = run("list", "--no-such-flag")
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown flag '--no-such-flag'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_whoever_names_a_world_may_name_its_package(name):
    flags = importlib.import_module(COMMANDS[name].module).make_parser()._option_string_actions
    opens = ("export", "benchmark_agents", "play", "enjoy")
    if "--env" in flags or name in opens:
        assert "--env-package" in flags
