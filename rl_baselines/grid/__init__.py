"""Grids of trainings: which runs there are, what became of each, and running several at a time."""
