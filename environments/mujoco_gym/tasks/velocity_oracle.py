"""A trot written by hand: diagonal pairs of feet step in turn, as far as the command and the own velocity ask for.

Its numbers were found by a search over robots on the plane (cross-entropy method: much reward, little error, no falls).
"""

import math

import numpy as np
import torch

from environments.mujoco_gym.robots.quadruped import CALF, HIP_OFFSET, HIP_PLACE, HOME, LEGS
from environments.mujoco_gym.tasks.velocity import VelocityFlatTask

PHASES = 48
"""moments of a step that are told apart"""
PACE = 3
"""how many of them pass in a control step of 20 ms: a foot makes 3.125 steps a second"""
LAG = 3
"""how many of them joints are behind their targets, in a control step"""
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
PAIRS = torch.tensor([0.0, 0.5, 0.5, 0.0])
"""how far the legs are ahead of one another, in steps"""


def trot_action(world: VelocityFlatTask) -> np.ndarray:
    """``(N, 12) float32``: the joints' targets in the next step, as actions.

    Where a robot is in its step is what its last action and its joints look most like, so that a policy that sees these
    can do the same without a clock.
    """
    targets = _steps(world)
    last = world.actions.newest * world.actions.scales * world.actions.config.scale + world.actions.offsets
    unlike = (targets - last[:, None]).square().sum(2)
    unlike += (targets.roll(LAG, 1) - world.joint_pos[:, None]).square().sum(2)
    now = (unlike.argmin(1) + PACE) % PHASES
    wanted = targets[torch.arange(len(now), device=now.device), now]
    action = (wanted - world.actions.offsets) / (world.actions.scales * world.actions.config.scale)
    return action.clamp(-world.config.actions.clip, world.config.actions.clip).cpu().numpy()


def _steps(world: VelocityFlatTask) -> torch.Tensor:
    """``(N, PHASES, 12)``: joint targets, rad, all through a step as command and velocity ask for it now."""
    device = world.command.device
    signs, pairs, reach, level, level_rate = (
        constant.to(device) for constant in (SIGNS, PAIRS, REACH, LEVEL, LEVEL_RATE)
    )
    moves = world.moves[:, None]
    wanted = reach * world.command
    wanted[:, :2] += CORRECTION * (world.command[:, :2] - world.base_lin_vel[:, :2])
    wanted[:, 0] += AHEAD + AHEAD_ASIDE * world.command[:, 1].abs()
    wanted[:, 2] += TURN_ASIDE * world.command[:, 1]
    vx, vy, turn = (part[:, None] for part in (moves * wanted).unbind(1))
    leg_x, leg_y = signs[:, 0] * HIP_PLACE[0], signs[:, 1] * (HIP_PLACE[1] + HIP_OFFSET)
    ground_time = (1 - SWING) * PHASES / PACE * world.control_dt
    step_x, step_y = (speed * ground_time for speed in (vx - turn * leg_y, vy + turn * leg_x))

    # half a moment late, so that no two moments look alike where a robot steps on the spot
    phase = ((torch.arange(PHASES, device=device)[:, None] + 0.5) / PHASES + pairs) % 1
    in_air = (phase / SWING).clamp(max=1)
    on_ground = (phase - SWING) / (1 - SWING)
    along = torch.where(phase < SWING, _swing(in_air), 0.5 - on_ground)
    lift = LIFT * torch.sin(math.pi * in_air) * moves[:, None]
    lean = (world.projected_gravity[:, None, :2] * signs * level).sum(2)
    lean = lean - (world.base_ang_vel[:, None, [1, 0]] * signs * level_rate).sum(2)
    x, y = along * step_x[:, None], along * step_y[:, None] - NARROWER * signs[:, 1]
    down = STAND - lift - lean[:, None]
    leg = torch.sqrt(x * x + down * down).clamp(max=1.99 * CALF)
    bend = torch.acos(leg / (2 * CALF))
    hip = signs[:, 1] * HOME["hip"] + torch.atan2(y, down)
    return torch.stack([hip, torch.atan2(-x, down) + bend, -2 * bend], 3).flatten(2)


def _swing(share: torch.Tensor) -> torch.Tensor:
    """Where a foot is in its swing, in steps from -1/2 to 1/2: the cubic that has the velocities at both ends."""
    slope = -TOUCHDOWN * SWING / (1 - SWING)
    square, cube = share.square(), share**3
    return -0.5 + 3 * square - 2 * cube + slope * (share - 3 * square + 2 * cube)
