"""Trajectories that were recorded during a training: what they are, their files, and recording them.

`rl_baselines.training` and `enjoy` import it to record, `rl_baselines.play` to show.
"""
