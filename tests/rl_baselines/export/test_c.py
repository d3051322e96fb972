"""The C header: compiled without warnings, it gives what the graph gives, and asks for no memory."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_baselines import export
from rl_baselines.export.formats.c_source import c_source
from rl_baselines.export.graph import export_graph
from rl_baselines.export.vectors import torch_outputs
from rl_baselines.hyperparams.action_types import ActionType
from srl3.errors import UserError
from tests.rl_baselines.export.conftest import Made
from tests.rl_baselines.export.made import PIXELS, Case, checkpoint_of

ROWS = 300
CC = shutil.which("cc")
STRICT = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-but-set-variable")
PROGRAM = """
#include <stdio.h>
#include "policy.h"
int main(void)
{
    policy_observation_t observation[POLICY_OBSERVATION];
    while (fread(observation, sizeof observation, 1, stdin) == 1) {
        DECLARE
        policy_run(observation, NAMES);
        WRITE
    }
    return 0;
}
"""
pytestmark = pytest.mark.skipif(CC is None, reason="there is no C compiler")


def contract_of(terms: int = 1) -> dict[str, Any]:
    """As much of a contract as the header's comment needs."""
    each = {
        "name": "obs",
        "shape": [6],
        "dtype": "float32",
        "image": False,
        "history": 1,
        "terms": [],
        "normalizer": None,
    }
    action = {"kind": "discrete", "distribution": None, "stochastic": False, "terms": []}
    return {
        "algorithm": {"name": "a", "steps": 1},
        "environment": {"id": "*/ int x", "control_dt": None},
        "checkpoint": {"run": "r", "sha256": "0" * 64},
        "observation": {"inputs": [each], "representation": None},
        "memory": None,
        "action": action,
    }


def compiled(folder: Path, program: str) -> Path:
    (folder / "main.c").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [str(CC), *STRICT, "main.c", "-lm", "-o", "program"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / "program"


CASES = {
    "gaussian with a normaliser": (Case("ppo2"), True),
    "discrete": (Case("ppo2", ActionType.DISCRETE), False),
    "multi-discrete": (Case("a2c", ActionType.MULTI_DISCRETE), False),
    "multi-binary": (Case("ppo2", ActionType.MULTI_BINARY), False),
    "sac": (Case("sac"), True),
    "td3": (Case("td3"), False),
    "crossq": (Case("crossq"), False),
    "dqn": (Case("dqn", ActionType.DISCRETE), False),
    "quantiles": (Case("qrdqn", ActionType.DISCRETE), False),
    "ars": (Case("ars"), False),
    "cma-es": (Case("cma-es"), False),
    "batched_ppo": (
        Case("batched_ppo", normalize=False, hyperparams={"policy_kwargs": {"activation_fn": "ELU"}}),
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_gives_what_the_graph_gives(name: str, tmp_path: Path) -> None:
    case, stochastic = CASES[name]
    exported = export_graph(checkpoint_of(case, tmp_path / "model.zip"), stochastic=stochastic)
    text = c_source(exported.model, contract_of(), "policy")
    (tmp_path / "policy.h").write_text(text, encoding="utf-8")
    assert set(re.findall(r"#include (\S+)", text)) == {"<math.h>"}
    assert not re.search(r"malloc|calloc|alloca|printf|goto", text)
    assert "*/ int x" not in text
    names = exported.module.output_names()
    declare = " ".join(f"policy_{each}_t {each}[POLICY_{each.upper()}];" for each in names)
    write = " ".join(f"fwrite({each}, sizeof {each}, 1, stdout);" for each in names)
    program = PROGRAM.replace("DECLARE", declare).replace("NAMES", ", ".join(names)).replace("WRITE", write)
    rng = np.random.default_rng(0)
    seen = rng.normal(20, 3, (ROWS, 6)).astype(np.float32)
    broken = seen[:1].copy()
    broken[0, 3] = np.nan
    given = seen.tobytes() + broken.tobytes()
    done = subprocess.run([compiled(tmp_path, program)], input=given, capture_output=True, check=True)
    expected = torch_outputs(exported, {"obs": seen})
    fields = [(each, expected[each].dtype, expected[each].shape[1:]) for each in names]
    *_, last = got = np.frombuffer(done.stdout, fields)
    got = got[:-1]
    assert len(got) == ROWS
    for each, values in torch_outputs(exported, {"obs": broken}).items():
        if values.dtype.kind == "f":  # a broken sensor's number does not become an action
            np.testing.assert_array_equal(np.isnan(last[each]), np.isnan(values[0]))
    for each in names:
        if expected[each].dtype.kind == "f":
            np.testing.assert_allclose(got[each], expected[each], rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(got[each], expected[each])


def test_the_example_acts_on_recorded_observations(made: Made, tmp_path: Path) -> None:
    header = tmp_path / "robot.h"
    assert export.main([str(made.run.path), "--format", "c", "-o", str(header), "--runner"]) == 0
    command = [str(CC), *STRICT, "policy_example.c", "-lm", "-o", "example"]
    subprocess.run(command, cwd=tmp_path, check=True)
    from rl_baselines.acting.actor import Actor

    seen = np.random.default_rng(0).normal(0, 1, (20, 2)).astype(np.float32)
    lines = "\n".join(" ".join(map(str, row)) for row in seen)
    done = subprocess.run([tmp_path / "example"], input=lines, capture_output=True, text=True, check=True)
    got = np.array([line.split() for line in done.stdout.splitlines()], float)
    np.testing.assert_allclose(got, Actor.from_checkpoint(made.checkpoint).act(seen, deterministic=True), atol=1e-5)
    recorded = tmp_path / "seen.txt"
    recorded.write_text(lines, encoding="utf-8")
    again = subprocess.run([tmp_path / "example", recorded], capture_output=True, text=True, check=True)
    assert again.stdout == done.stdout
    for content, sentence in (
        ("", "observation 1 ends after 0"),
        ("1 2 3", "observation 2 ends after 1"),
        ("1,2", "observation 1 ends after 1"),
        ("1 2\nx", "observation 2 ends after 0"),
    ):
        recorded.write_text(content, encoding="utf-8")
        failed = subprocess.run([tmp_path / "example", recorded], capture_output=True, text=True)
        assert failed.returncode == 2
        assert sentence in failed.stderr
    missing = subprocess.run([tmp_path / "example", tmp_path / "nothing.txt"], capture_output=True, text=True)
    assert missing.returncode == 2
    assert "can't be read" in missing.stderr


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (Case("ppo2", ActionType.DISCRETE, PIXELS, ("",), normalize=False), "operator"),
        (Case("recurrent_ppo"), "memory"),
    ],
)
def test_what_is_no_mlp_is_refused(case: Case, sentence: str, tmp_path: Path) -> None:
    exported = export_graph(checkpoint_of(case, tmp_path / "model.zip"))
    contract = contract_of() | ({"memory": {}} if exported.head.memory_names else {})
    with pytest.raises(UserError, match=sentence):
        c_source(exported.model, contract, "policy")
