"""One short file per algorithm: the class that builds it and its search space.

Only the registry of algorithms names it.
"""
