"""Learning a representation: minibatches, losses, objectives, epochs.

Judging, plots and commands import it.
"""
