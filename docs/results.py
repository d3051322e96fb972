"""The tables of docs/results.md, from config/results.yaml.

    python -m docs.results

writes each between ``<!-- table NAME -->`` and ``<!-- end of NAME -->``; what stands around them stays.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from config.results import Training, trainings
from srl3.errors import run_command
from srl3.files import write_text

PAGE = Path(__file__).parent / "results.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [" | ".join(cells).join(("| ", " |")) for cells in (head, *rows)]
    lines.insert(1, "|---" * len(head) + "|")
    return "\n".join(re.sub(r"\|  (?=\|)", "| ", line) for line in lines)


def by_seed(rows: Sequence[Training], bound: str) -> str:
    """A row for each task, a column for each seed, and the aim or the oracle's return (``bound``)."""

    def cells(each: Training) -> list[str]:
        case = str(each.more["case"]) + (f" (`{each.flags}`)" if each.flags else "")
        returns = [f"{mean:.2f} ± {deviation:.2f}" for mean, deviation in each.returns]
        digits = 1 if bound == "aim" else 2
        return [case, *returns, f"{each.more[bound]:.{digits}f}", ", ".join(map(str, each.more["seconds"]))]

    seeds = [f"seed {number}" for number in range(len(rows[0].returns))]
    head = ("actions and target", *seeds, bound, "wall time of a training, seconds")
    return table(head, [cells(each) for each in rows])


def others(rows: Sequence[Training]) -> str:
    """A row for each training of one seed, with the oracle's and the random agent's returns."""

    def cells(each: Training) -> tuple[str, ...]:
        ((mean, deviation),) = each.returns
        earned = f"{mean:.2f} ± {deviation:.2f}, {each.acting}"
        bounds = (f"{each.more[name]:.2f}" for name in ("oracle", "random"))
        return (each.world, f"`{each.command_flags()}`", earned, *bounds)

    return table(("world", "flags", "return", "oracle", "random agent"), [cells(each) for each in rows])


def ant(rows: Sequence[Training]) -> str:
    """Million steps and seconds at which the training return passed each threshold, by seed."""
    thresholds = rows[0].more["thresholds"]
    lines = []
    for each in rows:
        for seed, curve in enumerate(each.more["curves"]):
            label = f"`{each.flags}`, seed {seed}" if each.flags else f"seed {seed}"
            passed = [curve.get(threshold, ("", "")) for threshold in thresholds]
            ended = f"{each.steps[seed] / 1e6:.1f}: {each.more['ended'][seed]:,}"
            lines.append([f"{label}, million steps", *(str(steps) for steps, _ in passed), ended])
            seconds = [str(second) for _, second in passed]
            lines.append([f"{label}, seconds", *seconds, str(each.more["seconds"][0])])
    head = ("training return", *(f"{threshold:,}" for threshold in thresholds), "when it was ended")
    return table(head, lines)


def gpu(rows: Sequence[Training]) -> str:
    """What many robots on a GPU reach, and how fast."""

    def cells(each: Training) -> tuple[str, ...]:
        quarters = ", ".join(f"{value:,}" for value in each.more["quarters"])
        pace = f"{each.more['steps_per_second']:,}"
        name = each.world.removesuffix("GymEnv-v0")
        return (name, f"{each.mean_steps / 1e6:.1f}M", pace, quarters, str(each.more["judged"]))

    head = (
        "world",
        "steps",
        "steps/s",
        "training return at 1/4, 1/2, 3/4 and the end",
        "the policy in MuJoCo's own engine, 200 episodes",
    )
    return table(head, [cells(each) for each in rows])


def gaits(rows: Sequence[Training]) -> str:
    """How trained robots walk, as docs/gaits.py prints it."""
    return judged(rows, 200)


def hands(rows: Sequence[Training]) -> str:
    """What trained hands do, as docs/hands.py prints it."""
    return judged(rows, 100)


def judged(rows: Sequence[Training], episodes: int) -> str:
    """A row for each training, or each of its seeds, with what a command of docs/ says of so many episodes."""

    def cells(each: Training) -> list[tuple[str, ...]]:
        name = each.world.removesuffix("GymEnv-v0") + (f", `{each.flags}`" if each.flags else "")
        said, seconds = each.more["judged"], each.more["seconds"]
        if isinstance(said, str):
            return [(name, f"{each.mean_steps:,}", str(seconds), said)]
        steps = each.steps * (len(said) // len(each.steps))
        by_seed = zip(steps, seconds, said, strict=True)
        return [(f"{name}, seed {seed}", f"{row[0]:,}", str(row[1]), row[2]) for seed, row in enumerate(by_seed)]

    head = ("world", "steps", "seconds", f"the policy, {episodes} episodes")
    return table(head, [line for each in rows for line in cells(each)])


def representations(rows: Sequence[Training]) -> str:
    """What policies earn on each representation, as docs/representation_table.py prints it."""

    def cells(each: Training) -> tuple[str, ...]:
        judged = (f"{each.more[name]:.3f}" if name in each.more else "–" for name in ("gtc", "knn"))
        seeds = ", ".join(f"{mean:.1f}" for (mean,) in each.returns)
        return (each.srl_model, *judged, str(each.more["earned"]), seeds)

    return table(("observation", "GTC mean", "KNN-MSE", "return", "seed by seed"), [cells(each) for each in rows])


TABLES: dict[str, Callable[[Sequence[Training]], str]] = {
    "kuka": lambda rows: by_seed(rows, "aim"),
    "mobile_robot": lambda rows: by_seed(rows, "oracle"),
    "others": others,
    "ant": ant,
    "gpu": gpu,
    "humanoid": gaits,
    "gaits": gaits,
    "hands": hands,
    "representations": representations,
}
"""how each table of config/results.yaml is written"""


def with_tables(page: str) -> str:
    """The page with its tables made anew.

    Raises:
        ValueError: when a table has no place in it, or a place no table.
    """
    places = re.findall(r"^<!-- table (\w+) -->$", page, re.M)
    if sorted(places) != sorted(TABLES) or set(TABLES) != set(trainings()):
        raise ValueError(f"tables {sorted(trainings())}, ways to write {sorted(TABLES)}, places {sorted(places)}")
    for name, write in TABLES.items():
        start, end = f"<!-- table {name} -->\n", f"\n<!-- end of {name} -->"
        before, _, rest = page.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"table {name} has no end")
        page = f"{before}{start}\n{write(trainings()[name])}\n{end}{after}"
    return page


def main(argv: list[str] | None = None) -> None:
    """Write the tables into the page."""
    argparse.ArgumentParser(
        prog="python -m docs.results", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(argv)
    write_text(PAGE, with_tables(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    run_command(main)
