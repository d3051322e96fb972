"""What happens while a policy is watched, for people and for programs."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    kind: str
    """``loaded``, ``problem``, ``episode``, ``choice`` or ``link``"""
    slot: int
    text: str
    """a line for people"""
    data: dict[str, Any] = field(default_factory=dict)
    """plain values for programs"""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"event": self.kind, "slot": self.slot, **self.data}
