"""``python -m rl_baselines.list``: the three registries as tables."""

import json
from typing import Any

from environments.config import SRLConfig
from environments.registry import known_envs, unavailable_env
from rl_baselines.registry import registered_rl, retired_rl
from srl3.errors import run_command
from srl3.flags import Parser
from state_representation.registry import registered_srl

EXAMPLES = """examples:
  python -m rl_baselines.list
  python -m rl_baselines.list --json
"""
MODE_FLAGS = {
    "discrete": "",
    "continuous": "-c",
    "joints": "-joints",
    "random_target": "-r",
    "shape_reward": "--shape-reward",
    "multi_view": "--multi-view",
}


def registries() -> dict[str, Any]:
    """The registries as JSON holds them."""
    environments = {}
    for name, entry in known_envs().items():
        config = entry.load_config()
        environments[name] = {
            "modes": [mode for mode in MODE_FLAGS if getattr(config.modes, mode)]
            if issubclass(config, SRLConfig)
            else [],
            "states": list(config.observes()),
            "parent": entry.parent,
            "plotting": entry.plotting.value,
            "runs": entry.threading.value,
        }
    return {
        "algorithms": {
            name: {"type": entry.algo_type.value, "actions": [action.value for action in entry.actions]}
            for name, entry in registered_rl.items()
        },
        "environments": environments,
        "representations": {
            name: {
                "type": entry.srl_type.value,
                "environments": list(entry.environments) if entry.environments is not None else None,
                "losses": list(entry.losses),
            }
            for name, entry in registered_srl.items()
        },
        "not_here": {**retired_rl, **unavailable_env},
    }


def make_parser() -> Parser:
    """The flags of ``list``."""
    parser = Parser(
        prog="python -m rl_baselines.list",
        description="List algorithms, environments and representations.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Print the registries."""
    arguments = make_parser().parse_args(argv)
    found = registries()
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    print("Algorithms (--algo)")
    _print_table(
        ("name", "type", "actions"),
        [(name, entry["type"], ", ".join(entry["actions"])) for name, entry in found["algorithms"].items()],
    )
    print("\nEnvironments (--env)")
    _print_table(
        ("name", "runs", "ground truth", "modes", "observes"),
        [
            (
                name,
                entry["runs"],
                entry["plotting"],
                " ".join(f"{mode} ({MODE_FLAGS[mode]})" if MODE_FLAGS[mode] else mode for mode in entry["modes"]),
                ", ".join(entry["states"]),
            )
            for name, entry in found["environments"].items()
        ],
    )
    print("\nRepresentations (--srl-model)")
    _print_table(
        ("name", "type", "losses", "environments"),
        [
            (name, entry["type"], ", ".join(entry["losses"]) or "-", ", ".join(entry["environments"] or ()) or "all")
            for name, entry in found["representations"].items()
        ],
    )
    print("\nNot here")
    for sentence in found["not_here"].values():
        print(f"  {sentence}")
    return 0


def _print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, tuple("-" * width for width in widths), *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    run_command(main)
