"""Rollouts: stepping a world by a policy, and what an update learns from it.

Updates and the algorithm import it.
"""
