"""The InMoov humanoid, built from primitive shapes, in PyBullet."""
