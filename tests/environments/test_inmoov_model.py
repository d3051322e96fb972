"""The humanoid's model: its URDF, its table of links and joints, its kinematics, its documentation."""

import itertools
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pybullet as p
import pytest

from environments.inmoov.model.body import FOREARM, HAND, UPPER_ARM, body, finger_closing_signs
from environments.inmoov.model.kinematics import N_SOLVED, ArmKinematics
from environments.inmoov.model.models import ROBOT_URDF, load_model, urdf_files
from environments.inmoov.pictures import main as draw_pictures
from environments.inmoov.robot import CONTROL_JOINTS, HAND_LINK, JOINTS, RIGHT_ARM
from srl3.errors import UserError

QUARTER = 1.57
LIMITS = {
    "waist_rotate": (-1.222, 1.222),
    "waist_lean": (-0.524, 0.524),
    "head_tilt": (-1.57, 1.57),
    "head_updown": (-1.57, 1.57),
    "head_leftright": (-1.571, 1.571),
    "jaw": (0, 0.15),
    "eyes_updown": (-0.45, 0.45),
    "eye_leftright": (-0.45, 0.45),
    "left_eye_leftright": (-0.45, 0.45),
    "right_shoulder_side": (-1.571, 1.571),
    "right_shoulder_up": (-1.571, 1.571),
    "right_bicep_rotate": (-1.571, 1.571),
    "right_bicep": (-1.571, 0),
    "right_hand": (-3.14, 0),
    "left_shoulder_side": (-math.pi, math.pi),
    "left_shoulder_up": (-math.pi, math.pi),
    "left_bicep_rotate": (-math.pi, math.pi),
    "left_bicep": (-1.571, 0),
    "left_hand": (-math.pi, math.pi),
}
OPENS_TOWARDS_ZERO = ("index1", "index", "index3", "middle", "middle3", "ring", "pinky")
"""Finger joints whose range is -1.57 to 0; the others have 0 to 1.57."""
FINGER_JOINTS = (
    *("thumb1", "thumb", "thumb3", "index1", "index", "index3", "middle1", "middle", "middle3"),
    *("ring1", "ring", "ring3", "ring4", "pinky1", "pinky", "pinky3", "pinky4"),
)


@pytest.fixture(scope="module")
def robot():
    client = p.connect(p.DIRECT)
    yield client, load_model(ROBOT_URDF, client)
    p.disconnect(client)


def test_the_files_are_what_the_tables_give():
    for path, text in urdf_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python -m environments.inmoov.urdf"


def test_fifty_three_revolute_joints_with_the_models_names_and_limits(robot):
    client, number = robot
    limits = dict(LIMITS)
    for side, name in itertools.product(("right", "left"), FINGER_JOINTS):
        limits[f"{side}_{name}"] = (-QUARTER, 0) if name in OPENS_TOWARDS_ZERO else (0, QUARTER)
    found, speeds = {}, {}
    for joint in range(p.getNumJoints(number, physicsClientId=client)):
        info = p.getJointInfo(number, joint, physicsClientId=client)
        assert (info[2], info[10]) == (p.JOINT_REVOLUTE, 1000)
        found[info[1].decode()] = info[8:10]
        speeds[info[1].decode()] = info[11]
    assert len(found) == 53
    assert found.keys() == limits.keys()
    for name, bounds in limits.items():
        assert found[name] == pytest.approx(bounds, abs=5e-4), name
    assert list(found)[9:14] == list(RIGHT_ARM)
    odd = {name: speed for name, speed in speeds.items() if speed != 0.5}
    assert odd == {
        "head_leftright": 99,
        **{f"{side}_shoulder_side": 0.6 for side in ("right", "left")},
        **{f"{side}_shoulder_up": 0.1 for side in ("right", "left")},
    }


def test_thirteen_control_joints():
    assert len(CONTROL_JOINTS) == len(set(CONTROL_JOINTS)) == 13
    assert set(CONTROL_JOINTS) <= set(JOINTS)


def test_a_person_of_one_metre_seventy_five(robot):
    client, number = robot
    lowest, highest = zip(
        *(p.getAABB(number, link, physicsClientId=client) for link in range(-1, 53)), strict=True
    )  # links without a solid shape have an empty box at their centre
    assert np.max(highest, axis=0)[2] == pytest.approx(1.75, abs=0.02)
    span = np.max(highest, axis=0)[1] - np.min(lowest, axis=0)[1]
    assert 0.5 < span < 0.7
    for length, expected in ((UPPER_ARM, 0.3255), (FOREARM, 0.2555), (HAND, 0.189)):
        assert length == pytest.approx(expected)
    masses = {link.name: link.mass for link in body()[0]}
    assert 20 < sum(mass for name, mass in masses.items() if name != "stand") < 30
    assert all(mass > 0 for mass in masses.values())


def test_fingers_close_towards_the_palm(robot):
    client, number = robot
    for side in ("right", "left"):
        for name, sign in finger_closing_signs(side).items():
            p.resetJointState(number, list(JOINTS).index(name), sign * 0.6, physicsClientId=client)
        wrist = np.array(p.getLinkState(number, list(JOINTS).index(f"{side}_hand"), 0, 1, client)[4])
        # at angle 0 the palms look forwards, along x
        for finger in ("thumb3", "index3", "middle3", "ring4", "pinky4"):
            tip = p.getLinkState(number, list(JOINTS).index(f"{side}_{finger}"), 0, 1, client)[0]
            assert (tip - wrist)[0] > (0.01 if finger == "thumb3" else 0.02), (
                side,
                finger,
            )


