"""The closed-form inverse kinematics against PyBullet's own forward kinematics."""

import itertools
import math

import numpy as np
import pybullet as p
import pytest

from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.kinematics import ELBOW_LIMIT, FOREARM, HAND, SHOULDER_HEIGHT, UPPER_ARM, joints_for
from environments.kuka_gym.robot import BASE_FRAME, N_ARM_JOINTS
from environments.kuka_gym.scene import KukaScene

FLANGE_LINK = 6


@pytest.fixture(scope="module")
def scene():
    scene = KukaScene(KukaButtonConfig(settle_steps=10))
    yield scene
    scene.close()


def flange(scene, joints):
    """Position and the direction of the hand's axis when the joints have these angles."""
    for joint, angle in enumerate(joints):
        p.resetJointState(scene.arm.body, joint, angle, physicsClientId=scene.client)
    state = p.getLinkState(scene.arm.body, FLANGE_LINK, 0, 1, scene.client)
    return np.array(state[4]), np.array(p.getMatrixFromQuaternion(state[5])).reshape(3, 3)


def test_reaches_every_goal_within_reach_with_the_hand_straight_down(scene):
    for x, y, z in itertools.product((0.45, 0.55, 0.65), (-0.3, 0.0, 0.22), (0.05, 0.25, 0.4)):
        position, axes = flange(scene, joints_for(x - BASE_FRAME[0], y - BASE_FRAME[1], z - BASE_FRAME[2]))
        np.testing.assert_allclose(position, (x, y, z), atol=1e-5)
        np.testing.assert_allclose(axes, np.diag([-1.0, 1.0, -1.0]), atol=1e-4)


def test_agrees_with_the_engines_iterative_solution(scene):
    goal, down = (0.6, 0.15, 0.2), p.getQuaternionFromEuler((0, -math.pi, 0))
    closed = joints_for(*np.subtract(goal, BASE_FRAME))
    flange(scene, np.array(closed) + 0.05)
    iterative = p.calculateInverseKinematics(
        scene.arm.body, FLANGE_LINK, goal, down, maxNumIterations=500, physicsClientId=scene.client
    )
    reached, _ = flange(scene, iterative[:N_ARM_JOINTS])
    np.testing.assert_allclose(reached, goal, atol=1e-3)
    position, _ = flange(scene, closed)
    np.testing.assert_allclose(position, goal, atol=1e-5)


def test_a_goal_out_of_reach_straightens_the_arm_towards_it():
    _, lean, _, elbow, _, _, _ = joints_for(3.0, 0.0, SHOULDER_HEIGHT - HAND)
    assert (lean, elbow) == pytest.approx((math.pi / 2, 0.0))


def test_a_goal_too_near_bends_the_elbow_to_its_limit():
    assert joints_for(0.2, 0.0, SHOULDER_HEIGHT - HAND)[3] == pytest.approx(-ELBOW_LIMIT)


def test_every_goal_has_finite_joints():
    reach = UPPER_ARM + FOREARM
    for goal in [(0, 0, 0), (0, 0, reach + SHOULDER_HEIGHT - HAND), (reach, 0, SHOULDER_HEIGHT - HAND), (-1, 1e-9, -5)]:
        assert np.isfinite(joints_for(*goal)).all()


@pytest.mark.parametrize("pose", [(0.0,) * 7, (0.0, math.pi / 2, 0.0, 0.0, 0.0, 0.0, 0.0)])
def test_a_fully_straight_arm_comes_back_to_its_goal(pose):
    config = KukaButtonConfig(settle_steps=10, random_target=True)
    scene = KukaScene(config)
    scene.restore(config.button_pos)
    for joint, angle in enumerate(pose):
        p.resetJointState(scene.arm.body, joint, angle, physicsClientId=scene.client)
    for _ in range(2000):
        scene.arm.move_effector(0.0, 0.001, -0.0005)
        scene.step()
    state = p.getLinkState(scene.arm.body, FLANGE_LINK, 0, 1, scene.client)
    scene.close()
    assert scene.arm.effector_goal == pytest.approx((0.537, 0.3, 0.0), abs=1e-9)
    np.testing.assert_allclose(state[4][:2], (0.537, 0.3), atol=0.03)
    assert state[4][2] < 0.15
