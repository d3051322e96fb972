"""A mobile robot in a walled arena that drives to a target.

Only the registry of environments names it.
"""
