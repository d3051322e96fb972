"""The rows of MuJoCo worlds: that both sides do the same work, and that each row runs, at a tiny size."""

import importlib

import mujoco
import numpy as np
import pytest

from environments.registry import registered_env
from rl_baselines.benchmarks.batched_ppo.on_a_gpu import training
from rl_baselines.benchmarks.catalogue import env_tasks, gpu_tasks
from rl_baselines.benchmarks.mujoco.against_others import write_ant
from rl_baselines.benchmarks.mujoco.one_robot import plain_ant
from rl_baselines.benchmarks.mujoco.stepping import Stepping, make_world
from rl_baselines.benchmarks.rows import Effort, Goal, Task
from rl_baselines.benchmarks.runner import run

MEMORY = "rl_baselines.benchmarks.mujoco.against_others:memory"
TINY = Effort(repeats=1, size=0.01)
TASKS = [task for task in env_tasks() if ".mujoco." in task.function]
TWO_THREADS = [task for task in TASKS if task.name.endswith("in two threads")]
AGAINST_PHYSICS = [task for task in TASKS if task.name.endswith("against the physics alone")]
COMPARISONS = [task for task in TASKS if task not in AGAINST_PHYSICS + TWO_THREADS]


def test_every_world_is_measured_against_the_physics_alone() -> None:
    worlds = [name for name, entry in registered_env.items() if entry.entry_point.startswith("environments.mujoco_gym")]
    assert [task.arguments["env_id"] for task in AGAINST_PHYSICS] == worlds
    assert "ParaHandReorientGymEnv-v0" in worlds
    assert {(task.goal, task.arguments["num_envs"]) for task in AGAINST_PHYSICS} == {(Goal(0.85), 1024)}


def test_what_two_threads_are_to_reach() -> None:
    goals = {task.arguments["env_id"].removesuffix("GymEnv-v0"): str(task.goal) for task in TWO_THREADS}
    assert goals == {
        "Ant": "value ≥ 32,000",
        "Humanoid": "value ≥ 15,000",
        "VelocityFlat": "value ≥ 14,000",
        "ParaHandReorient": "value ≥ 10,000",
    }
    assert {(task.arguments["env_kwargs"]["sim.threads"], task.one_core) for task in TWO_THREADS} == {(2, False)}


def test_the_goals_of_the_comparisons() -> None:
    goals = [str(task.goal) for task in COMPARISONS]
    recorded = ["ratio ≥ 1"] * 12
    assert goals == ["ratio ≥ 0.5", "value ≤ 10", "value ≤ 10", *recorded, "ratio ≥ 4", "value ≤ 1,024", "ratio ≥ 0.5"]


def test_the_names_tell_the_worlds_control_rates() -> None:
    for task in COMPARISONS:
        if "real time" in task.name:
            rate = 1 / make_world(task.arguments["env_id"], 1).control_dt
            assert task.name.endswith(f"at {rate:.0f} Hz")


@pytest.mark.parametrize("task", [*AGAINST_PHYSICS, *COMPARISONS], ids=lambda task: task.name)
def test_each_row_runs(task) -> None:
    module, _, function = task.function.partition(":")
    sizes = {"num_envs": 2} if "num_envs" in task.arguments else {}
    (measured,) = getattr(importlib.import_module(module), function)(TINY, **{**task.arguments, **sizes})
    assert measured.value >= 0
    if task.goal.of == "ratio":
        assert measured.value > 0
        assert measured.ratio > 0
    assert measured.memory > 20


