"""Using a learned representation: frames to states, and back to pictures.

Judging, plots, checkpoints and `rl_baselines.vec_envs` import it.
"""
