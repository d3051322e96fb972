"""Updates: losses, learning rate, mirror images, and the loop over minibatches.

Rollouts and the algorithm import it.
"""
