"""Trees of plain values and arrays, as JSON and ``.npz``: what checkpoints hold instead of pickles."""

import io
import json
from typing import Any

import numpy as np

from srl3.formats.json import value_of
from srl3.formats.npz import arrays_of


def pack(tree: Any) -> tuple[str, bytes]:
    """``tree`` (dicts with text keys, lists, tuples, numbers, texts, None, arrays) as JSON text and npz bytes.

    Tuples come back as lists, NumPy scalars as Python numbers; floats are exact.

    Raises:
        TypeError: for anything else, so nothing is lost unnoticed.
    """
    arrays: dict[str, np.ndarray] = {}

    def encode(node: Any) -> Any:
        if isinstance(node, np.ndarray):
            if node.dtype.hasobject:
                raise TypeError(f"an array of objects can't be stored: {node!r}")
            key = f"a{len(arrays)}"
            arrays[key] = node
            return {"__array__": key}
        if isinstance(node, dict):
            for key in node:
                if not isinstance(key, str):
                    raise TypeError(f"keys must be texts, not {key!r}")
            return {key: encode(value) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [encode(value) for value in node]
        if isinstance(node, np.generic):
            return node.item()
        if node is None or isinstance(node, bool | int | float | str):
            return node
        raise TypeError(f"a {type(node).__name__} can't be stored: {node!r}")

    text = json.dumps(encode(tree))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return text, buffer.getvalue()


def unpack(text: str, arrays: bytes) -> Any:
    """The tree that `pack` stored. Reads numbers and texts only: no code from the file runs."""
    loaded = arrays_of(arrays)

    def decode(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) == {"__array__"}:
                return loaded[node["__array__"]]
            return {key: decode(value) for key, value in node.items()}
        if isinstance(node, list):
            return [decode(value) for value in node]
        return node

    return decode(value_of(text))
