"""The worlds. Importing this package makes them known to ``gymnasium.make`` and ``gymnasium.make_vec``.

It imports `srl3` alone; every other part may import it.
"""

import gymnasium

from environments.registry import ThreadingType, registered_env

for _id, _entry in registered_env.items():
    gymnasium.register(
        id=_id,
        entry_point=_entry.entry_point,
        vector_entry_point=(
            f"environments.batched.vector_entry:{_id}" if _entry.threading is ThreadingType.BATCHED else None
        ),
        disable_env_checker=True,
    )
