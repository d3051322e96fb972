"""What panels say, as Markdown. Names come from file systems and worlds, so they are escaped."""

from collections.abc import Sequence
from typing import Any

from rl_baselines.play.core.player import Player
from rl_baselines.play.core.slots import Slot
from rl_baselines.play.policies.sources import duration
from rl_baselines.play.web.escaping import escaped

MAX_OBSERVED = 60
"""numbers of an observation that are shown"""


def current_checkpoint(slot: Slot, now: float) -> str:
    """File, trained steps and age of what acts in a slot, and what is wrong.

    Args:
        slot: it.
        now: seconds of the player's clock.
    """
    if slot.source.agent:
        lines = [f"**{escaped(slot.source.agent)}** agent, without a checkpoint"]
    elif slot.info is None or slot.shown is None:
        lines = [f"**waiting** for the first checkpoint of {escaped(slot.source.name)}"]
    else:
        acting = duration(now - slot.loaded_at)
        lines = [
            f"**{escaped(slot.shown.name)}** of {escaped(slot.source.name)}",
            f"{slot.trained_steps:,} steps trained · {escaped(slot.info.algo)} · acts for {acting}",
        ]
    lines += [f"⚠️ {escaped(problem)}" for problem in (slot.problem, slot.link_problem) if problem]
    return "  \n".join(lines)


def comparison(slots: Sequence[Slot]) -> str:
    """A table: what each slot's episodes earned since its policy was loaded."""
    rows = ["| | policy | episodes | return | length | success |", "|---|---|---|---|---|---|"]
    for slot in slots:
        figures = slot.statistics
        rows.append(
            f"| {slot.number + 1} | {escaped(slot.title)} | {figures.episodes} | {_number(figures.mean_return)} "
            f"| {_number(figures.mean_length, 0)} | {_share(figures.success_rate)} |"
        )
    return "\n".join(rows)


def speeds(player: Player, fps: float, training: float | None, problem: str = "") -> str:
    """Steps per second of play and training, how often the page is drawn, and what is wrong (``problem`` too)."""
    trained = "" if training is None else f" · training {training:,.0f} steps/s"
    said = f"{player.steps:,} steps played · {player.rate.value:,.0f} steps/s{trained} · {fps:.0f} pictures/s"
    return said + "".join(f"  \n⚠️ {escaped(each)}" for each in (player.notes, problem) if each)


def episode(player: Player, slot: Slot) -> str:
    """The episode in progress of a slot's first robot."""
    row = player.stage.rows(slot.number).start
    return (
        f"step {int(player.stage.lengths[row]):,} · return {player.stage.returns[row]:.2f} · "
        f"last reward {player.stage.rewards[row]:.3f}"
    )


def reward_terms(player: Player, slot: Slot) -> str:
    """The reward by term: of the episode in progress of the slot's first robot, and the mean of whole ones."""
    running = player.stage.running_terms(player.stage.rows(slot.number).start)
    means = slot.statistics.mean_terms()
    if not running:
        return "This world does not tell its reward by term."
    rows = ["| term | this episode | mean of whole ones |", "|---|---|---|"]
    rows += [f"| {escaped(name)} | {value:.3f} | {_number(means.get(name), 3)} |" for name, value in running.items()]
    return "\n".join(rows)


def observed(player: Player, slot: Slot) -> str:
    """What the slot's first robot observes and did, by name and place."""
    values = player.stage.observed(slot.number)
    terms = player.stage.observation_terms()
    rows = ["| observed | place | now |", "|---|---|---|"]
    if isinstance(values, dict):
        rows += [f"| {escaped(str(name))} | | {_values(part[0].reshape(-1))} |" for name, part in values.items()]
    else:
        flat = values[0].reshape(-1)  # type: ignore[index]
        for term in terms if flat.size <= 4000 else []:
            unit = f" {escaped(term.unit)}" if term.unit else ""
            rows.append(f"| {escaped(term.name)} | {term.start}:{term.stop} | {_values(flat[term.slice])}{unit} |")
        if len(rows) == 2:
            rows.append(f"| a picture | | {'×'.join(map(str, values[0].shape))} |")  # type: ignore[index]
    rows += ["| **action** | | |", *_actions(player, slot)]
    return "\n".join(rows)


def _actions(player: Player, slot: Slot) -> list[str]:
    if player.actions is None or len(player.actions) != player.stage.count:
        return []
    action = player.actions[player.stage.rows(slot.number)][0].reshape(-1)
    terms = player.stage.action_terms()
    if len(terms) == 1 and terms[0].choices:
        choice = terms[0].choices[int(action[0]) - int(terms[0].low)]
        return [f"| {escaped(terms[0].name)} | | {int(action[0])}: {escaped(choice)} |"]
    return [f"| {escaped(term.name)} | {term.index} | {action[term.index]:.3f} |" for term in terms[:MAX_OBSERVED]]


def _values(values: Any) -> str:
    shown = " ".join(f"{float(value):.2f}" for value in values[:12])
    return shown if len(values) <= 12 else f"{shown} … ({len(values)})"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
