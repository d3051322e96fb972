"""``python -m environments.dataset_convert``: a dataset to the S-RL Toolbox's layout, or from it to SRL3's."""

import dataclasses
from pathlib import Path

from environments.flags import add_env_package_flag
from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_number

EXAMPLES = """examples:
  python -m environments.dataset_convert --data-src data/mobile_r --data-dst srl_zoo/data/mobile_r --to reference
  python -m environments.dataset_convert --data-src srl_zoo/data/kuka_button --data-dst data/kuka_button --to packed \\
      --env KukaButtonGymEnv-v0
"""


def make_parser() -> Parser:
    """The flags of ``dataset_convert``."""
    parser = Parser(
        prog="python -m environments.dataset_convert",
        description="Copy a dataset into another layout; the source is only read.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--data-src", type=Path, required=True, metavar="DATASET", help="the dataset to copy")
    parser.add_argument("--data-dst", type=Path, required=True, metavar="DATASET", help="the new one")
    parser.add_argument(
        "--to",
        choices=("packed", "reference"),
        required=True,
        help="packed: SRL3's, all frames in one file; reference: the S-RL Toolbox's, a JPEG file for each frame",
    )
    parser.add_argument("--env", metavar="ENV", help="the environment, where the source does not name it")
    add_env_package_flag(parser)
    parser.add_argument("--quality", type=positive_number, default=95, help="of the JPEG files, 1 to 100")
    parser.add_argument("-f", "--force", action="store_true", help="replace a dataset that is at the new one's place")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check, copy, print; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    source, target = arguments.data_src, arguments.data_dst
    if target.resolve() == source.resolve():
        raise UserError(f"{target} is the source, which is not changed; name another place for the new dataset.")
    if arguments.quality > 100:
        raise UserError(f"--quality goes from 1 to 100, not {arguments.quality}.")

    from environments.datasets.copying import copy_steps
    from environments.datasets.dataset import open_dataset
    from environments.datasets.export import export_to_reference
    from environments.datasets.info import UNKNOWN_ENV
    from environments.datasets.writer import DatasetWriter
    from environments.registry import find_env
    from srl3.runtime.progress import Progress
    from srl3.runtime.room import bytes_in_words, full_disk_is_said, size_of

    dataset = open_dataset(source)
    info = dataset.info
    if arguments.env is not None:
        find_env(arguments.env)
        if info.env_id not in (UNKNOWN_ENV, arguments.env):
            raise UserError(f"{source} is of {info.env_id}, not of {arguments.env}; leave out --env.")
        dataset.info = info = dataclasses.replace(info, env_id=arguments.env)
    with (
        full_disk_is_said(target),
        Progress(len(dataset), "frames", not arguments.no_progress) as progress,
    ):
        if arguments.to == "reference":
            export_to_reference(dataset, target, progress, overwrite=arguments.force, quality=arguments.quality)
        else:
            with DatasetWriter(target, info, overwrite=arguments.force) as writer:
                copy_steps(dataset, writer, progress)
                writer.finish()
    print(
        f"{target}: {dataset.episodes:,} episodes, {len(dataset):,} frames, {bytes_in_words(size_of(target))} on disk"
    )
    return 0


if __name__ == "__main__":
    run_command(main)
