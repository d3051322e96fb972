"""Algorithms that search over whole parameter vectors of a policy.

Only the registry of algorithms names it.
"""
