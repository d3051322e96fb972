"""Datasets of episodes: what a robot saw, did and earned; for learning representations and for distillation.

Commands, representations and recorded policies import it; no world does.
"""
