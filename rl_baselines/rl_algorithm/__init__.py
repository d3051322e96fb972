"""One short file per algorithm: the class that builds it and its search space."""
