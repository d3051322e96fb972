"""``python -m rl_baselines.plots``: learning curves, comparisons, aggregate metrics, result tables."""

from rl_baselines.plots import main
from srl3.errors import run_command

if __name__ == "__main__":
    run_command(main)
