"""The page in a browser (viser): the scene, and panels to choose, steer and read.

The command `play` imports it; the core knows nothing of it.
"""
