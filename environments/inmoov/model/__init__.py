"""The robot's body: its joints, shapes and kinematics, made into a URDF.

Only `environments.inmoov` imports it.
"""
