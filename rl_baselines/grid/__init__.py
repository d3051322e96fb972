"""Grids of trainings: which runs there are, what became of each, and running several at a time.

Only ``rl_baselines.pipeline`` imports it.
"""
