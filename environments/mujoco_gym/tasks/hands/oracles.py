"""Policies of the hand that are written by hand."""

import numpy as np
import torch

from environments.mujoco_gym.robots.hand_postures import CONTROLS, GRASP_FROM, GRASPING, HIGH_ABOVE, REACHING
from environments.mujoco_gym.tasks.hands.base_task import DexHandBaseTask
from environments.mujoco_gym.tasks.hands.grasp import CONTACT, LIFT, DexGraspTask
from environments.mujoco_gym.tasks.hands.hand_task import HandTask
from environments.mujoco_gym.tasks.hands.in_hand import InHandTask

NEAR = 0.02
"""the base is over the box when its x, y and yaw are so near, m and rad"""
CARRIED_TO = 0.38
"""height of the base with the lifted box, m"""


def towards(world: HandTask, wanted: torch.Tensor) -> np.ndarray:
    """``(N, A) float32``: actions that bring the controls' targets to ``wanted (N, A)``, as fast as they may go."""
    wanted = torch.minimum(torch.maximum(wanted, world.control_low), world.control_high)
    start = world.target if world.config.control == "position_delta" else world.actions.offsets
    limit = world.config.actions.clip
    return ((wanted - start) / (world.actions.scales * world.config.actions.scale)).clamp(-limit, limit).numpy()


def hold_action(world: InHandTask) -> np.ndarray:
    """``(N, 22) float32``: the fingers' targets stay where they are, so that the cube does."""
    return towards(world, world.target)


def raise_action(world: DexHandBaseTask) -> np.ndarray:
    """``(N, 18) float32``: the hand goes up to its height; nothing else moves."""
    wanted = world.target.clone()
    wanted[:, 2] = world.config.target_height
    return towards(world, wanted)


def grasp_action(world: DexGraspTask) -> np.ndarray:
    """``(N, 18) float32``: over the box, down, close the fingers, up. It knows where the box is."""
    reaching, grasping = (
        world.constant([posture.get(name, 0.0) for name in CONTROLS]) for posture in (REACHING, GRASPING)
    )
    base = world.constant(GRASP_FROM).repeat(world.num_envs, 1)
    phase = world.phase[:, None]
    base[:, :2] = torch.where(phase < CONTACT, base[:, :2] + world.object_pos[:, :2], world.target[:, :2])
    off = (world.control_pos[:, [0, 1, 3]] - base[:, [0, 1, 3]]).abs().amax(1)
    base[:, 2] = torch.where((off > NEAR) & (world.phase < CONTACT), HIGH_ABOVE, base[:, 2])
    base[:, 2] = torch.where(world.phase == LIFT, CARRIED_TO, base[:, 2])
    fingers = torch.where(phase >= CONTACT, grasping, reaching)
    return towards(world, torch.cat([base, fingers], 1))
