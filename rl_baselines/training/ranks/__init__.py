"""A training in several processes: how many, which share each has, how they start, and what all but the first do.

The training imports it, and commands that start one.
"""
