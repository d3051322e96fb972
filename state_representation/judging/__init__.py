"""How good a learned representation is: metrics, ground truth, reward prediction."""
