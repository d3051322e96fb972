"""A small robot on three omnidirectional wheels, in a marked square, with seven tasks.

Only the registry of environments names it.
"""
