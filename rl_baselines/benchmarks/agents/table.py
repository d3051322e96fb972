"""The table of what trained models earn."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rl_baselines.benchmarks.agents.evaluations import Agent, Score

HEAD = ("world", "settings", "algorithm", "return", "success rate", "episodes", "steps", "seeds")


@dataclass(frozen=True)
class Row:
    """The checkpoints of one world, settings, algorithm and number of steps that the training was asked for."""

    world: str
    settings: str
    algorithm: str
    total_timesteps: int
    scores: tuple[Score, ...]

    @property
    def seeds(self) -> list[int]:
        """Of the trainings, in order."""
        return [score.seed for score in self.scores]

    @property
    def steps(self) -> str:
        """That the checkpoints were trained, or from which to which number."""
        steps = sorted({score.steps for score in self.scores})
        return " to ".join(f"{count:,}" for count in (steps if len(steps) == 1 else (steps[0], steps[-1])))

    def figures(self) -> dict[str, Any]:
        """Everything, as JSON holds it; mean and standard deviation are those of all episodes of all seeds."""
        returns = np.concatenate([score.returns for score in self.scores])
        rates = [score.success_rate for score in self.scores if score.success_rate is not None]
        return {
            "world": self.world,
            "settings": self.settings,
            "algorithm": self.algorithm,
            "mean_return": float(returns.mean()),
            "std_return": float(returns.std()),
            "success_rate": float(np.mean(rates)) if rates else None,
            "episodes": len(returns),
            "total_timesteps": self.total_timesteps,
            "steps": [score.steps for score in self.scores],
            "seeds": self.seeds,
            "checkpoints": [asdict(score) for score in self.scores],
        }


def rows_of(scores: Iterable[tuple[Agent, Score]]) -> list[Row]:
    """A row for each world, settings, algorithm and length of training, seeds put together, in alphabetical order."""
    found: dict[tuple[str, str, str, int], list[Score]] = {}
    for agent, score in scores:
        info = agent.info
        found.setdefault((info.env_id, agent.settings, info.algo, info.total_timesteps), []).append(score)
    return [
        Row(*key, tuple(sorted(members, key=lambda score: (score.seed, score.checkpoint))))
        for key, members in sorted(found.items())
    ]


def as_markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for row in rows:
        figures = row.figures()
        rate = "n/a" if figures["success_rate"] is None else f"{figures['success_rate']:.1%}"
        cells = (
            row.world,
            row.settings,
            row.algorithm,
            f"{figures['mean_return']:.2f} ± {figures['std_return']:.2f}",
            rate,
            f"{figures['episodes']}",
            row.steps,
            ", ".join(map(str, row.seeds)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """The rows with full precision; steps and seeds have blanks between them."""
    text = io.StringIO()
    names = [name for name in rows[0].figures() if name != "checkpoints"]
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        figures = row.figures()
        lists = {name: " ".join(map(str, figures[name])) for name in ("steps", "seeds")}
        writer.writerow({**figures, **lists})
    return text.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """The rows with every episode."""
    return json.dumps([row.figures() for row in rows], indent=1) + "\n"


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {".md": as_markdown, ".csv": as_csv, ".json": as_json}
"""by the end of a file's name"""
