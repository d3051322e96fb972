"""Mistakes in a robot's file, and in the terms of a task for it, are said in one sentence."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from environments.mujoco_gym.config import ObservationConfig, Stage, TaskConfig
from environments.mujoco_gym.task import Task
from srl3.errors import UserError

ROBOT = """
import mujoco
from environments.mujoco_gym.robots.robot import Robot

XML = '''
<mujoco>
  <worldbody>
    <body name="upper"><joint name="shoulder"/><geom size="0.02" fromto="0 0 0 0.2 0 0" type="capsule"/>
      <body name="fore" pos="0.2 0 0"><joint name="elbow" type="hinge"/>
        <geom size="0.02" fromto="0 0 0 0.2 0 0" type="capsule"/><site name="tip" pos="0.2 0 0"/>
      </body>
    </body>
    <body name="ball" pos="1 0 0">BALL<geom size="0.05"/></body>
  </worldbody>
  <tendon><fixed name="both"><joint joint="shoulder" coef="1"/></fixed></tendon>
  <actuator>ACTUATORS</actuator>
</mujoco>
'''
ROBOT = Robot(FIELDS)
"""
MOTORS = '<motor joint="shoulder"/><motor joint="elbow"/>'
FIELDS = {
    "spec": "lambda: mujoco.MjSpec.from_string(XML)",
    "joints": "('shoulder', 'elbow')",
    "default_pose": "(0.0, 0.5)",
    "position_controlled": "False",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArmConfig(TaskConfig):
    env_id: ClassVar[str] = "ArmGymEnv-v0"
    max_steps: int = 20
    observations: dict[str, dict[str, ObservationConfig]] = dataclasses.field(
        default_factory=lambda: {"policy": {"joint_pos": ObservationConfig()}}
    )
    rewards: dict[str, float] = dataclasses.field(default_factory=lambda: {"still": 1.0})


class ArmTask(Task):
    config: ArmConfig

    def compute_observations(self) -> dict[str, Any]:
        return {"policy": {"joint_pos": self.joint_pos}}

    def compute_task_rewards(self) -> Any:
        return {"still": -(self.joint_vel**2).sum(1)}

    def compute_terminations(self) -> Any:
        return {"turned": self.joint_pos[:, 0] > 3}


def robot_file(folder: Path, actuators: str = MOTORS, ball: str = "", **fields: str) -> str:
    path = folder / "arm.py"
    given = ", ".join(f"{name}={value}" for name, value in {**FIELDS, **fields}.items())
    path.write_text(ROBOT.replace("ACTUATORS", actuators).replace("BALL", ball).replace("FIELDS", given))
    return str(path)


def make(robot: str, task: type[Task] = ArmTask, config: type[ArmConfig] = ArmConfig, **env_kwargs: Any) -> Task:
    world = task(config.from_kwargs({"robot": robot, **env_kwargs}), 3)
    world.reset()
    world.step(torch.zeros(3, 2))
    return world


def test_a_right_robot_is_stepped(tmp_path: Path) -> None:
    for extra in ({}, {"feet": "('tip',)", "looked_at": "'fore'", "action_scale": "(0.5, 1)"}):
        assert make(robot_file(tmp_path, **extra)).observe().shape == (3, 2)
    assert make(robot_file(tmp_path, ball='<joint name="free_one" type="ball"/>')).num_envs == 3
    tendon = f'{MOTORS}<motor tendon="both"/>'
    assert make(robot_file(tmp_path, actuators=tendon)).backend.model.nu == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": "'shoulder'"}, r"joints of robot .* must be names in brackets, not 'shoulder'"),
        ({"joints": "()"}, "names no joints"),
        ({"joints": "('elbow', 'elbow')"}, "names the joint elbow twice"),
        ({"joints": "('shoulder', 'wrist')"}, "names the joint wrist, which its model lacks; it has shoulder, elbow"),
        (
            {"joints": "('shoulder',)", "default_pose": "(0,)"},
            "has the joint elbow, which the robot's file does not",
        ),
        ({"default_pose": "0"}, "default_pose of robot .* must be 2 numbers"),
        ({"default_pose": "('a', 'b')"}, "must be 2 numbers"),
        ({"default_pose": "(0, float('nan'))"}, "must be 2 numbers"),
        ({"default_pose": "(0,)"}, "has 1 numbers, and the robot has 2 joints"),
        ({"action_scale": "(1, 1, 1)"}, "action_scale of robot .* has 3 numbers, and the robot has 2 joints"),
        ({"spec": "None"}, "spec of robot .* must be a function that makes a mujoco.MjSpec"),
        ({"spec": "lambda: None"}, "must make a mujoco.MjSpec, not NoneType"),
        ({"spec": "lambda: 1 / 0"}, "spec of robot .* fails: ZeroDivisionError"),
        ({"base": "'uper'"}, "unknown body in base of robot .* 'uper'; did you mean upper"),
        ({"base": "'upper'"}, "must be a body with a free joint; upper has none"),
        ({"looked_at": "'hand'"}, "unknown body in looked_at of robot .* 'hand'"),
        ({"feet": "('toe',)"}, "unknown site in feet of robot .* 'toe'"),
        ({"position_controlled": "True"}, "the actuator of joint shoulder is a motor; write position_controlled=False"),
        ({"actuators": '<motor joint="shoulder"/><motor tendon="both"/>'}, "joint elbow has 0 actuators of its own"),
        ({"actuators": f'{MOTORS}<motor joint="elbow"/>'}, "joint elbow has 2 actuators of its own; it needs one"),
        ({"ball": '<joint name="b" type="ball"/>', "passive": "('b',)"}, "the joint b, which is a ball or free joint"),
        ({"ball": "<joint/>"}, "has a joint without a name; give it one"),
        ({"actuators": '<motor joint="elbw"/>'}, r"^the model of robot .* does not compile: .*elbw.*$"),
    ],
)
def test_mistakes_in_a_robots_file(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(robot_file(tmp_path, **changes))


def test_a_robots_file_that_ends_the_process_does_not(tmp_path: Path) -> None:
    path = tmp_path / "leaves.py"
    path.write_text("raise SystemExit('bye')\n")
    with pytest.raises(UserError, match="can't be loaded: SystemExit: bye"):
        make(str(path))


@pytest.mark.parametrize(
    ("method", "computes", "message"),
    [
        ("compute_task_rewards", lambda task: {"still": torch.ones(3, 1)}, r"float32 tensor of shape \(3,\).*\(3, 1\)"),
        (
            "compute_task_rewards",
            lambda task: {"still": 1.0},
            "the term still that compute_task_rewards of Arm.*float",
        ),
        ("compute_task_rewards", lambda task: {"still": task.joint_pos[:, 0].double()}, "not float64"),
        ("compute_task_rewards", lambda task: [torch.ones(3)], "must return tensors by name, not list"),
        ("compute_task_rewards", lambda task: None, "must return tensors by name, not NoneType"),
        (
            "compute_terminations",
            lambda task: {"turned": task.joint_pos[:, 0]},
            r"a bool tensor of shape \(3,\)",
        ),
        ("compute_terminations", lambda task: {"non_finite": task.joint_pos[:, 0] > 1}, "which every world has"),
        ("compute_observations", lambda task: {"joint_pos": task.joint_pos}, "terms by group and name"),
        ("compute_observations", lambda task: {"policy": {"joint_pos": task.joint_pos[:, 0]}}, r"of shape \(3, k\)"),
        ("compute_observations", lambda task: {"policy": {"joint_pos": task.base_pos}}, "whose file names none"),
        ("control", lambda task: torch.zeros(3, 3), r"control of ArmGymEnv-v0 must return \(3, 2\) numbers"),
        (
            "place",
            lambda task: task.set_robot(torch.zeros(task.count, 3)),
            r"have the shape \(3, 2\), not \(3, 3\)",
        ),
    ],
)
def test_mistakes_in_a_task(tmp_path: Path, method: str, computes: Callable[[Task], Any], message: str) -> None:
    task = type("Mistaken", (ArmTask,), {method: lambda self, *draws: computes(self)})
    with pytest.raises(UserError, match=message):
        make(robot_file(tmp_path), task)


def test_a_configuration_may_have_a_curriculum_of_its_own(tmp_path: Path) -> None:
    stages = (Stage(after=2, values={"rewards.still": 5.0}),)
    config = dataclasses.make_dataclass(
        "StagedConfig",
        [("curriculum", tuple[Stage, ...], dataclasses.field(default=stages))],
        bases=(ArmConfig,),
        frozen=True,
        kw_only=True,
    )
    world = make(robot_file(tmp_path), config=config)
    assert (world.stage, world.config.rewards["still"]) == (0, 1.0)
    for _ in range(3):
        world.step(torch.zeros(3, 2))
    assert (world.stage, world.config.rewards["still"]) == (1, 5.0)
    assert make(robot_file(tmp_path), config=config, curriculum=[]).config.stages == []
