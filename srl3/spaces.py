"""Observation and action spaces as JSON, without loss: what checkpoints, run folders and exports say of them.

```python
description = describe(space, images=("camera",))
assert same(build(description), space)
print(in_words(description))  # Dict(camera: Box(64x64x3, uint8, 0 to 255, image), joints: Box(7, float32, -1 to 1))
```

Spaces are Gymnasium's Box, Discrete, MultiDiscrete, MultiBinary, and Dict of these, nested as deeply as one likes.
Whether a Box holds an image is the world's word, passed in as ``images``; nothing here guesses it from a shape.
"""

import math
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from srl3.errors import UserError

Space = spaces.Space[Any]
Description = dict[str, Any]
"""JSON of one space: ``type``, and by type ``shape``, ``dtype``, ``low``, ``high``, ``n``, ``nvec``, ``start``,
``spaces``, ``image``"""

ROOT = ""
"""path of a space that is no Dict"""
_SHOWN = 6
"""bounds that are written out, rather than summed up"""


def describe(space: Space, images: Collection[str] = ()) -> Description:
    """``space`` as JSON holds it.

    Bounds and counts are a single number where all are equal, else flat lists in C order; infinities are the strings
    ``"inf"`` and ``"-inf"``, since JSON has none.

    Args:
        space: Box, Discrete, MultiDiscrete, MultiBinary, or a Dict of these.
        images: paths (as `leaves` has them) of the boxes that hold images, channels last.

    Raises:
        UserError: for another kind of space, or keys of a Dict that are no strings.
        ValueError: when a path of ``images`` is not that of a Box with three axes.
    """
    found = leaves(space)
    for path in images:
        leaf = found.get(path)
        if not isinstance(leaf, spaces.Box) or len(leaf.shape) != 3:
            raise ValueError(f"'{path}' of {space} is no Box of height, width and channels, so it is no image")
    return _describe(space, ROOT, frozenset(images))


def build(description: Mapping[str, Any]) -> Space:
    """The space that `describe` described; a new object with a generator of its own.

    Raises:
        ValueError: when ``description`` is something else.
    """
    try:
        return _build(description)
    except (KeyError, TypeError, AttributeError, AssertionError, OverflowError) as error:
        raise ValueError(f"{description!r} describes no space ({type(error).__name__}: {error})") from None


def same(one: Space | Mapping[str, Any], other: Space | Mapping[str, Any]) -> bool:
    """Whether two spaces (or descriptions) hold the same elements: bit for bit the same bounds, counts and types.

    The order of a Dict's keys does not matter, nor whether a description marks images.
    """
    return _plain(one) == _plain(other)


def leaves(space: Space) -> dict[str, Space]:
    """The spaces that ``space`` is made of, by path.

    A path is the keys of the nested Dicts joined by ``/`` (in a key ``~`` is written ``~0`` and ``/`` is written
    ``~1``, as in a JSON pointer); the path of a space that is no Dict is the empty string. Keys keep their order.

    Raises:
        UserError: for a kind of space that `describe` does not take.
    """
    return dict(_walk(space, ROOT))


def image_paths(description: Mapping[str, Any]) -> frozenset[str]:
    """Paths of the leaves that ``description`` marks as images."""
    return frozenset(_marked(description, ROOT))


def in_words(description: Mapping[str, Any]) -> str:
    """One line for a person; of more than six different bounds only the smallest and largest are told."""
    kind = description["type"]
    if kind == "Dict":
        inner = ", ".join(f"{key}: {in_words(value)}" for key, value in description["spaces"].items())
        return f"Dict({inner})"
    if kind == "Discrete":
        start = description["start"]
        return f"Discrete({description['n']}{f', from {start}' if start else ''})"
    if kind == "MultiDiscrete":
        start = description["start"]
        counts = _numbers_in_words(description["nvec"])
        shape = "" if isinstance(description["nvec"], list) and len(description["shape"]) == 1 else _side(description)
        return f"MultiDiscrete({shape}{counts}{f', from {_numbers_in_words(start)}' if start != 0 else ''})"
    if kind == "MultiBinary":
        return f"MultiBinary({_shape_in_words(description['shape'])})"
    low, high = _numbers_in_words(description["low"]), _numbers_in_words(description["high"])
    image = ", image" if description.get("image") else ""
    return f"Box({_side(description)}{description['dtype']}, {low} to {high}{image})"


def join(path: str, key: str) -> str:
    """The path of ``key`` in the Dict at ``path``."""
    escaped = key.replace("~", "~0").replace("/", "~1")
    return f"{path}/{escaped}" if path else escaped


