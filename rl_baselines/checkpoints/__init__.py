"""The one-file checkpoint, and the state from which a run goes on bit for bit.

Acting, training, plots and commands import it.
"""
