"""What a model needs, besides its weights, to go on bit for bit: the parts of which algorithms make their saved state.

Algorithms import it, each for the parts that it has; nothing else needs to.
"""
