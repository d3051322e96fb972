"""MuJoCo's own window as a viewer: ``--viewer native``.

It imports `core`; commands import it.
"""
