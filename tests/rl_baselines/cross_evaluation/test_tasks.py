"""Tasks: how they are written, named, and what a policy brings along."""

import pytest

from environments.omnirobot_gym.config import OmnirobotConfig
from rl_baselines.cross_evaluation.tasks import SHORT, Task, add_task_flags, parse_task, task_trained_in
from rl_baselines.cross_evaluation.tasks import tasks_from_flags as from_flags
from srl3.errors import UserError
from srl3.flags import Parser

OMNIROBOT, MOBILE = "OmnirobotEnv-v0", "MobileRobotGymEnv-v0"


def tasks_of(*flags: str, envs: tuple[str, ...] = (OMNIROBOT,), shared=None) -> list[Task]:
    parser = Parser(conflict_handler="resolve")
    add_task_flags(parser, "to play")
    return from_flags(parser.parse_args(list(flags)), list(envs), shared or {})


@pytest.mark.parametrize("word", ["cc", "circular-continual", "circular_continual_move"])
def test_the_omnirobots_tasks_have_the_names_of_their_flags(word):
    assert parse_task(word, OMNIROBOT, {}) == Task(word, OMNIROBOT, {"circular_continual_move": True})


def test_a_task_is_parameters_of_the_world_under_a_name():
    task = parse_task("near=target:[0.3,0.1],max_steps:1e2", OMNIROBOT, {"radius": 0.5, "max_steps": 7})
    assert task == Task("near", OMNIROBOT, {"target": [0.3, 0.1], "max_steps": 100, "radius": 0.5})
    assert parse_task("cc,max_steps:9", OMNIROBOT, {}).name == "cc,max_steps:9"
    assert parse_task("plain=", MOBILE, {}) == Task("plain", MOBILE, {})
    assert parse_task("arm=env:KukaButtonGymEnv-v0,random_target:true", MOBILE, {}).env_id == "KukaButtonGymEnv-v0"


def test_tasks_keep_the_order_in_which_they_are_given():
    assert [task.name for task in tasks_of("-sqc", "--task", "near=max_steps:9", "ec", "-cc")] == [
        *("sqc", "near", "ec", "cc")
    ]
    assert [task.env_id for task in tasks_of("-sc", envs=())] == [OMNIROBOT], "only the Omnirobot has these"
    assert [task.name for task in tasks_of(envs=(OMNIROBOT, MOBILE))] == ["OmnirobotEnv", "MobileRobot"]


@pytest.mark.parametrize(
    ("flags", "envs", "sentence"),
    [
        (["--task", "cx"], (OMNIROBOT,), r"unknown task 'cx'; did you mean"),
        (["--task", "a=max_step:3"], (OMNIROBOT,), "max_step'.*did you mean max_steps"),
        (["--task", "a=max_steps:3"], (), "--task a=max_steps:3 is of no environment; add --env, or env:ID"),
        (["--task", "=max_steps:3"], (OMNIROBOT,), "--task =max_steps:3 has an empty name"),
        (["--task", "cc,sc"], (OMNIROBOT,), "are different tasks of OmnirobotEnv-v0"),
        (["-cc"], (MOBILE,), "-cc is a task of OmnirobotEnv-v0; MobileRobotGymEnv-v0 does not have it"),
        (["-cc", "--task", "cc"], (OMNIROBOT,), "two tasks are called cc; name them apart: NAME=cc"),
        (["-cc"], (OMNIROBOT, MOBILE), "--task is of one environment; give one --env, or env:ID"),
    ],
)
def test_mistakes(flags, envs, sentence):
    with pytest.raises(UserError, match=sentence):
        tasks_of(*flags, envs=envs)


@pytest.mark.parametrize(("short", "name"), SHORT.items())
def test_what_a_policy_was_trained_in_gets_that_tasks_name(short, name):
    everything = OmnirobotConfig(**{name: True, "srl_model": "ground_truth", "img_shape": (64, 64)}).as_dict()
    task = task_trained_in(OMNIROBOT, everything)
    assert task == Task(short, OMNIROBOT, {name: True}), "how it is observed is no part of a task"
    known = Task("mine", OMNIROBOT, {name: True, "max_steps": 250})
    assert task_trained_in(OMNIROBOT, everything, [known]) is known


def test_a_policy_observes_and_acts_as_it_was_trained_and_meets_the_task_as_it_is():
    trained = OmnirobotConfig(img_shape=(64, 64), is_discrete=False, max_steps=9, simple_continual_target=True)
    played = Task("cc", OMNIROBOT, {"circular_continual_move": True}).config_kwargs(trained.as_dict())
    assert OmnirobotConfig.from_kwargs(played) == OmnirobotConfig(
        img_shape=(64, 64), is_discrete=False, circular_continual_move=True
    )
    assert not Task("d", OMNIROBOT, {"is_discrete": False}).config_kwargs({"is_discrete": True})["is_discrete"]


def test_a_curriculum_has_a_short_name_of_its_own():
    stages = [{"after": after, "values": {"rewards.alive": 2.0}} for after in (100, 200)]
    tasks = [task_trained_in("AntGymEnv-v0", {"curriculum": chosen}) for chosen in (stages, stages[:1], stages[1:])]
    assert len({task.name for task in tasks}) == 3
    assert tasks[0].name.startswith("curriculum:2-stages-")
    assert max(len(task.name) for task in tasks) < 40


def test_switches_of_tasks_take_true_and_false():
    assert [task.name for task in tasks_of("-sc=True", "-cc=False", "-ec", "True")] == ["sc", "ec"]
