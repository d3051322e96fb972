"""``python -m state_representation.train``: learns a state representation from a dataset."""

import argparse
import dataclasses
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_float, positive_number, seed_number
from srl3.os_errors import DISK_FULL
from srl3.runtime.progress import Progress
from srl3.runtime.shell import flags_text, python_command
from state_representation.store.log_folder import LogFolder
from state_representation.store.loss_terms import (
    DEFAULT_WEIGHTS,
    UNTRAINED,
    parse_losses,
    preset_losses,
    registered_name,
)
from state_representation.store.train_config import TrainConfig, dataset_name, read_exp_config, write_exp_config

if TYPE_CHECKING:
    from environments.datasets.dataset import Dataset
    from state_representation.learning.learner import Learner

EXAMPLES = """examples:
  python -m state_representation.train --data-folder data/mobile_r --srl-model srl_splits --register
  python -m state_representation.train --data-folder data/mobile_r --losses autoencoder:1:198 reward:1:-1 inverse:2:2
  python -m state_representation.train --data-folder data/kuka --losses vae --beta 4 --state-dim 32 --epochs 50
  python -m state_representation.train --resume logs/mobile_r/26-11-20_10h00_00_custom_cnn_ST_DIM200_inverse --epochs 60
"""
MODEL_TYPES = ("custom_cnn", "spatial_softmax", "mlp", "linear", "resnet")
RESUME_FLAGS = {"resume", "epochs", "device", "no_progress", "register", "srl_config_file"}


def share(text: str) -> float:
    """A number between 0 and 1, both excluded."""
    number = positive_float(text)
    if number >= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not below 1")
    return number


