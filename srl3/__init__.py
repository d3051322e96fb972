"""What every part of SRL3 stands on: its version, its one user error, atomic files.

It imports no other part; every part may import it.
"""

__version__ = "0.1.0"
