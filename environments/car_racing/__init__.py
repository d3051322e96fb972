"""Gymnasium's Box2D racing car, without a display.

Only the registry of environments names it.
"""
