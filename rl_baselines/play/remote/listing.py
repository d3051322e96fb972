"""What a run offers at a moment, as JSON; whoever reads it distrusts whoever wrote it."""

import dataclasses
import json
import re
from typing import Any

from rl_baselines.runs.shared import may_be_shared
from srl3.formats.json import value_of

FORMAT = 1
MAX_BYTES = 4_000_000
"""of a listing"""
MAX_FILE = 20_000_000_000
"""bytes of a file"""
_HASH = re.compile(r"[0-9a-f]{64}")
_IDENTITY = re.compile(r"[0-9a-f]{12}")


@dataclasses.dataclass(frozen=True)
class Version:
    """A file as it was at a moment."""

    name: str
    """relative to the run"""
    size: int
    mtime_ns: int
    sha256: str
    """of its first ``size`` bytes, in hexadecimal digits"""

    @property
    def etag(self) -> str:
        """As HTTP writes it."""
        return f'"{self.sha256}"'


@dataclasses.dataclass(frozen=True)
class Listing:
    """A run and its files."""

    run: str
    """the name of its folder"""
    identity: str
    """12 hexadecimal digits that no other run has"""
    files: tuple[Version, ...]
    """what is wanted first before the others"""


def listing_text(listing: Listing) -> str:
    """A listing as JSON."""
    return json.dumps({"srl3": "run", "format": FORMAT, **dataclasses.asdict(listing)})


def parse_listing(content: bytes) -> Listing:
    """What `listing_text` wrote; files that no run shares are left out.

    Raises:
        ValueError: when it is something else.
    """
    try:
        tree = value_of(content)
        if tree["srl3"] != "run":
            raise ValueError("it lists no run of SRL3")
        if tree["format"] != FORMAT:
            raise ValueError(f"it has format {tree['format']!r}, and this version reads format {FORMAT}")
        run, identity = _text(tree["run"]), _text(tree["identity"])
        if not _IDENTITY.fullmatch(identity):
            raise ValueError("it has no identity")
        return Listing(run, identity, tuple(_version(each) for each in tree["files"] if may_be_shared(each["name"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no listing of a run ({type(error).__name__}: {error})") from None


def _version(tree: Any) -> Version:
    size, mtime_ns, sha256 = tree["size"], tree["mtime_ns"], _text(tree["sha256"])
    sizes = type(size) is int and 0 <= size <= MAX_FILE and type(mtime_ns) is int and 0 <= mtime_ns < 2**62
    if not sizes or not _HASH.fullmatch(sha256):
        raise ValueError(f"its entry {tree['name']!r} is damaged")
    return Version(tree["name"], size, mtime_ns, sha256)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
