"""Worlds as meshes for viewers: parts that move, and the engines' own shapes made into them.

Worlds with an engine of bodies import it; it imports no world.
"""