def test_both_sides_mirror_each_other(robot):
    client, number = robot
    for joint, part in enumerate(("shoulder_side", "shoulder_up", "bicep_rotate", "bicep", "hand")):
        for side in ("right", "left"):
            angle = (0.4, 0.5, 0.3, -0.9, -1.1)[joint]
            p.resetJointState(number, list(JOINTS).index(f"{side}_{part}"), angle, physicsClientId=client)
    for name in JOINTS:
        if name.startswith("right_"):
            right, left = (
                p.getLinkState(number, list(JOINTS).index(which), 0, 1, client)[0]
                for which in (name, name.replace("right_", "left_"))
            )
            np.testing.assert_allclose(np.multiply(right, (1, -1, 1)), left, atol=1e-6)


def test_welded_joints_keep_their_angle(robot):
    client, _ = robot
    free, welded = load_model(ROBOT_URDF, client), load_model(ROBOT_URDF, client, {"right_bicep": -1.0})
    elbow = list(JOINTS).index("right_bicep")
    p.resetJointState(free, elbow, -1.0, physicsClientId=client)
    assert p.getJointInfo(welded, elbow, physicsClientId=client)[2] == p.JOINT_FIXED
    one, two = (p.getLinkState(which, HAND_LINK, 0, 1, client)[0] for which in (free, welded))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UserError, match=r"no\.urdf is missing"):
        load_model(tmp_path / "no.urdf", 0)


# kinematics


@pytest.mark.parametrize("side", ["right", "left"])
def test_hand_position_and_jacobian_agree_with_the_engine(robot, side):
    client, number = robot
    kinematics = ArmKinematics(side)
    rng = np.random.default_rng(0)
    indices = [list(JOINTS).index(joint.name) for joint in kinematics.joints]
    for _ in range(20):
        angles = [float(rng.uniform(joint.low, joint.high)) for joint in kinematics.joints]
        for index, angle in zip(indices, angles, strict=True):
            p.resetJointState(number, index, angle, physicsClientId=client)
        hand = p.getLinkState(number, indices[-1], 0, 1, client)[0]
        np.testing.assert_allclose(kinematics.hand_pos(angles), hand, atol=1e-6)
        for joint, column in enumerate(kinematics.jacobian(angles)):
            ahead, behind = list(angles), list(angles)
            ahead[joint] += 1e-5
            behind[joint] -= 1e-5
            slope = np.subtract(kinematics.hand_pos(ahead), kinematics.hand_pos(behind)) / 2e-5
            np.testing.assert_allclose(column, slope, atol=1e-8)


def test_inverse_kinematics_reaches_goals_and_keeps_the_limits():
    kinematics = ArmKinematics()
    bounds = [(joint.low, joint.high) for joint in kinematics.joints[:N_SOLVED]]
    rest = (0.15, 0.0, 0.0, -1.2)
    for goal in itertools.product((0.42, 0.5), (-0.4, -0.2, 0.0), (1.0, 1.15)):
        angles = kinematics.step_towards((*rest, -1.57), goal, rest, bounds, iterations=200)
        assert math.dist(kinematics.hand_pos(angles), goal) < 0.02
        assert all(low <= angle <= high for angle, (low, high) in zip(angles, bounds, strict=False))
        assert angles[4] == -1.57


@pytest.mark.parametrize("goal", [(3.0, -1.0, 1.0), (0.0, 0.0, 1.4), (0.6, -0.2, 5.0), (-1.0, -0.2, 1.4)])
@pytest.mark.parametrize("start", [(0.0,) * 5, (1.571, 1.571, -1.571, -1.571, -3.14), (-1.571, 0.0, 0.0, 0.0, 0.0)])
def test_a_goal_out_of_reach_and_a_straight_arm_do_no_harm(goal, start):
    kinematics = ArmKinematics()
    bounds = [(joint.low, joint.high) for joint in kinematics.joints[:N_SOLVED]]
    angles = list(start)
    for _ in range(300):
        before, angles = angles, kinematics.step_towards(angles, goal, (0.15, 0, 0, -1.2), bounds, iterations=1)
        assert np.isfinite(angles).all()
        assert all(low <= angle <= high for angle, (low, high) in zip(angles, bounds, strict=False))
    assert max(abs(now - then) for now, then in zip(angles, before, strict=True)) < 0.05


# documentation


def test_the_documentation_lists_every_joint():
    text = (Path(__file__).parents[2] / "docs" / "inmoov.md").read_text(encoding="utf-8")
    links = {link.name: link for link in body()[0]}
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if line.startswith("|") and cells[0].isdigit():
            rows[cells[1]] = cells
    assert rows.keys() == JOINTS.keys()
    for name, joint in JOINTS.items():
        low, high, speed, mass = map(float, rows[name][2:6])
        assert (low, high, speed) == (joint.low, joint.high, joint.velocity)
        assert mass == pytest.approx(links[joint.child].mass, abs=5e-4)


def test_pictures_show_the_robot(tmp_path):
    import cv2

    draw_pictures(["--folder", str(tmp_path)])
    names = {"front", "side", "back", "camera", "head"}
    assert {path.name for path in tmp_path.iterdir()} == {f"inmoov_{name}.png" for name in names}
    for name in names:
        picture = cv2.imread(str(tmp_path / f"inmoov_{name}.png"))
        assert picture.shape == (480, 480, 3)
        assert np.unique(picture.reshape(-1, 3), axis=0).shape[0] > 100


def test_every_link_has_one_parent():
    tree = ET.parse(ROBOT_URDF)
    children = [joint.find("child").attrib["link"] for joint in tree.iter("joint")]
    assert len(children) == len(set(children)) == len(list(tree.getroot().findall("link"))) - 1