def _walk(space: Space, path: str) -> Iterator[tuple[str, Space]]:
    if isinstance(space, spaces.Dict):
        for key, inner in space.spaces.items():
            if not isinstance(key, str) or not key:
                raise UserError(f"a Dict space has the key {key!r}; name its entries with strings that are not empty.")
            yield from _walk(inner, join(path, key))
    elif isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        yield path, space
    else:
        raise UserError(
            f"{type(space).__name__} spaces are not supported; use Box, Discrete, MultiDiscrete, MultiBinary, "
            "or a Dict of these."
        )


def _describe(space: Space, path: str, images: frozenset[str]) -> Description:
    if isinstance(space, spaces.Dict):
        inner = {key: _describe(value, join(path, key), images) for key, value in space.spaces.items()}
        return {"type": "Dict", "spaces": inner}
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start), "dtype": str(space.dtype)}
    if isinstance(space, spaces.MultiDiscrete):
        return {
            "type": "MultiDiscrete",
            "shape": list(space.nvec.shape),
            "dtype": str(space.dtype),
            "nvec": _compressed(space.nvec),
            "start": _compressed(space.start),
        }
    if isinstance(space, spaces.MultiBinary):
        return {"type": "MultiBinary", "shape": list(space.shape)}
    assert isinstance(space, spaces.Box)
    description: Description = {
        "type": "Box",
        "shape": list(space.shape),
        "dtype": str(space.dtype),
        "low": _compressed(space.low),
        "high": _compressed(space.high),
    }
    if path in images:
        description["image"] = True
    return description


def _build(description: Mapping[str, Any]) -> Space:
    kind = description["type"]
    if kind == "Dict":
        inner = OrderedDict((key, _build(value)) for key, value in description["spaces"].items())
        return spaces.Dict(inner)
    if kind == "Discrete":
        return spaces.Discrete(description["n"], start=description["start"], dtype=description["dtype"])
    shape = tuple(description["shape"])
    if kind == "MultiBinary":
        return spaces.MultiBinary(shape[0] if len(shape) == 1 else shape)
    dtype = np.dtype(description["dtype"])
    if kind == "MultiDiscrete":
        nvec, start = (_expanded(description[name], shape, dtype) for name in ("nvec", "start"))
        return spaces.MultiDiscrete(nvec, dtype=dtype, start=start)
    if kind == "Box":
        low, high = (_expanded(description[name], shape, dtype) for name in ("low", "high"))
        return spaces.Box(low, high, shape, dtype)
    raise ValueError(f"'{kind}' is no kind of space that descriptions have")


def _compressed(values: np.ndarray) -> Any:
    """An array as JSON: one number where all are equal (an empty array: an empty list), else a flat list."""
    flat = [_as_json(value) for value in values.ravel().tolist()]
    return flat[0] if flat and all(value == flat[0] and _sign(value) == _sign(flat[0]) for value in flat) else flat


def _expanded(content: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    if isinstance(content, list):
        return np.array([_from_json(value) for value in content], dtype).reshape(shape)
    return np.full(shape, _from_json(content), dtype)


def _as_json(number: float) -> float | str:
    return str(number) if isinstance(number, float) and math.isinf(number) else number


def _from_json(content: Any) -> float:
    if content in ("inf", "-inf"):
        return float(content)
    if not isinstance(content, int | float):
        raise TypeError(f"{content!r} is no number")
    return content


def _sign(value: float | str) -> float:
    """Tells -0.0 from 0.0, which compare as equal."""
    return math.copysign(1.0, value) if isinstance(value, float) else 1.0


def _plain(space: Space | Mapping[str, Any]) -> Description:
    description = describe(space) if isinstance(space, spaces.Space) else space
    if description["type"] == "Dict":
        return {"type": "Dict", "spaces": {key: _plain(value) for key, value in description["spaces"].items()}}
    return {key: value for key, value in description.items() if key != "image"}


def _marked(description: Mapping[str, Any], path: str) -> Iterator[str]:
    if description["type"] == "Dict":
        for key, value in description["spaces"].items():
            yield from _marked(value, join(path, key))
    elif description.get("image"):
        yield path


def _side(description: Mapping[str, Any]) -> str:
    return f"{_shape_in_words(description['shape'])}, "


def _shape_in_words(shape: list[int]) -> str:
    return "x".join(map(str, shape)) or "a number"


def _numbers_in_words(content: Any) -> str:
    if not isinstance(content, list):
        return _number_in_words(content)
    if len(content) <= _SHOWN:
        return f"[{', '.join(map(_number_in_words, content))}]"
    numbers = [float(value) for value in content]
    return f"[{len(numbers)} numbers between {min(numbers):g} and {max(numbers):g}]"


def _number_in_words(content: Any) -> str:
    return f"{content:.7g}" if isinstance(content, float) else str(content)
