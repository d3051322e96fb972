"""What ``rl_baselines.benchmark`` measures, and how.

Only the command imports it.
"""
