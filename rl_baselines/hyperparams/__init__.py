"""Hyperparameters: what they may be, presets, schedules, ``policy_kwargs``, ranges of a search.

All of `rl_baselines` may import it; it imports nothing of it.
"""
