"""PPO for many worlds at once: data stay tensors, and no Python runs per robot.

Checkpoints, acting, training and commands import it.
"""
