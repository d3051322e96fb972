"""``srl3 <name> …``: one console script for every command; imports a command only to run it."""

import importlib
import sys
from dataclasses import dataclass

from srl3 import __version__
from srl3.errors import UserError, run_command, unknown_name


@dataclass(frozen=True)
class Command:
    """A command by import path.

    Args:
        module: the module whose ``main(argv)`` runs it and whose ``make_parser()`` has its flags; ``python -m module``
            does the same.
        summary: what it does, for ``srl3 --help``.
    """

    module: str
    summary: str


COMMANDS: dict[str, Command] = {
    "train": Command("rl_baselines.train", "train, retrain or resume a policy"),
    "enjoy": Command("rl_baselines.enjoy", "run a trained policy: returns, a window, a film"),
    "play": Command("rl_baselines.play", "watch policies live, while they are trained or side by side"),
    "export": Command(
        "rl_baselines.export", "a policy as a file for the robot, what is in it, and a proof that it fits"
    ),
    "checkpoint_panel": Command("rl_baselines.checkpoint_panel", "choose which checkpoint a running play shows"),
    "hyperparam_search": Command("rl_baselines.hyperparam_search", "search for hyperparameters with Optuna"),
    "list": Command("rl_baselines.list", "list algorithms, environments and representations"),
    "doctor": Command("rl_baselines.doctor", "what is installed here, what works, and how to get what is missing"),
    "push_to_hub": Command("rl_baselines.push_to_hub", "a trained policy, what it earns and its film, to the hub"),
    "load_from_hub": Command("rl_baselines.load_from_hub", "a policy from the hub, into a run folder"),
    "pipeline": Command("rl_baselines.pipeline", "a grid of environments, representations, algorithms and seeds"),
    "plots": Command("rl_baselines.plots", "learning curves, comparisons, aggregate metrics, result tables"),
    "benchmark": Command("rl_baselines.benchmark", "speed of worlds and training, against bare engines and plain SB3"),
    "benchmark_agents": Command("rl_baselines.benchmark_agents", "what every trained model below a folder earns"),
    "cross_eval": Command("rl_baselines.cross_eval", "what any policies earn in any tasks, as a table and a heat map"),
    "continual": Command(
        "rl_baselines.continual", "train on tasks one after the other: fine-tune, distill, or all at once"
    ),
    "advise": Command("rl_baselines.advise", "how many environments, steps and threads suit a world and this machine"),
    "completion": Command("rl_baselines.completion", "the script that lets a shell complete srl3's commands and flags"),
    "train_reorient": Command("rl_baselines.train_reorient", "train with the flags of MuJoCo Playground's trainer"),
    "train_dexhand": Command("rl_baselines.train_dexhand", "train with the flags and files of DexHand"),
    "train_play": Command("rl_baselines.train_play", "train and watch with the keys of IsaacGymEnvs' train_play"),
    "checkpoint_control_panel": Command(
        "rl_baselines.checkpoint_control_panel", "checkpoint_panel for runs of train_play"
    ),
    "train_velocity": Command("rl_baselines.train_velocity", "train with the dotted names of mjlab"),
    "oracle": Command("environments.oracle", "what a scripted policy and a random agent earn in a world"),
    "srl_train": Command("state_representation.train", "learn a state representation from a dataset"),
    "srl_evaluate": Command("state_representation.evaluate", "how good a state representation is"),
    "srl_plot": Command("state_representation.plot", "pictures of a state representation, and a page to look around"),
    "dataset_generator": Command("environments.dataset_generator", "record a dataset of episodes"),
    "dataset_merger": Command("environments.dataset_merger", "several datasets as one"),
    "change_to_relative_pos": Command("environments.change_to_relative_pos", "a dataset with positions to the target"),
    "dataset_info": Command("environments.dataset_info", "a dataset in figures and on a contact sheet"),
    "dataset_convert": Command("environments.dataset_convert", "a dataset to the S-RL Toolbox's layout, or from it"),
}


def help_text() -> str:
    """What ``srl3 --help`` prints."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: srl3 [--help | --version] <command> …",
            "",
            "Train robot policies from pixels, ground truth or learned state representations.",
            "",
            "commands:",
            *lines,
            "",
            "srl3 <command> --help explains a command's flags.",
        ]
    )


def dispatch(argv: list[str] | None = None) -> int | None:
    """Run the command that ``argv`` begins with; returns its exit status.

    Raises:
        UserError: when there is no command of that name.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments:
        raise UserError(f"name a command: {', '.join(COMMANDS)}; srl3 --help says what they do.")
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(help_text())
        return 0
    if name == "--version":
        print(f"srl3 {__version__}")
        return 0
    if name.startswith("-"):
        raise UserError(f"unknown flag '{name}'; flags of a command come after its name, see srl3 --help.")
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    status: int | None = importlib.import_module(COMMANDS[name].module).main(rest)
    return status


def main() -> None:
    """The console script."""
    run_command(dispatch)
