"""Values in YAML, of files and of flags; plain ones only: nothing is constructed from a tag of Python's."""

import math
import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import yaml

from srl3.formats.damage import DamagedFile, damage_is_said

SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: ten times as fast"""
ERRORS: tuple[type[Exception], ...] = (
    yaml.YAMLError,
    UnicodeDecodeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
)
"""what PyYAML raises on texts that are not YAML, or whose tags and values do not go together"""


_TWICE = "is written twice"


class _ByHandLoader(yaml.SafeLoader):
    """Refuses a key that is written twice, of which YAML would quietly take the last; takes ``1e-3`` and ``1e6`` for
    numbers, as everybody but YAML 1.1 does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(key, deep=True) for key in own]
        for key, written in reversed(list(zip(keys, own, strict=True))):
            if isinstance(key, Hashable) and keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"'{key}' {_TWICE}", written.start_mark)
        return super().construct_mapping(node, deep)

    def construct_exponent(self, node: yaml.ScalarNode) -> int | float | str:
        """A whole number for one that is written without a point and a minus; the text where it is too large."""
        text = self.construct_scalar(node).replace("_", "")
        number = float(text)
        if math.isinf(number):
            return str(node.value)
        whole = number.is_integer() and "." not in text and "-" not in text[1:]
        return int(number) if whole else number


_EXPONENT = "!exponent"
_ByHandLoader.add_constructor(_EXPONENT, _ByHandLoader.construct_exponent)
_ByHandLoader.add_implicit_resolver(
    _EXPONENT, re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d{1,3}$"), list("-+.0123456789")
)


def read(path: Path, advice: str, loader: Any = SAFE_LOADER) -> Any:
    """What a YAML file (UTF-8) that a program wrote holds; None of an empty one.

    Args:
        path: the file.
        advice: what to do when it can't be read, the second half of the sentence.
        loader: a safe loader of PyYAML.

    Raises:
        DamagedFile: when it is no YAML.
        UserError: when it is missing or may not be read.
    """
    with damage_is_said(path, advice, ERRORS):
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)


def read_by_hand(path: Path, advice: str) -> Any:
    """What a YAML file that a person wrote holds: as `read`, and a key that is written twice is refused."""
    with damage_is_said(path, advice, ERRORS, fault="is not YAML"):
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_ByHandLoader)


def read_mapping(path: Path, advice: str, needs: Iterable[str] = (), loader: Any = SAFE_LOADER) -> dict[str, Any]:
    """The mapping that a YAML file (UTF-8) holds; arguments and errors as `read`.

    Args:
        needs: keys that must be there.

    Raises:
        DamagedFile: also when it is no mapping with texts as keys, or lacks one of ``needs``.
    """
    content = read(path, advice, loader)
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise DamagedFile(path, "it holds no mapping of names", advice)
    missing = [name for name in needs if name not in content]
    if missing:
        raise DamagedFile(path, f"it lacks {', '.join(missing)}", advice)
    return content


def value_of(text: str) -> Any:
    """The value that a user wrote in a flag: a number, a text, ``[a, b]`` …

    Raises:
        ValueError: when it is not YAML.
    """
    try:
        return yaml.load(text, Loader=_ByHandLoader)
    except ERRORS as error:
        problem = str(getattr(error, "problem", ""))
        reason = f" ({problem})" if problem.endswith(_TWICE) else ""
        raise ValueError(f"'{text}' is no value that YAML can read{reason}") from None
