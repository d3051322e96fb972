"""Physics engines behind one interface: a CPU's threads, or a GPU.

The worlds of `environments.mujoco_gym` import it; it imports no task.
"""
