"""Trained representations on disk: their log folders and settings, the table of them, finding and choosing one.

Everything above it may import it; it loads no torch.
"""
