"""What looks on during a training: episode log, progress bar, live plots, checkpoints.

Only `rl_baselines.training` imports it.
"""
