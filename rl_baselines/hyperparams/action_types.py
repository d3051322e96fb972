"""The kinds of action space, as algorithms say which they take; imports no library."""

from enum import Enum
from typing import TYPE_CHECKING, Any

from srl3.errors import UserError

if TYPE_CHECKING:
    from gymnasium import spaces


class ActionType(Enum):
    """The kinds of action space; the values are the words for their actions."""

    DISCRETE = "discrete"
    CONTINUOUS = "continuous"
    MULTI_DISCRETE = "multi-discrete"
    MULTI_BINARY = "multi-binary"


ALL_ACTIONS = tuple(ActionType)


def action_type_of(space: "spaces.Space[Any]") -> ActionType:
    """The kind of an action space.

    Raises:
        UserError: for one that no algorithm takes: another kind, or a Box without bounds or of whole numbers.
    """
    import numpy as np
    from gymnasium import spaces

    kinds = {
        spaces.Discrete: ActionType.DISCRETE,
        spaces.Box: ActionType.CONTINUOUS,
        spaces.MultiDiscrete: ActionType.MULTI_DISCRETE,
        spaces.MultiBinary: ActionType.MULTI_BINARY,
    }
    for kind, action_type in kinds.items():
        if isinstance(space, kind):
            if isinstance(space, spaces.Box) and not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
                raise UserError(f"the actions {space} have no finite bounds, which every algorithm here needs.")
            if isinstance(space, spaces.Box) and not np.issubdtype(space.dtype, np.floating):
                raise UserError(f"the actions {space} are a Box of whole numbers; declare them as MultiDiscrete.")
            return action_type
    raise UserError(
        f"{type(space).__name__} actions are not supported; use Box, Discrete, MultiDiscrete or MultiBinary."
    )
