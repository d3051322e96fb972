"""Watching a policy by the flags of other systems: ``play`` with a page, or without one."""

from pathlib import Path

from rl_baselines.front_doors.shared.order import Order

HOW_TO_WATCH = "to watch it: python -m rl_baselines.play --run "
"""printed before a run's folder"""


def watch(
    spec: str,
    log_dir: Path,
    *,
    robots: int | None = None,
    headless: bool = False,
    device: str = "auto",
    wait: bool = False,
    notes: tuple[str, ...] = (),
) -> Order:
    """Show what ``spec`` names, a run or a checkpoint.

    Args:
        spec: as `rl_baselines.runs.find` takes it.
        log_dir: where runs are looked for by name.
        robots: how many are shown.
        headless: lines instead of a page.
        device: torch device; ``auto`` is the CPU, which is quick enough for a few robots.
        wait: for a run that is not there yet.
        notes: sentences for the console.
    """
    arguments = ["--run", spec, "--log-dir", str(log_dir)]
    arguments += ["--num-envs", str(robots)] if robots is not None else []
    arguments += ["--viewer", "none"] if headless else []
    arguments += ["--device", device] if device != "auto" else []
    arguments += ["--wait"] if wait else []
    return Order(calls=(("play", arguments),), notes=notes)
