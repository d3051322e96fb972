"""Worlds of Gymnasium's own registry as entries of ours, made by Gymnasium and resumed by replaying.

The registry of worlds asks it; it imports `environments.config` and `environments.entries`.
"""

from environments.foreign.entries import escaped_id, foreign_entry, foreign_ids

__all__ = ["escaped_id", "foreign_entry", "foreign_ids"]
