"""Policies that act without learning: evaluation, films, recorded policies.

Training, searches and commands import it.
"""
