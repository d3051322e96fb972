"""The flags of ``play``. Imports nothing heavy: ``--help`` is quick."""

import argparse
from pathlib import Path

from environments.flags import add_env_flags
from rl_baselines.checkpoints.foreign.said import add_foreign_flags
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR
from srl3.flags import Parser, port_number, positive_float, positive_number, seed_number

EXAMPLES = """examples:
  python -m rl_baselines.play --run logs/AntGymEnv-v0                       the newest run there, followed live
  python -m rl_baselines.play --run Ant --wait                              begins as soon as there is such a run
  python -m rl_baselines.play --compare logs/A logs/B/checkpoints/model_10000_steps.zip random
  python -m rl_baselines.play --run logs/A --viewer none --json             what happens, for a program
  python -m rl_baselines.play --run logs/A --viewer native                  in MuJoCo's own window
  python -m rl_baselines.play --recording logs/A                            what was recorded, with a time line
  python -m rl_baselines.play --run logs/A --serve                          where it is trained, and elsewhere:
  python -m rl_baselines.play --run http://127.0.0.1:8700
"""


def make_parser() -> Parser:
    """The flags of ``play``."""
    parser = Parser(
        prog="python -m rl_baselines.play",
        description="Watch policies live: of a training that runs, of runs that are over, several side by side.",
        epilog=EXAMPLES,
    )
    what = parser.add_argument_group("what to watch")
    what.add_argument(
        "--run",
        "--experiment",
        dest="run",
        metavar="RUN",
        help="run folder, folder above runs, part of a run's name, checkpoint, or an address of --serve; "
        "or an agent: random, zero",
    )
    what.add_argument("--compare", nargs="+", metavar="RUN", default=[], help="several of these, side by side")
    what.add_argument("--env", help="the world, where no checkpoint says it")
    what.add_argument("--state", type=Path, metavar="FILE", help="go on from a moment that the page saved")
    what.add_argument(
        "--recording", metavar="RECORDING", help="trajectories that a training recorded: a file, or a run that has some"
    )
    what.add_argument("--log-dir", type=Path, default=DEFAULT_LOG_DIR, help="where runs are looked for by name")
    what.add_argument("--wait", action="store_true", help="wait for runs that are not there yet")

    far = parser.add_argument_group("from another machine")
    far.add_argument(
        "--serve",
        action="store_true",
        help="only offer the run, to be read by play --run http://127.0.0.1:PORT at the other end of ssh -L",
    )
    far.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="with --serve: who watches must have a copy of this file, which is made; with an address: the copy",
    )

    how = parser.add_argument_group("how")
    how.add_argument("--num-envs", type=positive_number, default=1, help="robots of each policy")
    how.add_argument("--seed", type=seed_number, default=0, help="of the worlds and of drawn actions")
    acting = how.add_mutually_exclusive_group()
    acting.add_argument("--deterministic", action="store_true", help="the most probable actions")
    acting.add_argument("--stochastic", action="store_true", help="drawn actions; with neither flag as in enjoy")
    how.add_argument(
        "--speed", type=speed_number, default=1.0, help="of the world's time: 0.1 to 10, or max for as fast as it goes"
    )
    how.add_argument("--reset-on-load", action="store_true", help="begin new episodes with each new checkpoint")
    how.add_argument("--device", default="cpu", help="torch device")

    view = parser.add_argument_group("view")
    view.add_argument(
        "--viewer",
        choices=["web", "native", "none"],
        default="web",
        help="a page in the browser, MuJoCo's own window (its worlds only), or lines only",
    )
    view.add_argument(
        "--port", type=port_number, help="of the page (else the first free one from 8787 on), or of --serve (8700)"
    )
    view.add_argument("--fps", type=positive_float, default=15.0, help="pictures per second, at most")
    view.add_argument("--num-episodes", type=positive_number, help="end after so many episodes (viewer none)")
    view.add_argument("--json", action="store_true", help="an object in each line (viewer none)")

    add_foreign_flags(parser, env=False)
    add_env_flags(parser)
    return parser


def speed_number(text: str) -> float:
    """A speed; ``max`` is infinite."""
    if text == "max":
        return float("inf")
    speed = positive_float(text)
    if not 0.01 <= speed <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a speed from 0.01 to 100, or max")
    return speed
