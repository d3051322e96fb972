"""The study behind a search: its storage, samplers, and which workers are alive.

Only `rl_baselines.search` imports it.
"""
