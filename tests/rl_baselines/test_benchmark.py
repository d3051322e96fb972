"""The benchmark: what it measures, that both sides do the same work, and what it prints and writes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pybullet as p
import pytest

from environments.config import SRLConfig
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from environments.kuka_gym.robot import GRIPPER_LINK
from environments.registry import ThreadingType, registered_env
from rl_baselines import benchmark
from rl_baselines.benchmarks.catalogue import env_tasks, srl_tasks, train_tasks
from rl_baselines.benchmarks.kuka_rows import _Pair
from rl_baselines.benchmarks.rows import Effort, Goal, Measured, Task, rows_of, table
from rl_baselines.benchmarks.runner import BenchmarkError, run
from rl_baselines.benchmarks.srl_rows import inference
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory
from srl3.errors import UserError

ROOT = Path(__file__).parents[2]


def test_goals():
    assert Goal(0.8).reached(Measured(5, "steps/s", 0.8))
    assert not Goal(0.8).reached(Measured(5, "steps/s", 0.79))
    assert Goal(0.1, at_most=True).reached(Measured(5, "ms", 0.05))
    assert not Goal(0.1, at_most=True).reached(Measured(5, "ms", 0.2))
    assert Goal(1000, of="value").reached(Measured(1000, "frames/s"))
    assert [str(goal) for goal in (Goal(0.1, at_most=True), Goal(2000, of="value"))] == ["ratio ≤ 0.1", "value ≥ 2,000"]


def test_the_speed_table_is_complete():
    tasks = {task.name: task for task in env_tasks()}
    goals = {name: task.goal for name, task in tasks.items() if name.startswith("Kuka")}
    assert list(goals.values()) == [Goal(0.8), Goal(0.1, at_most=True), Goal(4), Goal(4), Goal(3), Goal(1.7)]
    planar = [
        name
        for name, entry in registered_env.items()
        if entry.threading is ThreadingType.BATCHED and issubclass(entry.load_config(), SRLConfig)
    ]
    for env_id in planar:
        rows = [task for task in tasks.values() if task.arguments.get("env_id") == env_id]
        with_and_without_noise = 2 if env_id == "OmnirobotEnv-v0" else 1
        assert [task.goal.limit for task in rows] == [1_000_000, 20_000, 4_000] * with_and_without_noise
        assert [task.arguments["num_envs"] for task in rows] == [1024, 256, 256] * with_and_without_noise
    quiet = tasks["OmnirobotEnv-v0 without noise, ground truth, 1,024 at once"].arguments["env_kwargs"]
    assert quiet["position_noise"] == quiet["luminosity_noise"] == 0


def test_only_batched_worlds_train_256_at_once():
    names = [
        task.name for task in train_tasks(["KukaButtonGymEnv-v0", "MobileRobotGymEnv-v0"], [1, 256], "ground_truth", ())
    ]
    assert names == [
        "KukaButtonGymEnv-v0, 1 at once:",
        "MobileRobotGymEnv-v0, 1 at once:",
        "MobileRobotGymEnv-v0, 256 at once:",
    ]


def test_both_sides_run_in_turn():
    calls: list[str] = []
    times = alternate(
        [lambda: calls.append("A"), lambda: calls.append("B")],
        3,
        [lambda: calls.append("a"), lambda: calls.append("b")],
    )
    assert "".join(calls) == "bBaA" + "aAbB" + "bBaA" + "aAbB"
    assert [len(each) for each in times] == [3, 3]
    assert median_ratio([1, 4, 9], [1, 2, 3]) == 2


def test_memory_is_what_the_system_says():
    program = (
        "import numpy as np\n"
        f"from {peak_memory.__module__} import peak_memory\n"
        "before = peak_memory()\n"
        "block = np.ones(8_000_000)\n"
        "print(peak_memory() - before)\n"
    )
    # a process of its own, whose peak is now
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 40 < float(done.stdout) < 200


def test_the_bare_scene_does_what_the_world_does():
    """The same joint targets move the bare arm as the world's, to a tenth of a millimetre."""
    env = KukaButtonGymEnv(srl_model="ground_truth", n_random_actions_at_init=0)
    pair = _Pair(40, srl_model="ground_truth", n_random_actions_at_init=0)
    bare = pair.bare
    env.reset(seed=0)
    bare.reset()
    for action, goal in zip(pair.actions, pair.goals, strict=True):
        env.step(action)
        bare.step(goal)
        hand = p.getLinkState(bare.arm, GRIPPER_LINK, computeForwardKinematics=1, physicsClientId=bare.client)[0]
        np.testing.assert_allclose(hand, env._gripper, atol=1e-4)
    difference = np.abs(bare.image(84, 84).astype(int) - env.get_image())
    assert difference.mean() < 4
    env.close()
    pair.env.close()


