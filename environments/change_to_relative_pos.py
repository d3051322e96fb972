"""``python -m environments.change_to_relative_pos``: a dataset whose positions are relative to the target."""

import dataclasses
from pathlib import Path

from srl3.errors import UserError, run_command
from srl3.flags import Parser

EXAMPLES = """examples:
  python -m environments.change_to_relative_pos --data-src data/mobile_r --data-dst data/mobile_r_relative
"""


def make_parser() -> Parser:
    """The flags of ``change_to_relative_pos``."""
    parser = Parser(
        prog="python -m environments.change_to_relative_pos",
        description="Copy a dataset with the target's position subtracted from the agent's; the source is only read.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--data-src", type=Path, required=True, metavar="DATASET", help="the dataset to copy")
    parser.add_argument("--data-dst", type=Path, required=True, metavar="DATASET", help="the new one")
    parser.add_argument("-f", "--force", action="store_true", help="replace a dataset that is at the new one's place")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check, copy, print; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    source, target = arguments.data_src, arguments.data_dst
    if target.resolve() == source.resolve():
        raise UserError(f"{target} is the source, which is not changed; name another place for the new dataset.")

    from environments.datasets.copying import check_can_be_relative, copy_steps
    from environments.datasets.dataset import open_dataset
    from environments.datasets.writer import DatasetWriter
    from srl3.runtime.progress import Progress
    from srl3.runtime.room import full_disk_is_said

    dataset = open_dataset(source)
    check_can_be_relative(dataset)
    info = dataclasses.replace(
        dataset.info, relative_pos=True, env_kwargs={**dataset.info.env_kwargs, "relative_pos": True}
    )
    with (
        full_disk_is_said(target),
        DatasetWriter(target, info, overwrite=arguments.force) as writer,
        Progress(len(dataset), "frames", not arguments.no_progress) as progress,
    ):
        copy_steps(dataset, writer, progress, to_relative=True)
        writer.finish()
    print(f"{target}: {dataset.episodes:,} episodes, {len(dataset):,} frames, positions relative to the target")
    return 0


if __name__ == "__main__":
    run_command(main)
