"""``python -m rl_baselines.train``: trains, retrains or resumes a policy."""

import shlex
import sys

from rl_baselines.training.flags import add_training_flags, request_from_flags
from rl_baselines.training.moved_flags import MOVED
from srl3.errors import run_command
from srl3.flags import Parser

EXAMPLES = """examples:
  python -m rl_baselines.train --env MobileRobotGymEnv-v0 --srl-model ground_truth --num-timesteps 200_000
  python -m rl_baselines.train --srl-model ground_truth -c -r --algo sac --hyperparam learning_rate:lin_3e-4
  python -m rl_baselines.train --load-rl-model-path logs/KukaButtonGymEnv-v0 --new-lr 1e-4
  python -m rl_baselines.train --resume logs/MobileRobotGymEnv-v0/ground_truth/ppo2
"""


def make_parser() -> Parser:
    """The flags of ``train``."""
    parser = Parser(prog="python -m rl_baselines.train", description="Train a robot policy.", epilog=EXAMPLES)
    parser.moved = MOVED
    add_training_flags(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check, train; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    command = shlex.join(["python", "-m", "rl_baselines.train", *(sys.argv[1:] if argv is None else argv)])
    request = request_from_flags(arguments, given, command)

    from rl_baselines.training.ranks.start import run_request

    return run_request(request, "rl_baselines.train", sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    run_command(main)
