"""Playing without a window: slots with their policies, the world that is stepped, the loop.

The viewers of `rl_baselines.play` import it; it imports none of them.
"""
