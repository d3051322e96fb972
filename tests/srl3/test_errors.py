"""The one user error: its sentences, and how a command ends with it."""

import subprocess
import sys

import pytest

from srl3.errors import UserError, run_command, unknown_name

NAMES = ["KukaButtonGymEnv-v0", "MobileRobotGymEnv-v0", "CarRacingGymEnv-v0"]


def raising(error: BaseException):
    def main(argv: list[str] | None) -> int:
        raise error

    return main


def test_close_match_is_offered():
    assert str(unknown_name("environment", "KukaButonGymEnv-v0", NAMES)) == (
        "unknown environment 'KukaButonGymEnv-v0'; did you mean KukaButtonGymEnv-v0?"
    )


def test_names_about_as_close_are_offered_best_first():
    assert str(unknown_name("algorithm", "ppo1", ["trpo", "ppo2", "sac", "ppo"])) == (
        "unknown algorithm 'ppo1'; did you mean ppo or ppo2?"
    )


def test_case_does_not_matter_for_a_close_match():
    assert "did you mean MobileRobotGymEnv-v0" in str(unknown_name("environment", "mobilerobotgymenv-v0", NAMES))


def test_all_names_are_listed_in_order_without_a_close_match():
    assert str(unknown_name("algorithm", "zzz", ["sac", "a2c"])) == "unknown algorithm 'zzz'; known are: a2c, sac."


def test_user_error_ends_with_status_2_and_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        run_command(raising(UserError("the port 80 is taken; choose another.")))
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "error: the port 80 is taken; choose another.\n")


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_returned_status_is_the_exit_status(returned, status):
    with pytest.raises(SystemExit) as ended:
        run_command(lambda argv: returned)
    assert ended.value.code == status


def test_arguments_reach_the_command():
    seen = []
    with pytest.raises(SystemExit):
        run_command(lambda argv: seen.append(argv), ["--seed", "1"])
    assert seen == [["--seed", "1"]]


def test_other_errors_are_raised():
    with pytest.raises(ZeroDivisionError):
        run_command(raising(ZeroDivisionError()))


def test_a_reader_that_goes_away_ends_it_quietly():
    code = (
        "from srl3.errors import run_command\n"
        "def main(argv):\n"
        "    for _ in range(100_000):\n"
        "        print('x' * 100, flush=True)\n"
        "run_command(main)"
    )
    command = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    command.stdout.readline()
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait(timeout=60) == 141


def test_a_lack_of_memory_is_one_sentence(capsys):
    with pytest.raises(SystemExit) as ended:
        run_command(raising(MemoryError("Unable to allocate 27.9 GiB")))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: there is not enough memory (Unable to allocate 27.9 GiB); ask for less")
    assert said.count("\n") == 1


def test_sigterm_leaves_nothing_half_written(tmp_path):
    code = (
        "import sys, time\n"
        "from srl3.errors import run_command\n"
        "from srl3.files import atomic_path\n"
        "def main(argv):\n"
        "    with atomic_path('whole.txt') as path:\n"
        "        path.write_text('half')\n"
        "        print('begun', flush=True)\n"
        "        time.sleep(60)\n"
        "run_command(main)"
    )
    command = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path)
    assert command.stdout.readline() == b"begun\n"
    command.terminate()
    command.stdout.close()
    assert command.wait(timeout=60) == 143
    assert not list(tmp_path.iterdir())
