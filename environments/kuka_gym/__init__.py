"""The Kuka iiwa arm with a gripper that pushes buttons, in PyBullet.

Only the registry of environments names it; the InMoov worlds share its camera.
"""
