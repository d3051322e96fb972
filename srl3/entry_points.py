"""Things named by ``module:attribute``, loaded when they are needed: what registries hold in place of imports."""

import importlib
from typing import Any


def load_entry(entry: str) -> Any:
    """The attribute that ``entry`` names.

    Args:
        entry: ``module:attribute``, the attribute dotted where it lies in a class.

    Raises:
        ValueError: when it is written otherwise.
        ImportError, AttributeError: when there is no such thing.
    """
    module, colon, names = entry.partition(":")
    if not (module and colon and names):
        raise ValueError(f"'{entry}' names nothing; write module:attribute")
    found = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found
