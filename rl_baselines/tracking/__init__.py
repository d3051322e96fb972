"""Live plots and tracking services that mirror a training.

Only `rl_baselines.training` and commands import it.
"""
