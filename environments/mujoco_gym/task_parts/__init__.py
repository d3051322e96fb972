"""Of what a `Task` is put together: its named state, what viewers ask, snapshots, observations.

Owns those four bases, one above the other. `environments.mujoco_gym.task` imports it; it imports no task.
"""
