"""Run folders: their file names, finding runs and checkpoints, reading monitor files.

The only place that knows the file names in a run folder; everything above it may import it.
"""
