"""`Robot`: what a robot's file says of it."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from srl3.errors import UserError, unknown_name

if TYPE_CHECKING:
    import mujoco


@dataclass(frozen=True)
class Robot:
    """A robot; its file has one under the name ``ROBOT``.

    Args:
        spec: makes the model: bodies, joints, actuators, sensors. Options of the physics are the task's.
        joints: the actuated joints, in the order of a policy's actions; each has one actuator.
        default_pose: of these joints, radians (or metres, for a slide).
        action_scale: what an action of 1 adds to a joint's default position (position actuators, radians), or the
            control of a motor (1: all of its range); one number, or one for each joint.
        base: the body that carries the free joint; empty for a robot that is fixed.
        height: of the base at the start of an episode, metres.
        passive: joints without an actuator, by name.
        feet: sites of the feet, where it has feet.
        fingertips: sites of the fingertips, where it has fingers.
        looked_at: the body that cameras follow; empty: the base, or the middle of a model that is fixed.
        position_controlled: whether actions are offsets to the default pose; else they are the motors' controls.
        controls: for a hand whose joints follow fewer controls than there are joints, as tendons make them: the
            controls by name, in the order of the actions, and the share of each that its joints follow. A joint follows
            one control at most; one that follows none is held at 0. Empty: every joint has an action of its own.
    """

    spec: "Callable[[], mujoco.MjSpec]"
    joints: tuple[str, ...]
    default_pose: tuple[float, ...]
    action_scale: float | tuple[float, ...] = 1.0
    base: str = ""
    height: float = 0.0
    passive: tuple[str, ...] = ()
    feet: tuple[str, ...] = ()
    fingertips: tuple[str, ...] = ()
    looked_at: str = ""
    position_controlled: bool = True
    controls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


ROBOTS = ("ant", "humanoid", "quadruped", "palm_up_hand", "moving_hand")
"""modules of this folder that hold a robot"""


def load_robot(name: str) -> Robot:
    """The robot of this name, or of this Python file.

    Raises:
        UserError: for an unknown name, or a file that can't be loaded or has no ``ROBOT``.
    """
    if not name.endswith(".py"):
        if name not in ROBOTS:
            raise unknown_name("robot", name, ROBOTS)
        return importlib.import_module(f"environments.mujoco_gym.robots.{name}").ROBOT
    path = Path(name)
    if not path.is_file():
        raise UserError(f"robot {name}: there is no such file.")
    loading = importlib.util.spec_from_file_location(f"srl3_robot_{path.stem}", path)
    assert loading is not None
    assert loading.loader is not None
    module = importlib.util.module_from_spec(loading)
    try:
        loading.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UserError(f"robot {name} can't be loaded: {type(error).__name__}: {error}") from error
    robot = getattr(module, "ROBOT", None)
    if not isinstance(robot, Robot):
        raise UserError(f"robot {name} has no ROBOT, an environments.mujoco_gym.robots.robot.Robot.")
    return robot
