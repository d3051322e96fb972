"""``python -m rl_baselines.plots``: what its subcommands print and write, and what they refuse."""

import csv
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from rl_baselines.plots import main
from rl_baselines.plots.style import COLOURS
from srl3.errors import UserError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def logs(make_run, tmp_path):
    """Two environments, two methods, three seeds."""
    for env in ("A-v0", "B-v0"):
        for algo, slope in (("ppo2", 2), ("a2c", 1)):
            for seed in range(3):
                make_run([slope * n + seed for n in range(30)], env=env, algo=algo, seed=seed)
    return tmp_path / "logs"


def drawn_colours(path: Path) -> set[str]:
    """Which of our colours are in a picture (black is, in its text)."""
    pixels = (matplotlib.image.imread(path)[..., :3] * 255).round().astype(np.uint8)
    return {
        colour
        for colour in COLOURS[:-1]
        if (pixels == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=-1).any()
    }


def test_run(logs, capsys):
    folder = logs / "A-v0" / "ground_truth" / "ppo2"
    assert main(["run", "-i", str(folder), "--episode-window", "5"]) == 0
    assert re.search(
        r"^300 steps, 30 episodes, mean return of the last 30: \d+\.\d\d; drawn in", capsys.readouterr().out
    )
    (picture,) = folder.glob("*/plots/learning_curve.png")
    assert matplotlib.image.imread(picture).shape[1] == 990, "3.3 inches at 300 dpi"
    assert drawn_colours(picture) == {COLOURS[0]}


def test_aggregate(logs, tmp_path, capsys):
    data, figure = tmp_path / "curves.csv", tmp_path / "seeds.png"
    flags = ["--episode-window", "1", "--data", str(data)]
    assert main(["aggregate", "-i", str(logs / "A-v0/ground_truth/ppo2"), "-o", str(figure), *flags]) == 0
    rows = list(csv.DictReader(data.open()))
    assert rows[-1] | {"low": "", "high": ""} == {
        "environment": "A-v0", "method": "ppo2 ground_truth", "n_runs": "3", "timesteps": "300",
        "value": "59", "low": "", "high": "",
    }  # fmt: skip
    assert float(rows[-1]["high"]) - 59 == pytest.approx(1 / np.sqrt(3))
    assert "A-v0, ppo2 ground_truth: 59 [58.42, 59.58] over 3 run(s) at 300 timesteps" in capsys.readouterr().out
    assert matplotlib.image.imread(figure).shape[1] == 990


