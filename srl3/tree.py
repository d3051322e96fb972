"""Trees of plain values and arrays, as JSON and ``.npz``: what checkpoints hold instead of pickles."""

import io
import json
from collections.abc import Collection, Iterator
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


def unpack(text: str, arrays: bytes, without: Collection[str] = ()) -> Any:
    """The tree that `pack` stored. Reads numbers and texts only: no code from the file runs.

    Args:
        text: JSON.
        arrays: npz.
        without: keys of the tree whose values are not wanted: they are None, and their arrays are not read.
    """
    tree = value_of(text)
    if without and isinstance(tree, dict):
        tree = {key: None if key in without else value for key, value in tree.items()}
    loaded = arrays_of(arrays, _array_keys(tree) if without else None)

    def decode(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) == {"__array__"}:
                return loaded[node["__array__"]]
            return {key: decode(value) for key, value in node.items()}
        if isinstance(node, list):
            return [decode(value) for value in node]
        return node

    return decode(tree)


def _array_keys(node: Any) -> Iterator[str]:
    """The keys of the arrays that belong to a tree."""
    if isinstance(node, dict):
        if set(node) == {"__array__"}:
            yield node["__array__"]
        else:
            for value in node.values():
                yield from _array_keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from _array_keys(value)
