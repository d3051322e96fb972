"""What every part of SRL3 stands on: its version, its one user error, atomic files."""

__version__ = "0.1.0"
