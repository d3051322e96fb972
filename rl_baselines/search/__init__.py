"""Hyperparameter search: trials, the study that they belong to, and what it says in the end.

Only ``rl_baselines.hyperparam_search`` imports it.
"""
