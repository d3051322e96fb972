"""From a world's name to the `VecEnv` that a policy acts in: worker processes, monitors, normalisers.

It knows no algorithm and no run folder; what acts or trains imports it.
"""
