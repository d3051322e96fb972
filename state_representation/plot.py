"""``python -m state_representation.plot``: pictures of a learned representation, and a page to look around in it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_number, seed_number
from srl3.runtime.progress import Progress

if TYPE_CHECKING:
    from state_representation.judging.judged import Judged

EXAMPLES = """examples:
  python -m state_representation.plot --log-dir logs/mobile_r/26-11-20_10h00_00_custom_cnn_ST_DIM200_inverse
  python -m state_representation.plot --log-dir logs/mobile_r/26-11-20_10h00_00_custom_cnn_ST_DIM200_inverse --only page
"""
DESCRIPTION = """Draw a representation into its log folder.

losses.png           losses against epochs
learned_states.png   states on two and three principal components, coloured by reward
correlation.png      correlation of ground truth with every number of the state
reconstructions.png  frames, and what the decoder draws from their states
traversals.png       what is drawn along directions of the state
states.html          the states; a click shows the frame (one file that needs nothing else)"""
KINDS = ("losses", "states", "correlation", "reconstructions", "traversals", "page")


def make_parser() -> Parser:
    """The flags of ``state_representation.plot``."""
    parser = Parser(prog="python -m state_representation.plot", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("--log-dir", type=Path, required=True, metavar="FOLDER", help="log folder")
    parser.add_argument("--data-folder", type=Path, metavar="FOLDER", help="another dataset than the one learned from")
    parser.add_argument("--only", nargs="+", choices=KINDS, metavar="KIND", help=f"only these: {', '.join(KINDS)}")
    parser.add_argument("--points", type=positive_number, default=2000, help="most states on the page")
    parser.add_argument("--n-to-plot", type=positive_number, default=8, help="frames that are reconstructed")
    parser.add_argument("--seed", type=seed_number, default=1, help="of the frames that are drawn at random")
    parser.add_argument("--device", default="auto", help="torch device")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, draw, name the files; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    if arguments.seed == -1:
        raise UserError("--seed of a picture is a number from 0, so that it can be drawn again; -1 is not.")

    from state_representation.judging.judged import open_judged

    def start(total: int) -> Progress:
        return Progress(total, "frames", not arguments.no_progress)

    judged = open_judged(arguments.log_dir, arguments.data_folder, arguments.device, lambda total: start(total).advance)
    for kind in KINDS:
        if arguments.only is None or kind in arguments.only:
            print(_draw(kind, arguments, judged))
    return 0


def _draw(kind: str, arguments: argparse.Namespace, judged: "Judged") -> str:
    """Draw one picture; the line that is printed about it."""
    from state_representation.plots import figures

    folder, info = judged.folder, judged.encoder.info
    title = f"{info.srl_model} of {info.env_id}, {info.state_dim} numbers"
    if kind == "losses":
        from state_representation.judging.outputs import read_history

        drawn = figures.draw_losses(read_history(folder), folder.losses_plot, title)
        return str(folder.losses_plot) if drawn else f"no {folder.losses_plot.name}: {info.srl_model} has no epochs"
    if kind == "states":
        figures.draw_projections(judged.states, judged.dataset.rewards, folder.learned_states, title)
        return str(folder.learned_states)
    if kind == "correlation":
        from state_representation.data.truth import world_truth

        figures.draw_correlation(judged.states, world_truth(judged.dataset), folder.correlation_plot, title)
        return str(folder.correlation_plot)
    if kind == "page":
        from state_representation.plots.page import write_page

        write_page(judged, folder.page, arguments.points)
        return str(folder.page)

    from state_representation.judging.decoding import load_decoder
    from state_representation.plots import pictures

    path = folder.reconstructions if kind == "reconstructions" else folder.traversals
    decoder = load_decoder(folder, info)
    if decoder is None:
        return f"no {path.name}: {info.srl_model} was learned without a decoder"
    if kind == "reconstructions":
        pictures.draw_reconstructions(judged, decoder, path, arguments.n_to_plot, arguments.seed)
    else:
        pictures.draw_traversals(judged, decoder, path)
    return str(path)


if __name__ == "__main__":
    run_command(main)
