"""Rows of MuJoCo worlds.

The catalogue of benchmarks names it.
"""
