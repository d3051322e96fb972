"""The hand: its joints and masses, a palm that holds a cube, a scripted grasp that lifts a box."""

from collections.abc import Mapping

import mujoco
import numpy as np
import pytest

from environments.mujoco_gym.robots import hand_postures as postures
from environments.mujoco_gym.robots.hand import FINGER_JOINTS, TIPS, Base, hand_spec, joint_names
from environments.mujoco_gym.robots.objects import add_cube, add_shown_cube

CUBE_HALF, BOX_HALF = 0.0275, 0.025


def compiled(spec: mujoco.MjSpec, timestep: float = 0.01) -> mujoco.MjModel:
    spec.option.timestep = timestep
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.iterations = spec.option.ls_iterations = 8
    return spec.compile()


@pytest.mark.parametrize(("base", "n_first"), [("wrist", 2), ("six", 6)])
def test_joints_and_actuators_are_in_one_order(base: Base, n_first: int) -> None:
    model = compiled(hand_spec(base))
    names = joint_names(base)
    assert len(names) == n_first + 20
    assert [model.joint(index).name for index in range(model.njnt)] == [
        model.actuator(index).name for index in range(model.nu)
    ]
    assert {model.joint(index).name for index in range(model.njnt)} == set(names)
    assert [model.actuator(index).name for index in range(model.nu)] == list(names)
    assert (model.actuator_ctrlrange == model.jnt_range).all()


def test_it_weighs_what_a_hand_weighs() -> None:
    model = compiled(hand_spec("six"))
    palm = model.body("palm").id
    assert 0.4 < model.body_subtreemass[palm] < 0.7


def test_no_two_parts_of_the_hand_touch() -> None:
    model = compiled(hand_spec("six"))
    data = mujoco.MjData(model)
    data.qpos[2] = 0.5
    data.qpos[6:] = postures.finger_targets(dict.fromkeys(postures.CONTROLS, 2.0))  # a fist
    mujoco.mj_forward(model, data)
    assert data.ncon == 0


def test_controls_reach_every_joint_and_stay_in_range() -> None:
    assert (np.abs(postures.coupling()).sum(axis=1) > 0).tolist() == [name != "middle_abd" for name in FINGER_JOINTS]
    spread = postures.finger_targets({"spread": 0.2})
    by_name = dict(zip(FINGER_JOINTS, spread.tolist(), strict=True))
    assert by_name["index_abd"] == pytest.approx(-0.2)
    assert by_name["ring_abd"] == pytest.approx(0.2)
    assert by_name["little_abd"] == pytest.approx(0.35)  # twice the spread, cut to the joint's range


def test_a_cube_on_the_palm_stays_there() -> None:
    spec = hand_spec("wrist")
    add_cube(spec, "cube", CUBE_HALF, 0.08, (0.07, 0.0, 0.20))
    add_shown_cube(spec, "goal", CUBE_HALF, (0.2, 0.15, 0.25))
    model = compiled(spec, 0.0125)
    data = mujoco.MjData(model)
    data.ctrl[2:] = postures.finger_targets(postures.HOLDING)
    data.qpos[2:22] = data.ctrl[2:]
    heights = []
    for _ in range(int(6 / model.opt.timestep)):
        mujoco.mj_step(model, data)
        heights.append(data.body("cube").xpos[2])
    assert min(heights) > 0.14
    assert np.linalg.norm(data.body("cube").cvel) < 0.01
    assert data.mocap_pos[0] == pytest.approx([0.2, 0.15, 0.25])


@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.015, 0.0), (-0.015, 0.0), (0.0, 0.015), (0.0, -0.015)])
def test_a_scripted_grasp_lifts_a_box(offset: tuple[float, float]) -> None:
    spec = hand_spec("six")
    add_cube(spec, "box", BOX_HALF, 0.1, (0.07 + offset[0], offset[1], BOX_HALF))
    model = compiled(spec)
    data = mujoco.MjData(model)
    low = np.array(postures.GRASP_FROM)
    low[0] += 0.07  # where the box is believed to be
    above, up = low.copy(), low.copy()
    above[2], up[2] = postures.HIGH_ABOVE, 0.38
    data.qpos[:6] = above
    stages = [
        (0.3, above, above, postures.REACHING, postures.REACHING),
        (0.8, above, low, postures.REACHING, postures.REACHING),
        (0.8, low, low, postures.REACHING, postures.GRASPING),
        (0.3, low, low, postures.GRASPING, postures.GRASPING),
        (1.2, low, up, postures.GRASPING, postures.GRASPING),
        (2.0, up, up, postures.GRASPING, postures.GRASPING),
    ]
    for seconds, base, then, posture, next_posture in stages:
        _move(model, data, seconds, base, then, posture, next_posture)
    assert data.body("box").xpos[2] > 0.2
    touched = dict(zip(TIPS, data.sensordata > 0.1, strict=True))
    assert sum(touched.values()) >= 2


def _move(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    seconds: float,
    base: np.ndarray,
    then: np.ndarray,
    posture: Mapping[str, float],
    next_posture: Mapping[str, float],
) -> None:
    fingers, next_fingers = postures.finger_targets(posture), postures.finger_targets(next_posture)
    steps = int(seconds / model.opt.timestep)
    for step in range(1, steps + 1):
        done = step / steps
        data.ctrl[:6] = (1 - done) * base + done * then
        data.ctrl[6:] = (1 - done) * fingers + done * next_fingers
        mujoco.mj_step(model, data)
