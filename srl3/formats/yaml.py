"""Mappings in YAML files; plain values only."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from srl3.formats.damage import DamagedFile, damage_is_said

SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: ten times as fast"""


def read_mapping(path: Path, advice: str, needs: Iterable[str] = (), loader: Any = SAFE_LOADER) -> dict[str, Any]:
    """The mapping that a YAML file (UTF-8) holds.

    Args:
        path: the file.
        advice: what to do when it can't be read, the second half of the sentence.
        needs: keys that must be there.
        loader: a safe loader of PyYAML.

    Raises:
        DamagedFile: when it is no YAML, no mapping with texts as keys, or lacks one of ``needs``.
        UserError: when it is missing or may not be read.
    """
    with damage_is_said(path, advice, (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError)):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise DamagedFile(path, "it holds no mapping of names", advice)
    missing = [name for name in needs if name not in content]
    if missing:
        raise DamagedFile(path, f"it lacks {', '.join(missing)}", advice)
    return content
