"""Checks where worlds and their users meet: every action, and what a world gives in its first reset and step.

It imports `srl3` alone; worlds and their adapters import it.
"""
