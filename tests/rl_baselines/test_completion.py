"""Completion: a real bash asks the script what may come next."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rl_baselines import completion
from srl3.cli import COMMANDS
from srl3.errors import UserError


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import contextlib
    import io

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert completion.main(["bash"]) == 0
    path = tmp_path_factory.mktemp("completion") / "srl3.bash"
    path.write_text(printed.getvalue(), encoding="utf-8")
    return path


def offered(script: Path, *words: str) -> list[str]:
    """What bash offers after these words, the last of which is being typed."""
    bash = shutil.which("bash")
    assert bash is not None
    typed = " ".join(f"'{word}'" for word in words)
    code = (
        f"source {script}; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
        "$(complete -p srl3 | sed 's/.*-F \\([^ ]*\\).*/\\1/') srl3; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run([bash, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_commands(script: Path) -> None:
    assert set(offered(script, "srl3", "")) >= set(COMMANDS)
    assert offered(script, "srl3", "enj") == ["enjoy"]


def test_flags_of_a_command(script: Path) -> None:
    assert offered(script, "srl3", "train", "--num-time") == ["--num-timesteps"]
    assert "--video" in offered(script, "srl3", "enjoy", "--v")


def test_names_of_the_registries(script: Path) -> None:
    assert offered(script, "srl3", "train", "--env", "Omni") == ["OmnirobotEnv-v0"]
    assert set(offered(script, "srl3", "train", "--algo", "recur")) == {"recurrent_ppo"}
    assert "ground_truth" in offered(script, "srl3", "train", "--srl-model", "gr")


def test_an_unknown_shell() -> None:
    with pytest.raises(UserError, match="invalid choice: 'dos'"):
        completion.main(["dos"])
