"""One student learned from recorded teachers: what it observes of their datasets, what it is told, and how it learns.

Training and commands import it.
"""
