"""Gymnasium's Box2D racing car, without a display."""