def test_the_plain_ant_obeys_the_worlds_rules() -> None:
    stepping = Stepping("AntGymEnv-v0", 1, 1)
    world, plain = stepping.world, plain_ant(stepping)
    np.testing.assert_allclose(
        plain.place(plain.data.qpos.copy(), plain.data.qvel.copy()), world.observe()[0], atol=1e-4
    )
    rewards = []
    for number in range(120):
        action = stepping.actions[number % len(stepping.actions)]
        step = world.step(action)
        observation, reward, over = plain.step(action[0].double().numpy())
        np.testing.assert_allclose(observation, world.observe()[0], rtol=1e-4, atol=2e-4)
        np.testing.assert_allclose(reward, step.reward[0], atol=2e-3)
        assert over == bool(step.terminated[0])
        rewards.append(reward)
    assert np.std(rewards) > 0.05


def test_the_plain_ant_falls_and_begins_again() -> None:
    plain = plain_ant(Stepping("AntGymEnv-v0", 1, 1))
    plain.data.qpos[2] = 0.2
    _, reward, over = plain.step(np.zeros(8))
    assert (reward, over) == (-2.0, True)
    np.testing.assert_allclose(plain.reset()[0], 0.44)
    assert abs(plain.data.qpos[plain.qpos] - plain.start[0][plain.qpos]).max() <= 0.2 + 1e-9


def test_gymnasiums_ant_has_our_physics(tmp_path) -> None:
    ours = make_world("AntGymEnv-v0", 1).backend.model
    theirs = mujoco.MjModel.from_xml_path(str(write_ant(tmp_path)))
    for name in ("timestep", "integrator", "solver", "iterations", "ls_iterations", "cone", "impratio"):
        assert getattr(theirs.opt, name) == pytest.approx(getattr(ours.opt, name), rel=1e-6), name
    for name in ("body_mass", "dof_armature", "dof_damping", "jnt_range", "actuator_gear", "geom_friction"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-5, err_msg=name)


def test_memory_is_what_the_robots_add() -> None:
    """In a process of its own: libraries are not counted, 2,048 ants are."""
    task = Task("ants", MEMORY, {"env_id": "AntGymEnv-v0", "num_envs": 2048})
    (row,) = run([task], TINY)
    assert row.measured.unit == "MiB"
    assert 2048 * 2e-3 < row.measured.value < 0.5 * row.measured.memory


def test_the_engine_gets_the_controls_that_the_task_gives() -> None:
    stepping = Stepping("DexHandBaseGymEnv-v0", 2, 3)
    given = stepping.controls()
    assert len(given) == 3
    stepping.restore()
    world, model = stepping.world, stepping.world.backend.model
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = world.exact("qpos")[0], world.exact("qvel")[0]
    data.qacc_warmstart[:] = world.exact("qacc_warmstart")[0]
    stepping.run()
    for control in given:
        data.ctrl[:] = control[0]
        mujoco.mj_step(model, data, nstep=world.config.sim.decimation)
    np.testing.assert_allclose(data.qpos, world.exact("qpos")[0], atol=1e-6)


def test_the_rows_of_a_gpu_name_all_worlds_and_trainings_with_and_without_graphs() -> None:
    tasks = gpu_tasks()
    assert len({task.name for task in tasks}) == len(tasks)
    worlds = [task for task in tasks if task.function.endswith("against_physics:steps")]
    assert {task.arguments["env_id"] for task in worlds} == {task.arguments["env_id"] for task in AGAINST_PHYSICS}
    assert {task.arguments["num_envs"] for task in worlds} == {4096, 16384}
    kwargs = [task.arguments["env_kwargs"] for task in worlds]
    assert kwargs == [{"sim.impl": "warp"}, {"sim.impl": "warp", "sim.cuda_graphs": False}] * (len(worlds) // 2)
    trainings = [task for task in tasks if task not in worlds]
    assert [task.arguments["env_kwargs"] for task in trainings] == [{}, {"sim.cuda_graphs": False}] * 4


def test_the_training_of_a_gpus_row_runs_on_a_cpu() -> None:
    (measured,) = training(TINY, "AntGymEnv-v0", 8, {"sim.cuda_graphs": False}, device="cpu")
    assert measured.value > 0
    assert measured.details["environment"] + measured.details["policy"] + measured.details["update"] < 1.01
