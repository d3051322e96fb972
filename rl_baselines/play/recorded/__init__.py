"""Recordings of a training, shown with a time line: ``play --recording``.

The command `play` imports it; the live core knows nothing of it.
"""
