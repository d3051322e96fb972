"""A function of tensors on a few robots is recorded once, and then done by NumPy: to the same bits, in half the time.

It knows torch and NumPy, and no task; `environments.mujoco_gym.task` and its random numbers import it.
"""
