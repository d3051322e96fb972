"""``benchmark_agents``: the table of what trained models earn."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from environments.flags import make_config
from rl_baselines import benchmark_agents, enjoy
from rl_baselines.benchmarks.agents.evaluations import Agent, Score, find_agents
from rl_baselines.benchmarks.agents.table import Row, as_csv, as_json, as_markdown
from rl_baselines.checkpoints.info import CheckpointInfo
from srl3.errors import UserError
from tests.rl_baselines.conftest import MOBILE, SMALL

SHORT = ("--env-kwargs", "max_steps:20", "--min-episodes-save", "1000000")


def score(seed: int, steps: int, *returns: float) -> Score:
    return Score(f"run{seed}/best_model.zip", seed, steps, list(returns), [10] * len(returns), 0.5)


ROWS = [
    Row("MobileRobotGymEnv-v0", "ground_truth", "ppo2", 1000, (score(0, 1000, 1.0, 3.0), score(1, 900, 5.0, 7.0))),
    Row("MobileRobotGymEnv-v0", "ground_truth is_discrete:false", "sac", 1000, (score(4, 1000, 2.0),)),
]


def without_weights(checkpoint: Path) -> None:
    """Damage a checkpoint where only playing it looks."""
    with zipfile.ZipFile(checkpoint) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(checkpoint, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, b"" if name == "policy.pth" else content)


def test_a_row_is_over_all_episodes_of_all_seeds() -> None:
    lines = as_markdown(ROWS).splitlines()
    assert lines[2] == "| MobileRobotGymEnv-v0 | ground_truth | ppo2 | 4.00 ± 2.24 | 50.0% | 4 | 900 to 1,000 | 0, 1 |"
    assert lines[3].endswith("| sac | 2.00 ± 0.00 | 50.0% | 1 | 1,000 | 4 |")
    (first, second) = csv.DictReader(io.StringIO(as_csv(ROWS)))
    assert (first["mean_return"], float(first["std_return"]), first["seeds"]) == ("4.0", np.sqrt(5), "0 1")
    assert second["settings"] == "ground_truth is_discrete:false"
    assert json.loads(as_json(ROWS))[0]["checkpoints"][1]["returns"] == [5.0, 7.0]


def test_runs_of_a_folder_become_a_table(small_train, tmp_path, capsys) -> None:
    runs = [small_train(*MOBILE, *SMALL, *SHORT, "--seed", seed) for seed in ("0", "1")]
    broken = small_train(*MOBILE, *SMALL, *SHORT, "--algo", "a2c")
    agents = find_agents(tmp_path / "logs")
    assert [agent.checkpoint for agent in agents] == [run.latest for run in (*runs, broken)]
    assert agents[0].settings == "ground_truth max_steps:20"

    enjoy.main(["--log-dir", str(runs[0].path), "--num-steps", "50", "--seed", "5", "--json"])
    alone = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert alone["episodes"] == 4, "two worlds at once, each in whole episodes of 20 steps until it has done 25"

    without_weights(broken.latest)
    output = tmp_path / "agents.json"
    flags = ["--num-steps", "50", "--seed", "5", "--jobs", "2", "-o", str(output)]
    assert benchmark_agents.main([str(tmp_path / "logs"), *flags]) == 1
    printed = capsys.readouterr()
    assert f"{broken.latest} failed: " in printed.err
    (row,) = json.loads(output.read_text())
    assert (row["algorithm"], row["seeds"], row["steps"]) == ("ppo2", [0, 1], [400, 400])
    assert row["checkpoints"][0]["returns"] == alone["returns"], "each plays as enjoy does"
    assert printed.out.count("| ppo2 |") == 1


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["nowhere"], "nowhere is no folder; name one with runs below it, such as logs."),
        (["."], "no trained model in or below .; name a folder with runs below it, such as logs."),
        ([".", "-o", "table.xls"], "-o writes .md, .csv, .json; name a file that ends so, not table.xls."),
        ([".", "-o", "nowhere/a.md"], "the folder of nowhere/a.md does not exist; make it first."),
    ],
)
def test_mistakes(flags, sentence, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as raised:
        benchmark_agents.main(flags)
    assert str(raised.value) == sentence
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_takes_no_file_is_said_before_anything_is_played(tmp_path) -> None:
    (tmp_path / "table.md").mkdir()
    with pytest.raises(UserError, match=r"table.md is a folder, where a file is wanted; choose another name"):
        benchmark_agents.main([str(tmp_path / "nowhere"), "-o", str(tmp_path / "table.md")])
    with pytest.raises(UserError, match=r"/proc/table.md can't be written \(.*\); choose another folder"):
        benchmark_agents.main([str(tmp_path / "nowhere"), "-o", "/proc/table.md"])


def test_settings_name_what_is_changed_alone() -> None:
    kwargs = make_config("AntGymEnv-v0", {"sim.threads": 2, "randomize.push.horizontal": 0.2}).as_dict()
    info = CheckpointInfo("ppo2", "feedforward", "AntGymEnv-v0", kwargs, "ground_truth", 1, 1, 0, {}, 1, {}, {}, {})
    words = Agent(Path("x.zip"), info).settings.split(" ")
    assert [word for word in words if word.startswith("sim")] == ["sim.threads:2"]
    assert "randomize.push.horizontal:0.2" in words
