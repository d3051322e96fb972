"""Omnirobot's rewards, as functions of arrays (one entry for each of N robots).

The tasks and their formulas are those of Traoré et al., "Continual Reinforcement Learning deployed in Real-life using
Policy Distillation and Sim2Real Transfer" (2019, arXiv:1906.04452), as its code has them, with two mends: the
displacement counts from the first move on, and the eight is a lemniscate.
"""

import numpy as np

from environments.omnirobot_gym.config import PATHS, OmnirobotConfig, Task


def term_names(config: OmnirobotConfig) -> tuple[str, ...]:
    """Names of the reward's terms, in the order of the functions' rows."""
    if config.shape_reward:
        return ("distance",)
    if config.task in PATHS:
        return ("path", "bump")
    if config.task is Task.ESCAPE:
        return ("apart", "caught", "bump")
    return ("target", "bump")


def path_deviation(task: Task, position: np.ndarray, radius: float) -> np.ndarray:
    """How far places are from a path around the origin; 0 on it.

    On the circle ``(‖p‖₂ - R)²``, on the square ``(‖p‖∞ - R)²``, on the lemniscate of Bernoulli with foci at (± R, 0)
    ``((x² + y²)² - 2 R² (x² - y²))²``. (The S-RL Toolbox forgot to square ``x² + y²`` in the last one.)

    Args:
        task: one of `PATHS`.
        position: ``(N, 2)``, metres.
        radius: R, metres.
    """
    x, y = position[:, 0], position[:, 1]
    if task is Task.SQUARE:
        return (np.maximum(np.abs(x), np.abs(y)) - radius) ** 2
    x2, y2 = x * x, y * y
    if task is Task.CIRCLE:
        return (np.sqrt(x2 + y2) - radius) ** 2
    return ((x2 + y2) ** 2 - 2 * radius**2 * (x2 - y2)) ** 2


def path_terms(config: OmnirobotConfig, position: np.ndarray, displacement: np.ndarray, bump: np.ndarray) -> np.ndarray:
    """``(2, N)``: ``λ (1 - path_deviation) D`` and ``-λ²`` for a bump.

    Args:
        position: ``(N, 2)``, metres.
        displacement: ``(N,)``, D: how far the robot is from where it was ``history`` moves ago, or from where the
            episode began, metres.
        bump: ``(N,) bool``
    """
    scale = config.reward_scale
    path = scale * (1 - path_deviation(config.task, position, config.radius)) * displacement
    return np.stack([path, np.where(bump, -(scale**2), 0.0)])


def target_terms(good: np.ndarray, bump: np.ndarray) -> np.ndarray:
    """``(2, N)``: 1 where it is ``good`` (at the target, or at the right distance of it), else -1 for a bump."""
    return np.stack([good.astype(np.float64), np.where(bump & ~good, -1.0, 0.0)])


def escape_terms(apart: np.ndarray, bump: np.ndarray) -> np.ndarray:
    """``(3, N)``: 1 where the robot is ``apart`` and did not bump, else -1: for being caught, or else for the bump."""
    return np.stack([(apart & ~bump).astype(np.float64), np.where(apart, 0.0, -1.0), np.where(apart & bump, -1.0, 0.0)])
