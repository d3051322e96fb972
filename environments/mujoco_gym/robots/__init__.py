"""Robots as models: shapes, joints, gains and postures, each a file; physics options and rewards are a task's.

Tasks of `environments.mujoco_gym` import it; it imports no task.
"""
