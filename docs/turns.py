"""How fast a policy of ParaHandReorient turns cubes about fixed axes of the world, and how many are stuck.

    python -m docs.turns logs/ParaHandReorientGymEnv-v0 --lead 1

Goals stay ahead of the cubes for twelve seconds, each about its own axis: the three of the world and the four
diagonals, both ways. What counts is how far cubes have turned about that axis after each second: one that rocks or
wobbles comes back to where it was. Those that come on by less than a tenth of a radian a second are said to be stuck.
"""

import math

import numpy as np
import torch

from docs.trained import judge_arguments, opened
from environments.mujoco_gym.maths import turning_of
from environments.mujoco_gym.tasks.hands.in_hand import turn_between
from environments.mujoco_gym.tasks.hands.in_hand_config import ReorientConfig
from srl3.errors import UserError, run_command

AXES = {
    **{
        f"{sign}{axis}": [(1.0 if sign == "+" else -1.0) * (axis == other) for other in "xyz"]
        for axis in "xyz"
        for sign in "+-"
    },
    **{
        f"{'+-'[x < 0]}x{'+-'[y < 0]}y{'+-'[z < 0]}z": [x, y, z]
        for z in (1.0, -1.0)
        for y in (1.0, -1.0)
        for x in (1.0, -1.0)
    },
}
"""by name; x is toward the fingers, z upward"""
SECONDS, FROM_SECOND = 12, 2
STUCK = 0.1
"""rad/s"""


def main(argv: list[str] | None = None) -> None:
    parser = judge_arguments("python -m docs.turns", __doc__, 20 * len(AXES))
    parser.add_argument("--lead", type=float, default=1.0, help="how far goals are ahead, rad (default: 1)")
    chosen = parser.parse_args(argv)
    if not 0 < chosen.lead <= math.pi:
        raise UserError(f"--lead must be above 0 and at most pi, not {chosen.lead:g}.")
    ahead = {"goal_ahead_range": [chosen.lead, chosen.lead], "axis_seconds": 1000.0, "max_steps": 1000}
    world, policy = opened(chosen, ahead, only=ReorientConfig.env_id)
    axes = torch.tensor(list(AXES.values()))
    axes = axes / torch.linalg.norm(axes, dim=1, keepdim=True)
    which = torch.arange(chosen.robots) % len(axes)
    world.lead_about(axes[which])
    every = round(1 / world.control_dt)
    held = torch.ones(chosen.robots, dtype=torch.bool)
    starts = np.ones(chosen.robots, dtype=bool)
    turned, last = [], world.object_quat.clone()
    for step in range(SECONDS * every):
        held &= ~world.step(torch.as_tensor(policy(world, starts))).terminated
        starts = np.zeros(chosen.robots, dtype=bool)
        if (step + 1) % every == 0:
            turned.append((turning_of(turn_between(last, world.object_quat)) * axes[which]).sum(1))
            last = world.object_quat.clone()
    world.close()
    speed = torch.stack(turned[FROM_SECOND:]).mean(0)
    for number, name in enumerate(AXES):
        mine = which == number
        kept = speed[mine & held]
        dropped = 1 - held[mine].float().mean()
        if not len(kept):
            print(f"{name}: dropped 100 %")
            continue
        still = (kept < STUCK).float().mean()
        print(f"{name}: {kept.mean():.2f} rad/s, stuck {100 * still:.0f} %, dropped {100 * dropped:.0f} %")


if __name__ == "__main__":
    run_command(main)
