"""Of what a `Task` is put together: its named state, what viewers ask, snapshots, observations, steps.

Owns those five bases, one above the other. `environments.mujoco_gym.task` imports it; it imports no task.
"""
