"""How large a training should be on this machine: short trainings at a few sizes, and what follows from them.

The command ``advise`` imports it; it imports the trainings.
"""
