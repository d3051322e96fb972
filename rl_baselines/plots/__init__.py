"""Figures of runs: reading monitor files, smoothing, learning curves."""
