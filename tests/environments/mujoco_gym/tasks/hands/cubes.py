"""Cubes in hands for tests: where they lie, what is paid."""

import torch

from environments.mujoco_gym.maths import (
    rotate,
    turned,
)

REORIENT, ROTATE = "ParaHandReorientGymEnv-v0", "ParaHandRotateZGymEnv-v0"
QUIET = {"joint_noise": 0.0, "start_noise": 0.0}


def put(world, offset=(0.0, 0.0, 0.0), turn=(1.0, 0.0, 0.0, 0.0), ang_vel=(0.0, 0.0, 0.0), joints=None):
    """The cube at ``offset`` from its place (palm frame, m), turned from the world's axes, the hand as given."""
    world.set_robot(joints)
    world.backend.forward(world.rows)
    world.state_changed()
    hold = world.constant(world.config.hold_place) + world.constant(offset)
    place = world.palm_pos + rotate(world.palm_quat, hold.repeat(world.num_envs, 1))
    world.put_object(place, world.constant(turn).repeat(world.num_envs, 1))
    velocity = world.exact("qvel").clone()
    velocity[:, world.pushed_velocity() + 3 : world.pushed_velocity() + 6] = torch.tensor(ang_vel).double()
    world.backend.write("qvel", velocity)
    world.backend.forward(world.rows)
    world.state_changed()


def rewards(world):
    return {name: values[0].item() for name, values in world.compute_task_rewards().items()}


def about(axis, angle):
    return turned(torch.tensor([[angle if index == axis else 0.0 for index in range(3)]]))[0].tolist()
