"""Rows of ``benchmark train`` about ``batched_ppo``: against its world, plain Stable-Baselines3 and other trainers.

The catalogue names them; they import the parts of trainings, and each other only downwards (`sides`).
"""
