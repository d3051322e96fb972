"""The same seed gives the same training as when these curves were recorded, whatever was moved or widened since."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORDED = json.loads((Path(__file__).parent / "recorded_curves.json").read_text(encoding="utf-8"))
SAME_ON_EVERY_PROCESSOR = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OMP_NUM_THREADS": "1",
    "PYTHON_CPU_COUNT": "1",
}
"""Which instructions the numerical libraries take would else depend on the processor, and with them the last bits."""


@pytest.mark.parametrize("name", RECORDED)
def test_a_training_earns_what_it_earned_when_it_was_recorded(name: str, tmp_path: Path) -> None:
    case = RECORDED[name]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "rl_baselines.train",
            "--no-vis",
            "--no-progress",
            "--log-dir",
            tmp_path,
            *case["flags"],
        ],
        check=True,
        cwd=ROOT,
        env={**os.environ, **SAME_ON_EVERY_PROCESSOR},
        stdout=subprocess.DEVNULL,
    )
    recorded = case["episodes"]  # of some the first ones: later, a last bit may decide a choice on another processor
    earned = {path.name: _episodes(path) for path in tmp_path.rglob("*.monitor.csv")}
    assert {name: episodes[: len(recorded[name])] for name, episodes in earned.items()} == recorded


def _episodes(monitor: Path) -> list[list[float]]:
    """Return and length of each episode."""
    with monitor.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[2:]
    return [[float(row[0]), int(row[1])] for row in rows]
