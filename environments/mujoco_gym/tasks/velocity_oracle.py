"""A trot written by hand: diagonal pairs of feet step in turn, as far as the command asks for."""

import math

import numpy as np
import torch

from environments.mujoco_gym.robots.quadruped import CALF, HIP_OFFSET, HIP_PLACE, HOME, LEGS
from environments.mujoco_gym.tasks.velocity import VelocityFlatTask

FREQUENCY = 3.5
"""steps of a foot per second"""
LIFT = 0.05
"""of a foot in its swing, m"""
REACH = 1.6
"""how much longer steps are than the command, since feet slip and joints give way"""
STAND = 2 * CALF * math.cos(HOME["thigh"])
"""from hip to foot in the default pose, m"""
SIGNS = torch.tensor(list(LEGS.values()), dtype=torch.float32)
PHASES = torch.tensor([0.0, 0.5, 0.5, 0.0])
"""of the legs, in steps"""


def trot_action(world: VelocityFlatTask) -> np.ndarray:
    """``(N, 12) float32``: the joints' targets in the next step, as actions."""
    phase = (world.elapsed.float()[:, None] * world.control_dt * FREQUENCY + PHASES) % 1
    vx, vy, turn = (part[:, None] for part in world.command.unbind(1))
    leg_x, leg_y = SIGNS[:, 0] * HIP_PLACE[0], SIGNS[:, 1] * (HIP_PLACE[1] + HIP_OFFSET)
    step_x, step_y = (REACH * speed / (2 * FREQUENCY) for speed in (vx - turn * leg_y, vy + turn * leg_x))
    swings = phase < 0.5
    # in its swing a foot goes from -1/2 to 1/2 of its step, on the ground back
    along = torch.where(swings, -0.5 * torch.cos(2 * math.pi * phase), 1.5 - 2 * phase)
    lift = torch.where(swings, LIFT * torch.sin(2 * math.pi * phase), torch.zeros_like(phase)) * world.moves[:, None]
    x, y, down = along * step_x, along * step_y, STAND - lift
    leg = torch.sqrt(x * x + down * down).clamp(max=1.99 * CALF)
    bend = torch.acos(leg / (2 * CALF))
    hip = SIGNS[:, 1] * HOME["hip"] + torch.atan2(y, down)
    targets = torch.stack([hip, torch.atan2(-x, down) + bend, -2 * bend], 2).flatten(1)
    action = (targets - world.actions.offsets) / (world.actions.scales * world.actions.config.scale)
    return action.clamp(-world.config.actions.clip, world.config.actions.clip).numpy()
