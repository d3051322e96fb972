"""A world's terms as tables, for people."""

from collections.abc import Sequence
from dataclasses import fields

from environments.mujoco_gym.config import Randomization, TaskConfig
from environments.terms import ActionTerm, ObservationTerm

Row = tuple[str, ...]


def term_tables(
    config: TaskConfig, observations: Sequence[ObservationTerm], actions: Sequence[ActionTerm], endings: Sequence[str]
) -> str:
    """Observations, actions, rewards, terminations, randomisation and curriculum of a world, one table each."""
    parts = [
        _table(
            "Observations",
            ("group", "term", "slice", "scale", "noise", "clip"),
            [
                (
                    term.group,
                    term.name,
                    f"{term.start}:{term.stop}",
                    f"{term.scale:g}" if isinstance(term.scale, float | int) else "by element",
                    f"{term.noise_kind} {term.noise:g}" if term.noise_kind else "",
                    "" if term.clip is None else f"{term.clip[0]:g} to {term.clip[1]:g}",
                )
                for term in observations
            ],
        ),
        _table(
            "Actions",
            ("action", "scale", "offset", "range"),
            [(term.name, f"{term.scale:g}", f"{term.offset:g}", f"{term.low:g} to {term.high:g}") for term in actions],
        ),
        _table("Rewards", ("term", "weight"), [(name, f"{weight:g}") for name, weight in config.rewards.items()]),
        _table("Terminations", ("reason",), [(name,) for name in endings]),
        _table("Randomisation", ("what", "when", "how", "range", "names"), _randomisation(config)),
        _table(
            "Curriculum",
            ("stage", "after steps", "values"),
            [
                (str(index), str(stage.after), ", ".join(f"{name} {value}" for name, value in stage.values.items()))
                for index, stage in enumerate(config.stages, 1)
            ],
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def _randomisation(config: TaskConfig) -> list[Row]:
    rows: list[Row] = []
    for field in fields(config.randomize):
        change = getattr(config.randomize, field.name)
        if isinstance(change, Randomization):
            how = f"{change.operation}, {change.distribution}"
            rows.append((field.name, change.when, how, f"{change.range[0]:g} to {change.range[1]:g}", change.names))
        elif change is not None:
            every = f"every {change.seconds[0]:g} to {change.seconds[1]:g} s"
            rows.append((field.name, every, "velocity", f"{change.horizontal:g} m/s", "base"))
    return rows


def _table(title: str, head: Row, rows: Sequence[Row]) -> str:
    """A title and aligned columns; nothing without rows, and no column that is empty."""
    if not rows:
        return ""
    kept = [index for index in range(len(head)) if any(row[index] for row in rows)]
    lines = [[line[index] for index in kept] for line in (head, *rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(kept))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([title, *(f"  {line}" for line in text)])
