"""Tasks: which terms a robot is observed, paid and stopped by. Each has a configuration that imports no engine.

The registry of environments names it; it imports `environments.mujoco_gym` and its robots.
"""
