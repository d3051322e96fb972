"""``python -m rl_baselines.list``: the three registries as tables, and what the numbers of one world mean."""

import json
from typing import Any

from environments.config import SRLConfig
from environments.flags import add_env_flags, default_srl_model, env_kwargs_from_flags, make_config
from environments.registry import canonical_id, find_env, known_envs, unavailable_env
from environments.term_tables import action_as_json, observation_as_json, world_tables
from rl_baselines.registry import registered_rl, retired_rl
from srl3.errors import UserError, run_command
from srl3.flags import Parser
from state_representation.registry import registered_srl

EXAMPLES = """examples:
  python -m rl_baselines.list
  python -m rl_baselines.list --json
  python -m rl_baselines.list AntGymEnv-v0
  python -m rl_baselines.list KukaButtonGymEnv-v0 -c -joints --env-kwargs srl_model:joints
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
        description="List algorithms, environments and representations, or what the numbers of one environment mean.",
        epilog=EXAMPLES,
    )
    parser.add_argument("env", nargs="?", metavar="ENV", help="observations, actions and control step of this one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_env_flags(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Print the registries, or the terms of one environment."""
    arguments, given = make_parser().parse_with_given(argv)
    if arguments.env is not None:
        _print_terms(arguments.env, env_kwargs_from_flags(arguments, given), as_json=arguments.json)
        return 0
    if given - {"json"}:
        raise UserError(
            "flags of a world go with an ENV; name one, for example python -m rl_baselines.list AntGymEnv-v0."
        )
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


def _print_terms(name: str, env_kwargs: dict[str, Any], *, as_json: bool) -> None:
    env_id = canonical_id(name)
    config = make_config(env_id, {"srl_model": default_srl_model(env_id), **env_kwargs})
    world = find_env(env_id).load_class()(**config.as_dict())
    try:
        observations, actions, control_dt = world.observation_terms(), world.action_terms(), world.control_dt
    finally:
        world.close()
    if not as_json:
        print(f"{env_id}\n\n{world_tables(observations, actions, control_dt)}")
        return
    found = {
        "environment": env_id,
        "control_dt": control_dt,
        "observations": [{"group": term.group, **observation_as_json(term)} for term in observations],
        "actions": [action_as_json(term) for term in actions],
    }
    print(json.dumps(found, indent=2))


def _print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, tuple("-" * width for width in widths), *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    run_command(main)