def fail(effort: Effort) -> list[Measured]:
    raise RuntimeError("the gear broke")


def two(effort: Effort, value: float) -> list[Measured]:
    print("an engine's greeting")
    return [Measured(value * effort.repeats, "x", name=name) for name in ("one", "two")]


def test_tasks_run_in_processes_of_their_own(capfd):
    rows = run([Task("a", f"{__name__}:two", {"value": 2.0})], Effort(repeats=3))
    assert [(row.name, row.measured.value) for row in rows] == [("a one", 6), ("a two", 6)]
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("[1/1] a\n")
    with pytest.raises(BenchmarkError, match=r"(?s)^b:\nTraceback.*the gear broke"):
        run([Task("b", f"{__name__}:fail")], Effort())


def test_the_table_and_the_json_rows():
    task = Task("world", "x:y", goal=Goal(2))
    rows = rows_of(task, [Measured(1234.5, "steps/s", 1.5, 100.2, "fast", {"update": 0.25})])
    lines = table(rows, ("update",)).splitlines()
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        "world fast", "1,234", "steps/s", "1.50", "ratio ≥ 2", "NO", "100 MiB", "25%",
    ]  # fmt: skip
    assert rows[0].as_dict() == {
        "name": "world fast",
        "value": 1234.5,
        "unit": "steps/s",
        "ratio": 1.5,
        "goal": 2,
        "goal_is": "ratio at least",
        "reached": False,
        "memory_mib": 100.2,
        "update": 0.25,
    }


def test_benchmark_envs(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert benchmark.main(["envs", "--quick", "--only", "kuka", "RESET", "--json", str(file)]) == 0
    shown = capsys.readouterr()
    assert "| Kuka, reset, against 500 physics steps |" in shown.out
    assert shown.err.startswith("[1/1] Kuka, reset")
    (row,) = json.loads(file.read_text())
    assert row["unit"] == "ms"
    assert row["reached"] is (row["ratio"] <= 0.1)
    assert row["memory_mib"] > 20
    assert [path.name for path in tmp_path.iterdir()] == ["speed.json"]


def test_benchmark_train(tmp_path, capsys):
    file = tmp_path / "speed.json"
    flags = "train --quick --env MobileRobotGymEnv-v0 --n-envs 2 --hyperparam n_steps:32 nminibatches:1 n_epochs:1"
    assert benchmark.main([*flags.split(), "--json", str(file)]) == 0
    rows = json.loads(file.read_text())
    assert [row["name"].partition(": ")[2] for row in rows] == ["SRL3", "SB3 DummyVecEnv", "SB3 SubprocVecEnv"]
    assert rows[0]["ratio"] == 1
    for row in rows:
        shares = [row[name] for name in benchmark.SHARES if name != "buffer"]  # of off-policy algorithms alone
        assert all(0 < share < 1 for share in shares)
        assert sum(shares) == pytest.approx(1)
        assert row["value"] > 10
    assert rows[2]["memory_mib"] > rows[1]["memory_mib"]
    assert "| bookkeeping |" in capsys.readouterr().out


def test_benchmark_srl(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert [task.goal.limit for task in srl_tasks()] == [1.15] * 4 + [0.35] * 3
    assert benchmark.main(["srl", "--quick", "--only", "mlp 64x64", "--json", str(file)]) == 0
    (row,) = json.loads(file.read_text())
    assert (row["unit"], row["goal_is"]) == ("samples/s", "ratio at most")
    assert 0 < row["loader_share"] < 1
    assert row["ratio"] > 0
    (states,) = inference(Effort(repeats=1, size=0.1), "mlp", 36, state_dim=3)
    assert states.ratio > 0
    assert states.details["same_encoder"] > 0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("srl --n-envs 4", "--n-envs is for train, not for srl"),
        ("envs --only submarine", "no row has submarine in its name; the rows are: Kuka, ground truth"),
        ("envs --n-envs 4", "--n-envs is for train, not for envs"),
        ("envs --json nowhere/at/all.json", "the folder of nowhere/at/all.json does not exist"),
        ("envs --repeats 0", "not at least 1"),
        ("train --env Kuka", "unknown environment 'Kuka'"),
        ("train --env KukaButtonGymEnv-v0 --n-envs 256", "use fewer"),
        ("everything", "invalid choice: 'everything'"),
        ("", "required: what"),
    ],
)
def test_mistakes_are_one_sentence(flags, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)) as raised:
        benchmark.main(flags.split())
    assert "\n" not in str(raised.value)
