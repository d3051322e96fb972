"""Figures of policies in several tasks. Training, ``plots`` and the commands on several tasks draw with it."""
