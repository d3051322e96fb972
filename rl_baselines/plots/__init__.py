"""Figures of runs: reading monitor files, smoothing, learning curves, statistics over seeds.

``python -m rl_baselines.plots`` is a command too; `main` runs it.

Training and searches draw with it.
"""


def main(argv: list[str] | None = None) -> int:
    """Parse, draw or count; returns the exit status."""
    from rl_baselines.plots.command import run

    return run(argv)
