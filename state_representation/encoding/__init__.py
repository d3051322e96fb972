"""Using a learned representation: frames to states, and back to pictures."""
