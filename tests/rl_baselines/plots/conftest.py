"""Run folders with made-up episodes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from rl_baselines.runs.run_folder import RunFolder

HEAD = '#{"t_start": 0.0, "env_id": "x"}\nr,l,t\n'
MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """``make_run(returns, length=10, env=…, algo=…, seed=…, other_flag=…)`` writes a run and gives its folder."""
    count = 0

    def make(returns: Sequence[float], length: int = 10, n_envs: int = 1, tail: str = "", **flags: Any) -> Path:
        nonlocal count
        count += 1
        used = {"env": "A-v0", "algo": "ppo2", "srl_model": "ground_truth", "seed": count, **flags}
        run = RunFolder(tmp_path / "logs" / used["env"] / used["srl_model"] / used["algo"] / f"{count:03d}")
        run.path.mkdir(parents=True)
        run.args.write_text(yaml.safe_dump({"command": "x", "arguments": used}))
        run.train_config.write_text(yaml.safe_dump({"n_envs": {"value": n_envs, "from": "flag"}}))
        rows = "".join(f"{value},{length},{number * 0.5}\n" for number, value in enumerate(returns, start=1))
        (run.path / "0.monitor.csv").write_text(HEAD + rows + tail)
        return run.path

    return make
