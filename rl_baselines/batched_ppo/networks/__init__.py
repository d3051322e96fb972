"""Actor and critic: their layers, distributions, memories, normaliser, and their form in plain Stable-Baselines3.

The rest of `rl_baselines.batched_ppo`, acting and export import it.
"""
