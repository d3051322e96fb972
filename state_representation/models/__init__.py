"""Networks: encoders from frames to states, and what is learned beside them."""
