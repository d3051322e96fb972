"""How fast the Kuka world is, against its bare engine in the same minute on the same core."""

import math
import statistics
import time

import pybullet as p
import pytest

from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from environments.kuka_gym.robot import GRIPPER_LINK, N_ARM_JOINTS

STEPS = 200

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def env():
    env = KukaButtonGymEnv(srl_model="ground_truth")
    yield env
    env.close()


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_a_step_costs_little_more_than_a_bare_loop(env):
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(STEPS)]
    env.reset(seed=0)
    goals = []
    for action in actions:
        env.step(action)
        goals.append(env._arm.effector_goal)
    client, arm, config = env._scene.client, env._arm.body, env.config
    down = p.getQuaternionFromEuler((0, -math.pi, 0))

    def ours():
        for action in actions:
            env.step(action)

    def bare():
        for goal in goals:
            joints = p.calculateInverseKinematics(arm, 6, goal, down, physicsClientId=client)
            for joint in range(N_ARM_JOINTS):
                p.setJointMotorControl2(
                    arm,
                    joint,
                    p.POSITION_CONTROL,
                    targetPosition=joints[joint],
                    force=config.max_force,
                    maxVelocity=config.max_velocity,
                    positionGain=config.position_gain,
                    velocityGain=config.velocity_gain,
                    physicsClientId=client,
                )
            p.stepSimulation(client)
            p.getLinkState(arm, GRIPPER_LINK, physicsClientId=client)
            p.getContactPoints(arm, physicsClientId=client)

    ratios = []
    for _ in range(5):
        env.reset(seed=0)
        mine = seconds(ours)
        env.reset(seed=0)
        ratios.append(seconds(bare) / mine)
    assert statistics.median(ratios) >= 0.8


def test_a_reset_costs_at_most_a_tenth_of_settling(env):
    def settle():
        for _ in range(500):
            p.stepSimulation(env._scene.client)

    def reset():
        for _ in range(5):
            env.reset()

    ratios = []
    for _ in range(5):
        env.reset(seed=0)
        settling = seconds(settle)
        ratios.append(seconds(reset) / 5 / settling)
    assert statistics.median(ratios) <= 0.1
