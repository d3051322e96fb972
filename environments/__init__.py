"""The worlds. Importing this package makes them known to ``gymnasium.make`` and ``gymnasium.make_vec``.

It imports `srl3` alone; every other part may import it.
"""

from environments.registry import register_with_gymnasium, registered_env

for _id, _entry in registered_env.items():
    register_with_gymnasium(_id, _entry)
