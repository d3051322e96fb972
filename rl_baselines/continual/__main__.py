"""``python -m rl_baselines.continual``."""

from rl_baselines.continual import main
from srl3.errors import run_command

if __name__ == "__main__":
    run_command(main)