def test_compare(logs, tmp_path, capsys):
    figure = tmp_path / "compare.png"
    assert main(["compare", "-i", str(logs), "-o", str(figure), "--statistic", "iqm", "--n-resamples", "50"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert matplotlib.image.imread(figure).shape[1] == 2070, "two panels, 6.9 inches"
    assert drawn_colours(figure) == set(COLOURS[:2])


def test_compare_across_environments(logs, tmp_path, capsys):
    flags = ["--across-environments", "--score-range", "A-v0:0:100", "--n-resamples", "50", "--episode-window", "1"]
    assert main(["compare", "-i", str(logs), "-o", str(tmp_path / "c.svg"), *flags]) == 0
    out = capsys.readouterr().out
    assert "A-v0: a return of 0 is 0, one of 100 is 1\nB-v0: a return of 29 is 0, one of 60 is 1" in out
    assert re.search(r"all environments, ppo2 ground_truth: 0\.\d+ \[0\.\d+, 0\.\d+\] over 6 run", out)


def test_gather(logs, tmp_path, capsys):
    outputs = [tmp_path / "results.csv", tmp_path / "results.md"]
    flags = ["--timestep-budget", "200", "1e2", "--welch-test", "a2c", "--episode-window", "1"]
    assert main(["gather", "-i", str(logs), "-o", *map(str, outputs), *flags]) == 0
    assert outputs[1].read_text() == capsys.readouterr().out
    rows = list(csv.DictReader(outputs[0].open()))
    assert [(row["timestep_budget"], row["mean_reward"]) for row in rows if row["environment"] == "B-v0"] == [
        ("100", "10"), ("200", "20"), ("100", "19"), ("200", "39"),
    ]  # fmt: skip


def test_profile(logs, tmp_path, capsys):
    figure = tmp_path / "profile.png"
    assert main(["profile", "-i", str(logs), "-o", str(figure), "--baseline", "a2c", "--n-resamples", "50"]) == 0
    assert "P(ppo2 ground_truth > a2c ground_truth) = 1 [1, 1]" in capsys.readouterr().out
    assert drawn_colours(figure) >= set(COLOURS[:2])
    main(["profile", "-i", str(logs / "A-v0"), "-o", str(figure), "--n-resamples", "50", "--episode-window", "1"])
    assert "ppo2 ground_truth: mean 59, iqm 59 over 3 run(s)" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["svg", "html", "pdf"])
def test_other_formats(logs, tmp_path, suffix):
    figure, again = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    for path in (figure, again):
        main(["compare", "-i", str(logs), "-o", str(path), "-t", "A < B"])
    content = figure.read_bytes()
    if suffix == "pdf":
        assert content.startswith(b"%PDF")
        return
    text = content.decode()
    assert text.replace("<title>a<", "<title>b<") == again.read_text(), "the same runs give the same file"
    assert all(colour.lower() in text.lower() for colour in COLOURS[:2])
    if suffix == "svg":
        assert ElementTree.fromstring(text).get("width") == "496.8pt", "6.9 inches"
    else:
        assert text.startswith("<!DOCTYPE html>")
        assert text.count("<svg") == text.count("</svg>") == 1
        assert "A-v0, ppo2 ground_truth: " in text, "the numbers are on the page too"
        assert not re.search(r"<(script|link|img)\b|@import", text), "nothing is loaded from elsewhere"


def test_follow_draws_again(make_run, tmp_path):
    path, figure = make_run([1]), tmp_path / "live.png"
    command = [
        sys.executable,
        "-m",
        "rl_baselines.plots",
        "run",
        "-i",
        str(path),
        "-o",
        str(figure),
        "--follow",
        "0.05",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert "10 steps, 1 episodes" in process.stdout.readline()
            before = figure.stat().st_mtime_ns
            with (path / "0.monitor.csv").open("a") as file:
                file.write("5,10,2\n7,1")
            assert "20 steps, 2 episodes" in process.stdout.readline()
            assert figure.stat().st_mtime_ns > before
        finally:
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
        assert process.wait(200) == 130


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "required: what"),
        ("draw", "invalid choice: 'draw'"),
        ("compare -i {logs} -o x.png --tittle y", "unknown flag '--tittle'; did you mean --title"),
        (
            "compare -i {logs} -o x.jpeg",
            "--output-file writes .png, .svg, .html, .pdf; name a file that ends so",
        ),
        ("compare -i {logs} -o nowhere/x.png", "the folder of nowhere/x.png does not exist"),
        ("compare -i {logs} -o x.png --score-range A-v0:0:1", "add --across-environments"),
        ("compare -i {logs} -o x.png --y-lim 5 1", "--y-lim 5 1 must give two numbers, the lower one first"),
        ("compare -i {logs} -o x.png --y-lim 0 nan", "the lower one first"),
        (
            "compare -i {logs} -o x.png --across-environments --score-range C:0:1",
            "unknown environment in --score-range",
        ),
        ("compare -i {logs} -o x.png --across-environments --score-range A-v0:1:0", "the lower one first"),
        ("compare -i {logs} -o x.png --across-environments --score-range A-v0", "takes ENV:LOW:HIGH"),
        ("aggregate -i nowhere -o x.png", "there is no folder nowhere"),
        ("aggregate -i {empty} -o x.png", "there is no run in "),
        ("aggregate -i {damaged} -o x.png", "is not an episode; a line has 3 values (r,l,t). --skip-damaged leaves"),
        ("aggregate -i {waiting} -o x.png", "has an episode yet"),
        ("run -i {waiting} -o x.png", "has no episode yet; wait for the first one to end"),
        ("run -i {empty} -o x.png", "no run at "),
        ("gather -i {logs} -o x.png", "--output-file writes .csv, .md; name a file that ends so, not x.png"),
        ("gather -i {logs} --timestep-budget 1e9", "the longest has 300; lower --timestep-budget"),
        ("gather -i {logs} --welch-test sac", "--welch-test 'sac' is none of the methods"),
        ("profile -i {logs} -o x.png --baseline truth", "--baseline 'truth' fits several"),
        ("profile -i {uneven} -o x.png", "has no run on "),
    ],
)
def test_mistakes_are_one_sentence(logs, make_run, tmp_path, monkeypatch, line, sentence):
    (tmp_path / "empty").mkdir()
    places = {
        "logs": f"{logs}/A-v0 {logs}/B-v0",
        "empty": tmp_path / "empty",
        "damaged": make_run([1], tail="1,2\n", env="C-v0"),
        "waiting": make_run([], env="C-v0", algo="sac"),
        "uneven": f"{logs}/A-v0 {make_run([1], env='D-v0')} {make_run([2], env='D-v0', algo='sac')}",
    }
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape(sentence)) as raised:
        main(line.format(**places).split())
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.glob("x.*"))


def test_damaged_lines_can_be_left_out(make_run, tmp_path, capsys):
    path = make_run([1, 2], tail="1,2\n3,10,9\n")
    main(["gather", "-i", str(path), "--skip-damaged", "--episode-window", "1"])
    shown = capsys.readouterr()
    assert "| ppo2 ground_truth | 1    | 3.00       |" in shown.out
    assert re.fullmatch(r"note: left out: .*0\.monitor\.csv, line 5: '1,2' is not an episode; .*\n", shown.err)
