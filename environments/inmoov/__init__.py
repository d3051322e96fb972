"""The InMoov humanoid, built from primitive shapes, in PyBullet.

Only the registry of environments names it.
"""
