"""``python -m rl_baselines.export``: its flags, and what each does. Imports nothing heavy: ``--help`` is quick."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from environments.flags import add_env_package_flag
from rl_baselines.checkpoints.foreign.said import Said, add_foreign_flags
from rl_baselines.export.formats.registry import FORMATS
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR, RunFolder, find_checkpoint, find_run
from srl3.errors import UserError
from srl3.files import check_target, write_text
from srl3.flags import Parser

if TYPE_CHECKING:
    from rl_baselines.checkpoints.archive import Checkpoint

EXAMPLES = """examples:
  python -m rl_baselines.export logs/AntGymEnv-v0 -o policy.onnx --runner
  python -m rl_baselines.export --show policy.onnx
  python -m rl_baselines.export logs/AntGymEnv-v0 --verify policy.onnx
  python -m rl_baselines.export logs/AntGymEnv-v0 --format c -o policy.h
"""
NEEDED = ("onnx", "onnxruntime", "onnxscript", "jsonschema")


def make_parser() -> Parser:
    """The flags of ``export``."""
    parser = Parser(
        prog="python -m rl_baselines.export",
        description="Write a trained policy to a file that runs without SRL3 and says what it is; show or check one.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="checkpoint, run folder, folder above runs, part of a run's name"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to; else policy.onnx in the run folder"
    )
    add_env_package_flag(parser)
    parser.add_argument(
        "--checkpoint", default="best", metavar="WHICH", help="best, latest, a number of steps, or a file of the run"
    )
    parser.add_argument("--format", choices=list(FORMATS), default="onnx", help=_formats())
    acting = parser.add_mutually_exclusive_group()
    acting.add_argument(
        "--deterministic",
        action="store_true",
        help="the most probable action comes out, and nothing else (the default)",
    )
    acting.add_argument(
        "--stochastic", action="store_true", help="mean and standard deviation of continuous actions come out too"
    )
    parser.add_argument("--float32", action="store_true", help="no number in the file is a float64")
    parser.add_argument(
        "--runner",
        action="store_true",
        help="put policy_runner.py (NumPy and onnxruntime alone) beside it, or policy_example.c beside a header",
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--show", type=Path, metavar="FILE", help="print what goes in and out of an exported file")
    other.add_argument(
        "--verify",
        type=Path,
        metavar="FILE",
        help="check an exported file, against RUN or the run folder that it is in; status 1 where it fails",
    )
    parser.add_argument("--json", action="store_true", help="with --show: the contract as JSON")
    add_foreign_flags(parser)
    return parser


def _formats() -> str:
    return ", ".join(f"{name}: {each.summary}" for name, each in FORMATS.items())


def run(argv: list[str] | None = None) -> int:
    """Parse and do; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    if arguments.json and arguments.show is None:
        raise UserError("--json goes with --show FILE; the contract is what it prints.")
    check_needs()
    if arguments.show is not None:
        return _show(arguments, given)
    if arguments.verify is not None:
        return _verify(arguments, given)
    return _export(arguments)


