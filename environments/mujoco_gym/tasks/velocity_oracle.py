"""A trot written by hand: diagonal pairs of feet step in turn, as far as the command and the own velocity ask for.

Its numbers were found by a search over robots on the plane (cross-entropy method: little error, no falls).
"""

import math

import numpy as np
import torch

from environments.mujoco_gym.robots.quadruped import CALF, HIP_OFFSET, HIP_PLACE, HOME, LEGS
from environments.mujoco_gym.tasks.velocity import VelocityFlatTask

FREQUENCY = 3.6
"""steps of a foot per second"""
LIFT = 0.048
"""of a foot in its swing, m"""
REACH = torch.tensor([1.29, 0.92, 1.5])
"""how much longer steps are than the command, since feet slip and joints give way: ahead, aside, turning"""
CORRECTION = 0.42
"""of a step, for each m/s that the robot is slower than the command"""
AHEAD, AHEAD_ASIDE, TURN_ASIDE = 0.07, 0.1, -0.42
"""what the trot drifts back, m/s, how much more for each m/s aside, and how that turns it, rad/s"""
LEVEL = torch.tensor([0.095, 0.05])
"""how much shorter a leg becomes on the lower side, for each unit that gravity points ahead and aside, m"""
STAND = 2 * CALF * math.cos(HOME["thigh"]) - 0.029
"""from hip to foot while standing, m"""
SIGNS = torch.tensor(list(LEGS.values()), dtype=torch.float32)
PHASES = torch.tensor([0.0, 0.5, 0.5, 0.0])
"""of the legs, in steps"""


def trot_action(world: VelocityFlatTask) -> np.ndarray:
    """``(N, 12) float32``: the joints' targets in the next step, as actions."""
    device = world.command.device
    signs, phases, reach, level = (constant.to(device) for constant in (SIGNS, PHASES, REACH, LEVEL))
    moves = world.moves[:, None]
    wanted = reach * world.command
    wanted[:, :2] += CORRECTION * (world.command[:, :2] - world.base_lin_vel[:, :2])
    wanted[:, 0] += AHEAD + AHEAD_ASIDE * world.command[:, 1].abs()
    wanted[:, 2] += TURN_ASIDE * world.command[:, 1]
    vx, vy, turn = (part[:, None] for part in (moves * wanted).unbind(1))
    leg_x, leg_y = signs[:, 0] * HIP_PLACE[0], signs[:, 1] * (HIP_PLACE[1] + HIP_OFFSET)
    step_x, step_y = (speed / (2 * FREQUENCY) for speed in (vx - turn * leg_y, vy + turn * leg_x))
    phase = (world.elapsed.float()[:, None] * world.control_dt * FREQUENCY + phases) % 1
    swings = phase < 0.5
    # in its swing a foot goes from -1/2 to 1/2 of its step, on the ground back
    along = torch.where(swings, -0.5 * torch.cos(2 * math.pi * phase), 1.5 - 2 * phase)
    lift = torch.where(swings, LIFT * torch.sin(2 * math.pi * phase), torch.zeros_like(phase)) * moves
    lean = (world.projected_gravity[:, None, :2] * signs * level).sum(2)
    x, y, down = along * step_x, along * step_y, STAND - lift - lean
    leg = torch.sqrt(x * x + down * down).clamp(max=1.99 * CALF)
    bend = torch.acos(leg / (2 * CALF))
    hip = signs[:, 1] * HOME["hip"] + torch.atan2(y, down)
    targets = torch.stack([hip, torch.atan2(-x, down) + bend, -2 * bend], 2).flatten(1)
    action = (targets - world.actions.offsets) / (world.actions.scales * world.actions.config.scale)
    return action.clamp(-world.config.actions.clip, world.config.actions.clip).cpu().numpy()
