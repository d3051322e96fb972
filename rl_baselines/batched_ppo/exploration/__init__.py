"""Rewards for what is new: settings, and random network distillation.

Saved models and the algorithm import it.
"""
