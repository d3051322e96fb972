"""Networks: encoders from frames to states, and what is learned beside them.

Every part of `state_representation` above it may import it.
"""
