"""What several front doors share: tables of flags, how flags are written, orders, devices, going on, watching.

The front doors and their commands import it; it imports the trainings.
"""
