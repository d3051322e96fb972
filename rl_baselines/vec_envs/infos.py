"""Infos of the environments whose episodes ended, as arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

REWARD_TERMS = "reward_terms"
"""key of an info that ends an episode: the sum of each term of the reward over it"""
ENDINGS = "endings"
"""key of an info that ends an episode: whether it ended for each of the reasons that the world tells apart"""

FIGURES = "figures"
"""key of an info that ends an episode: what else the world tells of it, by name"""


def columns(infos: Sequence[Mapping[str, Any]], key: str, dtype: Any) -> dict[str, np.ndarray]:
    """The mappings that all ``infos`` (K) hold at ``key``, as an array ``(K,)`` by name; empty where one holds none."""
    if not infos or not all(key in info for info in infos):
        return {}
    names = list(dict.fromkeys(name for info in infos for name in info[key]))
    return {name: np.array([info[key].get(name, 0) for info in infos], dtype) for name in names}
