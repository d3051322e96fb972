"""``python -m environments.dataset_merger``: several datasets as one; the sources stay as they are."""

from pathlib import Path

from srl3.errors import UserError, run_command
from srl3.flags import Parser

EXAMPLES = """examples:
  python -m environments.dataset_merger --merge data/circle data/square data/both
  python -m environments.dataset_merger --merge data/circle data/square data/both \\
      --continual-learning-labels CC SQC --timesteps 15000 -1
"""
ALL = -1
OF_TEACHERS = {
    "action_probabilities": "action probabilities",
    "action_means": "means of actions",
    "action_stds": "standard deviations of actions",
    "teacher_actions": "the teachers' actions",
}
"""what only some datasets have, in words"""


def make_parser() -> Parser:
    """The flags of ``dataset_merger``."""
    parser = Parser(
        prog="python -m environments.dataset_merger",
        description="Merge datasets of one environment, frame size and kind of actions. The sources are only read.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "--merge", nargs="+", type=Path, required=True, metavar="DATASET", help="two or more sources, then the new one"
    )
    parser.add_argument("-f", "--force", action="store_true", help="replace a dataset that is at the new one's place")
    parser.add_argument(
        "--timesteps", nargs="+", type=int, metavar="N", help="first steps to take of each source; -1 takes all"
    )
    parser.add_argument(
        "--continual-learning-labels", nargs="+", metavar="LABEL", help="the task of each source, kept with every step"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check, merge, print; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    *sources, target = arguments.merge
    if len(sources) < 2:
        raise UserError("--merge takes two or more sources, then the new dataset: --merge A B NEW.")
    for flag, values in (
        ("--timesteps", arguments.timesteps),
        ("--continual-learning-labels", arguments.continual_learning_labels),
    ):
        if values is not None and len(values) != len(sources):
            raise UserError(f"{flag} takes one for each of the {len(sources)} sources, not {len(values)}.")
    if any(number != ALL and number < 1 for number in arguments.timesteps or []):
        raise UserError("--timesteps are at least 1 each, or -1 for all.")
    if target.resolve() in [source.resolve() for source in sources]:
        raise UserError(f"{target} is a source, and sources are not changed; name another place for the new dataset.")

    from environments.datasets.copying import copy_steps
    from environments.datasets.dataset import open_dataset
    from environments.datasets.merging import merged_info
    from environments.datasets.writer import DatasetWriter
    from srl3.runtime.progress import Progress
    from srl3.runtime.room import full_disk_is_said

    datasets = [open_dataset(source) for source in sources]
    labels = arguments.continual_learning_labels
    info = merged_info(datasets, labels)
    limits = [None if number == ALL else number for number in arguments.timesteps or [ALL] * len(datasets)]
    for dataset, limit in zip(datasets, limits, strict=True):
        if limit is not None and limit > len(dataset):
            raise UserError(f"--timesteps {limit:,} are more than the {len(dataset):,} steps of {dataset.path}.")
    left_out = [name for name in OF_TEACHERS if not all(name in dataset.arrays() for dataset in datasets)]
    total = sum(limit or len(dataset) for dataset, limit in zip(datasets, limits, strict=True))
    with (
        full_disk_is_said(target),
        DatasetWriter(target, info, overwrite=arguments.force) as writer,
        Progress(total, "frames", not arguments.no_progress) as progress,
    ):
        for number, (dataset, limit) in enumerate(zip(datasets, limits, strict=True)):
            copy_steps(
                dataset,
                writer,
                progress,
                limit=limit,
                label=labels[number] if labels else None,
                leave_out=left_out,
            )
        writer.finish()
    merged = open_dataset(target)
    print(f"{target}: {merged.episodes:,} episodes, {len(merged):,} frames from {len(datasets)} datasets")
    for number, (dataset, limit) in enumerate(zip(datasets, limits, strict=True)):
        task = f", task {labels[number]}" if labels else ""
        print(f"  {dataset.path}: {limit or len(dataset):,} of {len(dataset):,} frames{task}")
    for name in left_out:
        if any(name in dataset.arrays() for dataset in datasets):
            print(f"{OF_TEACHERS[name]} were left out: not all sources have them")
    return 0


if __name__ == "__main__":
    run_command(main)
