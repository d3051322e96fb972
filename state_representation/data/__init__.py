"""What is learned from: minibatches of a dataset, rewards as classes, ground truth.

Learning and judging import it.
"""
