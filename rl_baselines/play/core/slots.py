"""One of the policies that are watched side by side."""

from pathlib import Path

from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.play.core.statistics import SlotStatistics
from rl_baselines.play.policies.agents import Agent
from rl_baselines.play.policies.sources import Source
from rl_baselines.play.policies.state_file import AUTO, MANUAL, ChoiceReader, Mode
from rl_baselines.play.policies.watcher import Watcher

MAX_SLOTS = 16


class Slot:
    """A policy, where it comes from, and how it does.

    Args:
        number: its place, from 0 on.
        source: a run, a file or an agent.
        agent: what acts first.
        place: among the slots that follow the same run, from 1 on; None for a slot that no state file steers.

    Attributes:
        mode: whether the newest checkpoint is followed.
        chosen: the checkpoint that stays, in mode ``manual``.
        agent: what acts now.
        info: of the checkpoint that acts; None for agents without one.
        shown: the file of the checkpoint that acts.
        loaded_at: seconds of the clock at which it began to act.
        problem: why the wanted checkpoint does not act, else empty.
        link_problem: what was said last of the link to the machine that trains, else empty.
        statistics: of the episodes.
    """

    def __init__(self, number: int, source: Source, agent: Agent, place: int | None = None) -> None:
        self.number = number
        self.source = source
        self.mode: Mode = MANUAL if source.file is not None else AUTO
        self.chosen = source.file
        self.agent = agent
        self.info: CheckpointInfo | None = None
        self.shown: Path | None = None
        self.loaded_at = 0.0
        self.problem = ""
        self.statistics = SlotStatistics()
        self.choices = None if place is None or source.run is None else ChoiceReader(source.run, place)
        self.watcher: Watcher | None = None
        self.link_problem = ""

    @property
    def wanted(self) -> Path | None:
        """The checkpoint that should act; None for an agent without one."""
        if self.source.agent:
            return None
        return self.chosen if self.mode == MANUAL and self.chosen is not None else self.source.newest()

    @property
    def trained_steps(self) -> int:
        """Of the policy that acts; 0 for agents without one."""
        return 0 if self.info is None else self.info.num_timesteps

    @property
    def title(self) -> str:
        """What stands over its robots."""
        if self.source.agent:
            return self.source.agent
        if self.info is None:
            return f"{self.source.name}: no checkpoint yet"
        return f"{self.source.name} · {self.trained_steps:,} steps"
