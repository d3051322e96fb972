"""Learning a representation: minibatches, losses, objectives, epochs."""
