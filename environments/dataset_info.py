"""``python -m environments.dataset_info``: what is in a dataset, in figures and on a contact sheet."""

import dataclasses
import json
from pathlib import Path

from srl3.errors import UserError, run_command
from srl3.flags import Parser

EXAMPLES = """examples:
  python -m environments.dataset_info data/mobile_r
  python -m environments.dataset_info data/mobile_r --contact-sheet sheet.png
"""


def make_parser() -> Parser:
    """The flags of ``dataset_info``."""
    parser = Parser(
        prog="python -m environments.dataset_info",
        description="Print a dataset's size, episodes, actions and rewards, and draw some of its frames as PNG.",
        epilog=EXAMPLES,
    )
    parser.add_argument("dataset", type=Path, help="a dataset's folder, of SRL3 or of the S-RL Toolbox")
    sheet = parser.add_mutually_exclusive_group()
    sheet.add_argument(
        "--contact-sheet", type=Path, metavar="FILE.png", help="where the picture goes; else beside the dataset"
    )
    sheet.add_argument("--no-contact-sheet", action="store_true", help="no picture")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, read, print, draw; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    folder = arguments.dataset
    sheet = arguments.contact_sheet
    if sheet is not None and sheet.suffix != ".png":
        raise UserError(f"--contact-sheet writes PNG; name a file that ends in .png, not {sheet}.")
    if sheet is not None and not sheet.absolute().parent.is_dir():
        raise UserError(f"the folder of --contact-sheet {sheet} does not exist; make it first.")

    from environments.datasets.contact_sheet import write_contact_sheet
    from environments.datasets.dataset import open_dataset
    from environments.datasets.summary import summarise
    from srl3.runtime.room import full_disk_is_said

    dataset = open_dataset(folder)
    if sheet is None and not arguments.no_contact_sheet:
        sheet = folder.resolve().with_suffix(".png") if not folder.suffix else Path(f"{folder.resolve()}.png")
    if sheet is not None:
        with full_disk_is_said(sheet):
            write_contact_sheet(dataset, sheet)
    summary = summarise(dataset)
    if arguments.json:
        print(json.dumps({**dataclasses.asdict(summary), "contact_sheet": str(sheet) if sheet else None}))
        return 0
    print(summary.in_words())
    if sheet is not None:
        print(f"contact sheet: {sheet}")
    return 0


if __name__ == "__main__":
    run_command(main)
