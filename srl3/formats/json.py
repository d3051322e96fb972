"""Values in JSON: files, and texts inside other files."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from srl3.formats.damage import DamagedFile, damage_is_said


def value_of(text: str | bytes) -> Any:
    """What a text in JSON (UTF-8) says.

    Raises:
        ValueError: when it is not JSON.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def read_mapping(path: Path, advice: str, needs: Iterable[str] = ()) -> dict[str, Any]:
    """The object that a JSON file (UTF-8) holds; arguments and errors as `srl3.formats.yaml.read_mapping`."""
    with damage_is_said(path, advice, (ValueError,)):
        content = value_of(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise DamagedFile(path, "it holds no object", advice)
    missing = [name for name in needs if name not in content]
    if missing:
        raise DamagedFile(path, f"it lacks {', '.join(missing)}", advice)
    return content
