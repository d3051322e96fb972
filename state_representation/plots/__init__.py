"""Pictures of what was learned.

Only commands import it.
"""
