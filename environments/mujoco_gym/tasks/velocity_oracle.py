"""A trot written by hand: diagonal pairs of feet step in turn, as far as the command and the own velocity ask for.

Its numbers were found by a search over robots on the plane (cross-entropy method: much reward, little error, no falls).
"""

import math

import numpy as np
import torch

from environments.mujoco_gym.robots.quadruped import CALF, HIP_OFFSET, HIP_PLACE, HOME, LEGS
from environments.mujoco_gym.tasks.velocity import VelocityFlatTask

FREQUENCY = 3.13
"""steps of a foot per second"""
SWING = 0.48
"""share of a step in which the foot is in the air"""
TOUCHDOWN = 0.51
"""velocity of a foot where its swing begins and ends, as a share of its velocity on the ground"""
LIFT = 0.046
"""of a foot in its swing, m"""
REACH = torch.tensor([1.0, 0.8, 1.47])
"""how much longer steps are than the command, since feet slip and joints give way: ahead, aside, turning"""
CORRECTION = 0.25
"""of a step, for each m/s that the robot is slower than the command"""
AHEAD, AHEAD_ASIDE, TURN_ASIDE = 0.083, 0.065, -0.4
"""what the trot drifts back, m/s, how much more for each m/s aside, and how that turns it, rad/s"""
LEVEL = torch.tensor([0.078, 0.032])
"""how much shorter a leg becomes on the lower side, for each unit that gravity points ahead and aside, m"""
LEVEL_RATE = torch.tensor([0.009, -0.005])
"""the same for each rad/s of pitch and roll"""
STAND = 2 * CALF * math.cos(HOME["thigh"]) - 0.036
"""from hip to foot while standing, m"""
NARROWER = 0.025
"""how much nearer to the middle the feet stand than the hips' default has them, m"""
SIGNS = torch.tensor(list(LEGS.values()), dtype=torch.float32)
PHASES = torch.tensor([0.0, 0.5, 0.5, 0.0])
"""of the legs, in steps"""


def trot_action(world: VelocityFlatTask) -> np.ndarray:
    """``(N, 12) float32``: the joints' targets in the next step, as actions."""
    device = world.command.device
    signs, phases, reach, level, level_rate = (
        constant.to(device) for constant in (SIGNS, PHASES, REACH, LEVEL, LEVEL_RATE)
    )
    moves = world.moves[:, None]
    wanted = reach * world.command
    wanted[:, :2] += CORRECTION * (world.command[:, :2] - world.base_lin_vel[:, :2])
    wanted[:, 0] += AHEAD + AHEAD_ASIDE * world.command[:, 1].abs()
    wanted[:, 2] += TURN_ASIDE * world.command[:, 1]
    vx, vy, turn = (part[:, None] for part in (moves * wanted).unbind(1))
    leg_x, leg_y = signs[:, 0] * HIP_PLACE[0], signs[:, 1] * (HIP_PLACE[1] + HIP_OFFSET)
    ground_time = (1 - SWING) / FREQUENCY
    step_x, step_y = (speed * ground_time for speed in (vx - turn * leg_y, vy + turn * leg_x))

    phase = (world.elapsed.float()[:, None] * world.control_dt * FREQUENCY + phases) % 1
    in_air = (phase / SWING).clamp(max=1)
    on_ground = (phase - SWING) / (1 - SWING)
    along = torch.where(phase < SWING, _swing(in_air), 0.5 - on_ground)
    lift = LIFT * torch.sin(math.pi * in_air) * moves
    lean = (world.projected_gravity[:, None, :2] * signs * level).sum(2)
    lean = lean - (world.base_ang_vel[:, None, [1, 0]] * signs * level_rate).sum(2)
    x, y, down = along * step_x, along * step_y - NARROWER * signs[:, 1], STAND - lift - lean
    leg = torch.sqrt(x * x + down * down).clamp(max=1.99 * CALF)
    bend = torch.acos(leg / (2 * CALF))
    hip = signs[:, 1] * HOME["hip"] + torch.atan2(y, down)
    targets = torch.stack([hip, torch.atan2(-x, down) + bend, -2 * bend], 2).flatten(1)
    action = (targets - world.actions.offsets) / (world.actions.scales * world.actions.config.scale)
    return action.clamp(-world.config.actions.clip, world.config.actions.clip).cpu().numpy()


def _swing(share: torch.Tensor) -> torch.Tensor:
    """Where a foot is in its swing, in steps from -1/2 to 1/2: the cubic that has the velocities at both ends."""
    slope = -TOUCHDOWN * SWING / (1 - SWING)
    square, cube = share.square(), share**3
    return -0.5 + 3 * square - 2 * cube + slope * (share - 3 * square + 2 * cube)
