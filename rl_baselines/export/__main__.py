"""``python -m rl_baselines.export``: a policy as a file for the robot, what is in it, and a proof that it fits."""

from rl_baselines.export import main
from srl3.errors import run_command

if __name__ == "__main__":
    run_command(main)
