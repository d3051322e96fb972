"""``python -m rl_baselines.play``: watch policies live."""

from rl_baselines.play import main
from srl3.errors import run_command

if __name__ == "__main__":
    run_command(main)
