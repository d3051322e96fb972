"""What `list` says of a world without loading its engine: what it is, its modes, the sizes of actions and states."""

import dataclasses
import re
from functools import cache
from typing import Any

from config import CONFIG_FOLDER
from environments.config.base import EnvConfig
from environments.config.srl import SRLConfig
from srl3.formats.yaml import read_mapping

SPACES_FILE = CONFIG_FOLDER / "spaces.yaml"
"""sizes of actions and states of the worlds of this package; ``python -m docs.spaces`` writes it"""
MODE_FLAGS = {
    "discrete": "",
    "continuous": "-c",
    "joints": "-joints",
    "random_target": "-r",
    "shape_reward": "--shape-reward",
    "multi_view": "--multi-view",
}
"""modes of the worlds in the manner of the S-RL Toolbox, and the flags that choose them"""
ACTION_MODES = ("discrete", "continuous", "joints")


@dataclasses.dataclass(frozen=True)
class WorldSummary:
    """A world in a few words."""

    what: str
    """the first sentence of its configuration's docstring; empty without one"""
    modes: tuple[str, ...]
    """keys of `MODE_FLAGS`; none for worlds of another manner"""
    states: tuple[str, ...]
    """what it can show: values of ``srl_model``"""
    actions: dict[str, int]
    """by mode: how many discrete actions there are, or numbers in a continuous one; empty where unknown"""
    state_sizes: dict[str, int]
    """numbers in each of `states` that is no image; empty where unknown"""

    def actions_in_words(self) -> str:
        """The actions, with the flags that choose them."""
        offered = [mode for mode in ACTION_MODES if mode in self.actions] or [
            mode for mode in ACTION_MODES if mode in self.modes
        ]
        flags = {mode: MODE_FLAGS[mode] if len(offered) > 1 else "" for mode in offered}
        if flags.get("joints"):
            flags["joints"] = f"{MODE_FLAGS['continuous']} {flags['joints']}"
        parts = []
        for mode in offered:
            size = self.actions.get(mode)
            words = mode if size is None else f"{size} discrete" if mode == "discrete" else _numbers(size)
            parts.append(f"{words} ({flags[mode]})" if flags[mode] else words)
        return ", ".join(parts)

    def states_in_words(self) -> str:
        """What it shows, with sizes."""
        return ", ".join(
            f"{name} {self.state_sizes[name]}" if name in self.state_sizes else name for name in self.states
        )

    def other_flags(self) -> str:
        """The flags that choose anything but actions."""
        return " ".join(MODE_FLAGS[mode] for mode in self.modes if mode not in ACTION_MODES)


def summary(env_id: str, config: type[EnvConfig]) -> WorldSummary:
    """The summary of the registered world that has this configuration (which imports no engine)."""
    sizes = _sizes().get(env_id, {})
    return WorldSummary(
        what=_first_sentence(config),
        modes=tuple(mode for mode in MODE_FLAGS if getattr(config.modes, mode))
        if issubclass(config, SRLConfig)
        else (),
        states=tuple(config.observes()),
        actions=dict(sizes.get("actions", {})),
        state_sizes=dict(sizes.get("states", {})),
    )


@cache
def _sizes() -> dict[str, Any]:
    return read_mapping(SPACES_FILE, "install SRL3 anew")


def _first_sentence(config: type) -> str:
    text = " ".join((config.__doc__ or "").partition("\n\n")[0].replace("`", "").split())
    if text.startswith(f"{config.__name__}("):  # what a dataclass without a docstring has
        return ""
    return re.split(r"(?<=\.) ", text, maxsplit=1)[0]


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"
