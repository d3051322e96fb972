"""One training, from a resolved plan to its run folder.

Commands, searches and grids import it.
"""
