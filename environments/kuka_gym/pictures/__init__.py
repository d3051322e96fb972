"""The arm's camera pictures, many times faster than the engine's own renderer.

Only `environments.kuka_gym` imports it.
"""
