"""Algorithms that search over whole parameter vectors of a policy."""
