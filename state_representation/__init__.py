"""From images to states: commands at its top, and below them the rooms that they are made of.

From the bottom: ``registry``, ``store``, ``models``, ``data``, ``encoding``, ``learning``, ``judging``, ``plots``.
A room may import what is below it; ``rl_baselines`` may import all of them, ``environments`` none.
"""

from srl3.moved import MovedModules

MovedModules({"state_representation.encoder": "state_representation.encoding.encoder"}).install()
