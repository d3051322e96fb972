"""What acts in a slot and where it comes from: agents, checkpoints that are watched, loaded and chosen.

`rl_baselines.play.core` and panels import it.
"""
