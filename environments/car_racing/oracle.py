"""A careful driver, who sees the track."""

import math

import numpy as np

from environments.car_racing.car_racing_env import CarRacingGymEnv

CRUISING_SPEED = 25.0
"""Speed on a straight, metres per second."""
STEER_LEFT, STEER_RIGHT, GAS, BRAKE = 1, 0, 2, 3
STRAIGHT_ENOUGH = 0.1
"""So far from the target's direction a driver with one control at a time thinks of the pedals, radians."""


def drive_action(env: CarRacingGymEnv) -> int | np.ndarray:
    """Steer at the target, keep the speed, slow down in bends."""
    error = steering_error(env)
    wanted = CRUISING_SPEED / (1 + 3 * abs(error))
    speed = float(env.ground_truth()[3])
    if env.config.is_discrete:
        if speed > wanted + 5:
            return BRAKE
        if abs(error) > STRAIGHT_ENOUGH or speed > wanted:
            return STEER_LEFT if error > 0 else STEER_RIGHT
        return GAS
    gas, brake = np.clip(((wanted - speed) / 10, (speed - wanted) / 40), 0, 0.3)
    return np.array((np.clip(-2 * error, -1, 1), gas, brake), np.float32)


def steering_error(env: CarRacingGymEnv) -> float:
    """Angle from where the car looks to the target, radians in [-pi, pi), to the left."""
    x, y, angle = env.car_pose()
    target_x, target_y = env.target_pos()
    return (math.atan2(x - target_x, target_y - y) - angle + math.pi) % (2 * math.pi) - math.pi
