"""How good a learned representation is: metrics, ground truth, reward prediction.

Plots and commands import it.
"""
