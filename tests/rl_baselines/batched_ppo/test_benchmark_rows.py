import importlib
import importlib.util
import sys

import pytest

from rl_baselines.benchmarks import off_policy_rows
from rl_baselines.benchmarks.batched_ppo import against, against_rsl_rl, layouts
from rl_baselines.benchmarks.catalogue import batched_ppo_tasks, off_policy_tasks
from rl_baselines.benchmarks.rows import Effort, LeftOut


def test_every_row_names_a_function_and_a_world() -> None:
    tasks = batched_ppo_tasks() + off_policy_tasks()
    assert len({task.name for task in tasks}) == len(tasks)
    for task in tasks:
        module, _, name = task.function.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


SHORT = Effort(repeats=1, size=0.1)
PARTS = ("environment", "policy", "update", "bookkeeping")


@pytest.mark.parametrize("side", ["world", "plain"])
def test_both_sides_are_measured(side: str) -> None:
    (measured,) = getattr(against, f"against_{side}")(SHORT, "MobileRobotGymEnv-v0", 8)
    assert measured.value > 0
    assert measured.ratio is not None
    assert measured.ratio == pytest.approx(measured.value / measured.details["other_steps_per_second"])
    assert sum(measured.details[part] for part in PARTS) == pytest.approx(1, abs=0.01)


def test_other_trainers_and_layouts() -> None:
    (measured,) = against.against_gymnasium(SHORT, "MobileRobotGymEnv-v0", 8, "CartPole-v1", 1)
    assert measured.ratio == pytest.approx(measured.value / measured.details["other_steps_per_second"])
    (share,) = against.bookkeeping(SHORT, "MobileRobotGymEnv-v0", 8)
    assert 0 < share.value < 100
    (layout,) = layouts.best_layout(SHORT, "MobileRobotGymEnv-v0", 8, n_epochs=1)
    hows = ("one_process", "several_processes")
    rates = [layout.details[f"{what}in_{how}"] for what in ("", "world_") for how in hows]
    assert layout.ratio == pytest.approx(max(rates[:2]) / max(rates[2:]))
    assert layout.name == ("(1 process)" if rates[0] >= rates[1] else "(2 processes)")


def test_rsl_rl_is_measured_where_it_is_and_left_out_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("rsl_rl") is not None:
        (measured,) = against_rsl_rl.against_rsl_rl(SHORT, "AntGymEnv-v0", 8)
        assert measured.ratio is not None
    monkeypatch.setitem(sys.modules, "rsl_rl.runners", None)
    with pytest.raises(LeftOut, match=r"rsl_rl is not installed \(pip install rsl-rl-lib==5.5.1\)"):
        against_rsl_rl.against_rsl_rl(SHORT, "AntGymEnv-v0", 8)


@pytest.mark.parametrize("algo", ["sac", "crossq"])
def test_parts_of_off_policy_trainings(algo: str) -> None:
    (measured,) = off_policy_rows.off_policy(SHORT, algo, "AntGymEnv-v0", 8)
    assert measured.name == "8 updates a step of all"
    assert sum(measured.details.values()) == pytest.approx(1)
    assert all(share > 0 for share in measured.details.values())
