"""Wrappers that presets name: made around worlds, and their state in checkpoints.

`rl_baselines.vec_envs.create` and its workers import it.
"""