def check_needs() -> None:
    """Refuse to begin where a package of the extra is missing.

    Raises:
        UserError: naming it.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        from srl3.runtime.installation import install_command

        raise UserError(f"export needs {missing[0]}, which is not installed; run: {install_command('export')}")


def choose_checkpoint(spec: str, which: str = "best") -> Path:
    """The checkpoint that ``--checkpoint`` names.

    Args:
        spec: what the user calls the run, or a checkpoint itself.
        which: ``best`` (else the latest), ``latest``, a number of steps, or a file's name.

    Raises:
        UserError: for a miss, saying what is there.
    """
    if which == "best":
        return find_checkpoint(spec, DEFAULT_LOG_DIR)
    found = find_run(spec, DEFAULT_LOG_DIR)
    number = which.replace("_", "")
    path = found.latest if which == "latest" else found.path / which
    if number.isdecimal():
        path = found.checkpoint(int(number))
    if not path.is_file():
        there = [file.name for file in (found.best_model, found.latest) if file.is_file()]
        there += [file.name for file in found.numbered()]
        raise UserError(f"{found.path} has no checkpoint {which}; it has {', '.join(there) or 'none yet'}.")
    return path


def _export(arguments: argparse.Namespace) -> int:
    if arguments.run is None:
        raise UserError("name a run to export, or a file to --show or --verify; see --help.")
    path = choose_checkpoint(arguments.run, arguments.checkpoint)
    output = arguments.output or _beside(path) / f"policy{FORMATS[arguments.format].ending}"
    check_target(output, (FORMATS[arguments.format].ending,), f"--format {arguments.format}")

    from rl_baselines.export.write import export_policy

    checkpoint = _opened(arguments, path)
    lines = export_policy(
        checkpoint, output, form=arguments.format, stochastic=arguments.stochastic, float32=arguments.float32
    )
    print(
        f"{path}: {checkpoint.info.algo} on {checkpoint.info.env_id}, {checkpoint.info.num_timesteps:,} steps trained"
    )
    print("\n".join(lines))
    print(f"written: {output} ({output.stat().st_size / 1024:.0f} kB)")
    if arguments.runner:
        source, name = FORMATS[arguments.format].runner
        runner = output.with_name(name)
        text = Path(__file__).with_name(source).read_text(encoding="utf-8")
        write_text(runner, text.replace('"policy.h"', f'"{output.name}"'))
        print(f"written: {runner}")
    return 0


def _show(arguments: argparse.Namespace, given: set[str]) -> int:
    _refuse(
        given, "--show", "runner", "output", "stochastic", "deterministic", "float32", "format", "checkpoint", "run"
    )
    import json

    from rl_baselines.export.reader import read_exported
    from rl_baselines.export.tables import contract_tables

    contract = read_exported(arguments.show).contract
    print(json.dumps(contract, indent=1) if arguments.json else contract_tables(contract))
    return 0


def _verify(arguments: argparse.Namespace, given: set[str]) -> int:
    _refuse(given, "--verify", "runner", "output", "stochastic", "deterministic", "float32", "format")
    from rl_baselines.export.reader import read_exported
    from rl_baselines.export.verify import Mismatch, verify

    file = read_exported(arguments.verify)
    checkpoint = _checkpoint_of(arguments, file.contract["checkpoint"]["sha256"])
    try:
        for line in verify(file, checkpoint):
            print(line)
    except Mismatch as difference:
        print(f"{arguments.verify} fails: {difference}", file=sys.stderr)
        return 1
    against = "by itself (name its RUN to compare it with the checkpoint)" if checkpoint is None else checkpoint.path
    print(f"{arguments.verify} holds, against {against}" if checkpoint else f"{arguments.verify} holds, {against}")
    return 0


def _checkpoint_of(arguments: argparse.Namespace, sha256: str) -> "Checkpoint | None":
    """The checkpoint that the user named, else the one in the file's own run folder that it says it is of."""
    from rl_baselines.checkpoints.archive import load_checkpoint
    from rl_baselines.export.contract import file_sha256

    if arguments.run is not None:
        return _opened(arguments, choose_checkpoint(arguments.run, arguments.checkpoint))
    folder = RunFolder(_beside(arguments.verify))
    for path in (folder.best_model, folder.latest, *folder.numbered()):
        if path.is_file() and file_sha256(path) == sha256:
            return load_checkpoint(path)
    return None


def _opened(arguments: argparse.Namespace, path: Path) -> "Checkpoint":
    from rl_baselines.checkpoints.foreign.opened import check_said, open_checkpoint

    said = Said(arguments.algo, arguments.env, {}, arguments.trust_pickle)
    checkpoint = open_checkpoint(path, said)
    check_said(checkpoint, said)
    return checkpoint


def _refuse(given: set[str], mode: str, *names: str) -> None:
    for name in names:
        if name in given:
            flag = "RUN" if name == "run" else f"--{name}"
            raise UserError(f"{mode} takes no {flag}; leave it out.")


def _beside(path: Path) -> Path:
    folder = path.absolute().parent
    return folder.parent if folder.name == "checkpoints" else folder
