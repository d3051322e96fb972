"""The Kuka iiwa arm with a gripper that pushes buttons, in PyBullet."""