def weight(text: str) -> float:
    """A finite number of at least 0."""
    try:
        return 0.0 if text.strip() in ("0", "0.0") else positive_float(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of at least 0") from None


def set_size(text: str) -> int:
    """A number of steps, or -1 for all."""
    return -1 if text.strip() == "-1" else positive_number(text)


def make_parser() -> Parser:
    """The flags of ``state_representation.train``."""
    defaults = TrainConfig("", "", ())
    parser = Parser(
        prog="python -m state_representation.train",
        description="Learn a state representation from a dataset; the best epoch by validation loss is kept.",
        epilog=EXAMPLES,
    )
    parser.moved = {"--no-cuda": "use --device cpu"}
    parser.add_argument("--data-folder", metavar="FOLDER", help="the dataset (needed unless --resume)")
    parser.add_argument(
        "--log-folder", type=Path, metavar="FOLDER", help="where it goes; else logs/<dataset>/<time>_<model>_…"
    )
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with a training, with its own settings")
    what = parser.add_argument_group("what is learned")
    what.add_argument(
        "--losses",
        nargs="+",
        metavar="NAME[:WEIGHT[:DIM]]",
        help="losses, their weights, the part of the state that each sees (-1 shares the part before): "
        + ", ".join(DEFAULT_WEIGHTS),
    )
    what.add_argument("--srl-model", metavar="NAME", help="a registered representation, which stands for its losses")
    what.add_argument("--state-dim", type=positive_number, help=f"numbers per state ({defaults.state_dim})")
    what.add_argument("--model-type", choices=MODEL_TYPES, default=defaults.model_type, help="encoder")
    what.add_argument(
        "--inverse-model-type", choices=("linear", "mlp"), default=defaults.inverse_model_type, help="of inverse"
    )
    what.add_argument("--beta", type=weight, default=defaults.beta, help="weight of a VAE's KL divergence")
    what.add_argument("--path-to-dae", default="", metavar="FOLDER", help="log folder of a dae, for perceptual")
    what.add_argument(
        "--occlusion-percentage",
        type=share,
        default=defaults.occlusion_percentage,
        help="greatest share of a frame's side that dae hides",
    )
    what.add_argument("--relative-pos", action="store_true", help="supervised learns the agent relative to the target")
    how = parser.add_argument_group("how it is learned")
    how.add_argument("--epochs", type=positive_number, default=defaults.epochs, help="passes over the data")
    how.add_argument("-bs", "--batch-size", type=positive_number, default=defaults.batch_size, help="minibatch")
    how.add_argument(
        "-lr", "--learning-rate", type=positive_float, default=defaults.learning_rate, help="of Adam; falls to 0"
    )
    how.add_argument("--l1-reg", type=weight, default=defaults.l1_reg, help="weight of the sum of absolute weights")
    how.add_argument("--l2-reg", type=weight, default=defaults.l2_reg, help="weight of the sum of squared weights")
    how.add_argument("--training-set-size", type=set_size, default=-1, help="steps of the dataset used; -1 for all")
    how.add_argument("--balanced-sampling", action="store_true", help="draw every reward as often as the others")
    how.add_argument("--val-size", type=share, default=defaults.val_size, help="share of the episodes held out")
    how.add_argument(
        "--seed", type=seed_number, default=defaults.seed, help="of weights, order and noise; -1 draws one"
    )
    how.add_argument("--device", default="auto", help="torch device")
    how.add_argument("--no-progress", action="store_true", help="no progress bar")
    use = parser.add_argument_group("using it")
    use.add_argument("--register", action="store_true", help="enter it into --srl-config-file when it is learned")
    use.add_argument("--srl-config-file", type=Path, metavar="FILE", help="(config/srl_models.yaml)")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, learn, write; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    if arguments.resume is not None:
        folder, config = _resumed(arguments, given)
    else:
        folder, config = None, _configured(arguments)

    from environments.datasets.dataset import open_dataset

    dataset = open_dataset(config.data_folder)
    if config.plan.names == ("supervised",) and folder is None and arguments.state_dim is None:
        from state_representation.learning.learner import supervised_targets

        config = dataclasses.replace(config, state_dim=supervised_targets(dataset, config.relative_pos).shape[1])
    folder = _learn(arguments, config, dataset, folder)
    _say_how_to_use(arguments, config, dataset, folder)
    return 0


def _configured(arguments: argparse.Namespace) -> TrainConfig:
    if arguments.data_folder is None:
        raise UserError("name a dataset with --data-folder, for example data/mobile_r.")
    if arguments.losses is None and arguments.srl_model is None:
        raise UserError("say what to learn: --srl-model srl_splits, or --losses autoencoder reward inverse.")
    state_dim = arguments.state_dim or TrainConfig("", "", ()).state_dim
    losses = arguments.losses or preset_losses(arguments.srl_model, state_dim)
    plan = parse_losses(losses, state_dim)
    if arguments.srl_model is not None:
        named = parse_losses(preset_losses(arguments.srl_model, state_dim), state_dim)
        if set(named.names) != set(plan.names):
            stands_for = " ".join(named.names)
            raise UserError(
                f"--srl-model {arguments.srl_model} stands for --losses {stands_for}; leave one of them out."
            )
    seed = arguments.seed
    if seed == -1:
        import secrets

        seed = secrets.randbelow(2**31)
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    flags = {name: value for name, value in vars(arguments).items() if name in names}
    return TrainConfig(
        **{
            **flags,
            "srl_model": arguments.srl_model or registered_name(plan),
            "losses": plan.texts,
            "state_dim": state_dim,
            "seed": seed,
        }
    )


def _resumed(arguments: argparse.Namespace, given: set[str]) -> tuple[LogFolder, TrainConfig]:
    other = sorted(given - RESUME_FLAGS)
    if other:
        flag = f"--{other[0].replace('_', '-')}"
        raise UserError(f"--resume goes on with the settings of that training; leave out {flag}.")
    folder = LogFolder(arguments.resume)
    config = TrainConfig.from_dict(read_exp_config(folder))
    if "epochs" in given:
        config = dataclasses.replace(config, epochs=arguments.epochs)
    return folder, config


def _learn(
    arguments: argparse.Namespace, config: TrainConfig, dataset: "Dataset", resumed: LogFolder | None
) -> LogFolder:
    """Learn and write everything; the folder of the result."""
    from state_representation.judging.outputs import encoder_info

    learner = None
    if config.plan.names != ("pca",):
        from state_representation.learning.learner import Learner

        learner = Learner(config, dataset, arguments.device)
        if resumed is not None and learner.optimizer is not None:
            learner.resume(resumed)
            done = learner.history.epochs
            if done >= config.epochs and not set(config.plan.names) <= set(UNTRAINED):
                raise UserError(f"{resumed.path} has {done} epochs already; give --epochs a larger number.")
    folder = resumed or _new_folder(arguments, config)
    with _kept_when_stopped(folder, new=resumed is None):
        write_exp_config(folder, config, encoder_info(config, dataset).as_dict())
        if learner is None:
            _fit_pca(config, dataset, folder)
        elif set(config.plan.names) <= set(UNTRAINED):
            learner.settle_batch_norms()
            learner.save_model(folder)
            learner.save_history(folder)
        else:
            _run_epochs(learner, folder, not arguments.no_progress)
        _finish(arguments, config, dataset, folder, learner)
    return folder


def _run_epochs(learner: "Learner", folder: LogFolder, progress: bool) -> None:
    from torch.utils.tensorboard import SummaryWriter

    from srl3.runtime.console import full_disk_said_once

    config = learner.config
    left = config.epochs - learner.history.epochs
    with (
        full_disk_said_once(),
        Progress(left * learner.batches_per_epoch, "batches", progress) as bar,
        SummaryWriter(str(folder.tensorboard)) as board,
    ):
        while learner.history.epochs < config.epochs:
            epoch = 1 + learner.history.epochs
            kept = learner.history.validation[-1]["total"] if learner.history.validation else None
            said = "" if kept is None else f", validation {kept:.4g}"

            def show(found: dict[str, float], epoch: int = epoch, said: str = said) -> None:
                bar.advance(note=f"epoch {epoch}/{config.epochs}, loss {found['total']:.4g}{said}")

            learner.run_epoch(show)
            learner.save(folder)
            for side, rows in (("train", learner.history.training), ("validation", learner.history.validation)):
                for name, value in rows[-1].items():
                    board.add_scalar(f"{name}/{side}", value, epoch)


def _fit_pca(config: TrainConfig, dataset: "Dataset", folder: LogFolder) -> None:
    from state_representation.encoding.encoder import ENCODER_PREFIX, write_tensors
    from state_representation.learning.pca import fit_pca

    tensors = fit_pca(config, dataset).state_dict()
    write_tensors(folder.model, {ENCODER_PREFIX + name: tensor for name, tensor in tensors.items()})


def _finish(
    arguments: argparse.Namespace,
    config: TrainConfig,
    dataset: "Dataset",
    folder: LogFolder,
    learner: "Learner | None",
) -> None:
    from state_representation.encoding.encoder import load_encoder
    from state_representation.judging.outputs import encode_dataset, encoder_info, write_states

    encoder = load_encoder(folder.path, arguments.device)
    with Progress(len(dataset), "frames", not arguments.no_progress) as bar:
        states = encode_dataset(encoder, dataset, bar.advance)
    write_states(folder, dataset, states)
    info = encoder_info(config, dataset, encoder.info.fingerprint)
    history = learner.history if learner is not None else None
    write_exp_config(folder, config, info.as_dict(), best_epoch=history.best_epoch if history else 0)
    print(f"{config.srl_model}, {config.state_dim} numbers per state: {folder.path}")
    if history is not None and history.epochs:
        best = history.validation[history.best_epoch - 1]
        losses = ", ".join(f"{name} {value:.4g}" for name, value in best.items())
        print(f"best of {history.epochs} epochs is {history.best_epoch}, with these validation losses: {losses}")


def _say_how_to_use(arguments: argparse.Namespace, config: TrainConfig, dataset: "Dataset", folder: LogFolder) -> None:
    from state_representation.store.find import SRL_MODELS
    from state_representation.store.register import entry, register, section_text

    file = arguments.srl_config_file or SRL_MODELS
    env_id = dataset.info.env_id
    print(f"judge it: {python_command('state_representation.evaluate', '--log-dir', folder.path)}")
    if arguments.register:
        register(file, env_id, config.srl_model, folder.path)
        print(f"entered into {file}: --env {env_id} --srl-model {config.srl_model} is this one now")
    else:
        print(f"to use it by name, run with --register, or write into {file}:")
        values = entry(file, env_id, config.srl_model, folder.path)
        print(section_text(env_id, values), end="")


def _new_folder(arguments: argparse.Namespace, config: TrainConfig) -> LogFolder:
    if arguments.log_folder is None:
        time = datetime.now().strftime("%y-%m-%d_%Hh%M_%S")
        losses = "_".join(config.plan.names)
        name = f"{time}_{config.model_type}_ST_DIM{config.state_dim}_{losses}"
        folder = LogFolder(Path("logs") / dataset_name(config.data_folder) / name)
    else:
        folder = LogFolder(arguments.log_folder)
    if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
        raise UserError(f"{folder.path} is not empty; name another --log-folder, or go on with --resume.")
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder.path} can't be made ({error.strerror}); name another --log-folder.") from None
    return folder


@contextmanager
def _kept_when_stopped(folder: LogFolder, new: bool) -> Iterator[None]:
    """When the block is stopped, what was finished stays and is named; a new folder without a model goes away."""
    try:
        yield
    except BaseException as error:
        finished = folder.training_state.is_file()
        if finished:
            flags = flags_text("--resume", folder.path)
            print(f"the epochs that were finished are kept; go on with {flags}", file=sys.stderr)
        elif new:
            shutil.rmtree(folder.path, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            kept = f"{folder.path} keeps the epochs that were finished" if finished else "nothing was written"
            raise UserError(f"the disk is full, and {kept}; free some space and try again.") from None
        raise


if __name__ == "__main__":
    run_command(main)
