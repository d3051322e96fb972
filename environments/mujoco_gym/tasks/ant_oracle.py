"""A gait for the ant that keeps its course: sines for the joints, whose few numbers were found by random search."""

import math

import numpy as np
import torch

from environments.mujoco_gym.maths import yaw_of
from environments.mujoco_gym.tasks.locomotion import AntTask

FREQUENCY = 2.4598
"""steps of a leg per second"""
PHASES = (1.1782, 6.0514, 3.0566, -0.7869)
"""of the four legs, rad"""
HIP_SWING = (-0.2934, 0.0637, 0.7460, 0.3288)
"""of the four hips, as a share of half their range"""
ANKLE_LAG, ANKLE_SWING, ANKLE_BEND = 3.2797, 0.7871, 0.1135
"""behind the hip, rad; as shares of half their range"""
STIFFNESS, DAMPING = 1.1935, 0.05
"""of the joints about the gait, as a share of the motors' torque per rad and per rad/s"""
STEERING = (0.1459, -0.6749)
"""what the hips add, in phase and a quarter ahead, for 1 rad off course"""
COURSE = 0.1
"""rad to turn back for each metre off the x axis"""


def gait_action(world: AntTask) -> np.ndarray:
    """``(N, 8) float32``: what each ant's motors do in its next step."""
    phase = 2 * math.pi * FREQUENCY * world.control_dt * world.elapsed.float()[:, None] + torch.tensor(PHASES)
    off_course = (-yaw_of(world.base_quat) - COURSE * world.base_pos[:, 1]).clamp(-1, 1)[:, None]
    swing, quarter = torch.sin(phase), torch.cos(phase)
    hips = (torch.tensor(HIP_SWING) + STEERING[0] * off_course) * swing + STEERING[1] * off_course * quarter
    ankles = (ANKLE_BEND + ANKLE_SWING * torch.sin(phase + ANKLE_LAG)) * torch.sign(world.default_joint_pos[1::2])
    shares = torch.stack([hips, ankles], 2).flatten(1)
    target = (world.joint_high + world.joint_low + (world.joint_high - world.joint_low) * shares) / 2
    action = STIFFNESS * (target - world.joint_pos) - DAMPING * world.joint_vel
    return action.clamp(-1, 1).numpy()
