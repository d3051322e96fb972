"""Other systems' command lines: a table of flag to request field for each, and how such flags are written.

It imports the trainings and what is below them; the commands of the same names import it. Nothing here trains.
"""
