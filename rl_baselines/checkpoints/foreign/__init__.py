"""Models that Stable-Baselines3 and rl-zoo3 saved, read as checkpoints of SRL3, without running code from them.

Commands import `opened.open_checkpoint` in the place of `rl_baselines.checkpoints.archive.load_checkpoint`.
"""
