"""The runs of a grid, and the command lines that make them."""

import pytest

from rl_baselines.grid.cells import Cell, flags_of, incompatible, product
from rl_baselines.train import make_parser
from srl3.errors import UserError


def test_the_product_has_every_combination_once():
    cells = product(["A", "B", "A"], ["raw_pixels"], ["ppo2", "a2c"], [3, 4], ["--num-stack", "4"])
    assert [(cell.env, cell.algo, cell.seed) for cell in cells] == [
        ("A", "ppo2", 3), ("A", "ppo2", 4), ("A", "a2c", 3), ("A", "a2c", 4),
        ("B", "ppo2", 3), ("B", "ppo2", 4), ("B", "a2c", 3), ("B", "a2c", 4),
    ]  # fmt: skip
    assert cells[0].key == "--algo ppo2 --env A --srl-model raw_pixels --seed 3 --num-stack 4"
    assert len({cell.key for cell in cells}) == 8


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("", ""),
        ("--num-timesteps 1e6", "--num-timesteps 1000000"),
        ("--num-timesteps 1_000_000 -c", "--num-timesteps 1000000 --continuous-actions"),
        ("-joints -sc", "--action-joints --simple-continual"),
        ("--hyperparam n_steps:64 gamma:0.9", "--hyperparam n_steps:64 gamma:0.9"),
        ("--env-kwargs max_steps:5 --img-shape 64x64", "--img-shape 64x64 --env-kwargs max_steps:5"),
        ("--new-lr 1e-4 --load-rl-model-path logs/x", "--load-rl-model-path logs/x --new-lr 0.0001"),
    ],
)
def test_flags_in_one_spelling(line, canonical):
    parser = make_parser()
    arguments, given = parser.parse_with_given(line.split())
    flags = flags_of(parser, arguments, given)
    assert " ".join(flags) == canonical
    assert parser.parse_with_given(flags) == (arguments, given), "it says the same"


def test_a_combination_is_checked_once_and_named_with_its_reason():
    checked = []

    def check(cell: Cell) -> None:
        checked.append(cell)
        if cell.env == "B":
            raise UserError("B is not possible.")

    cells = product(["A", "B"], ["x"], ["ppo2", "a2c"], range(5), [])
    wrong = incompatible(cells, check)
    assert len(checked) == 4
    assert wrong == {"B is not possible.": [cell for cell in cells if cell.env == "B"]}
    assert cells[0] == Cell("A", "x", "ppo2", 0, ())
