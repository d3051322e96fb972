"""What happens to named terms on their way: observations, actions, randomisation, tables.

The worlds of `environments.mujoco_gym` import it; it imports no task.
"""
