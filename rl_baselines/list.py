"""``python -m rl_baselines.list``: the three registries, what presets reach, and what the numbers of one world mean."""

import dataclasses
import json
from typing import Any

from config.results import BEST, Training, trainings_in
from environments.config.summary import WorldSummary, summary
from environments.entries import RegisteredEnv
from environments.flags import add_env_flags, default_srl_model, env_kwargs_from_flags, make_config
from environments.registry import canonical_id, find_env, known_envs, unavailable_env
from environments.term_tables import action_as_json, observation_as_json, world_tables
from rl_baselines.registry import registered_rl, retired_rl
from srl3.columns import paragraph, table
from srl3.errors import UserError, run_command
from srl3.flags import Parser
from state_representation.registry import registered_srl

EXAMPLES = """examples:
  python -m rl_baselines.list
  python -m rl_baselines.list --json
  python -m rl_baselines.list AntGymEnv-v0
  python -m rl_baselines.list KukaButtonGymEnv-v0 -c -joints --env-kwargs srl_model:joints
"""


def registries() -> dict[str, Any]:
    """The registries as JSON holds them."""
    return {
        "algorithms": {
            name: {"type": entry.algo_type.value, "actions": [action.value for action in entry.actions]}
            for name, entry in registered_rl.items()
        },
        "environments": {name: _world_as_json(name, entry) for name, entry in known_envs().items()},
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


def _world_as_json(name: str, entry: RegisteredEnv) -> dict[str, Any]:
    found = summary(name, entry.load_config())
    return {
        "what": found.what,
        "modes": list(found.modes),
        "states": list(found.states),
        "action_sizes": found.actions,
        "state_sizes": found.state_sizes,
        "parent": entry.parent,
        "plotting": entry.plotting.value,
        "runs": entry.threading.value,
        "results": [_training_as_json(each) for each in trainings_in(name)],
    }


def _training_as_json(training: Training) -> dict[str, Any]:
    kept = ("algo", "flags", "settings", "acting")
    return {
        **{name: value for name, value in dataclasses.asdict(training).items() if name in kept},
        "steps": list(training.steps),
        "returns": [list(each) for each in training.returns],
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
    if given - {"json", "env_package"}:
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
    print("\nEnvironments (--env), and the returns that their presets reach")
    for name, entry in known_envs().items():
        print("\n".join(_world_lines(name, entry)))
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
        print(paragraph(sentence, indent="  ", hanging="    "))
    return 0


def _world_lines(name: str, entry: RegisteredEnv) -> list[str]:
    """A world in a few lines: what it is, its actions and states, what presets reach."""
    found = summary(name, entry.load_config())
    names = ", ".join((name, *entry.aliases))
    lines = [f"  {names}" + (f": {found.what}" if found.what else "")]
    actions = found.actions_in_words()
    actions = f"actions {actions}; " if actions else ""
    lines.append(f"{actions}states {found.states_in_words()}" + _more(found, entry))
    reached = [_reached(each) for each in trainings_in(name)]
    if reached:
        lines.append("return " + "; ".join(reached))
    return [
        paragraph(lines[0].strip(), indent="  ", hanging="    "),
        *(paragraph(line, indent="    ") for line in lines[1:]),
    ]


def _more(found: WorldSummary, entry: RegisteredEnv) -> str:
    flags = found.other_flags()
    return (f"; {flags}" if flags else "") + f"; {entry.plotting.value}, {entry.threading.value}"


def _reached(training: Training) -> str:
    """What a training's policies earn, in mean over its seeds, and what it took."""
    seeds = len(training.returns)
    flags = "" if "--algo" in training.flags else training.flags
    return (
        (f"with {flags} " if flags else "")
        + f"{_short(training.mean_return)} after {_steps(training.mean_steps)} steps of {training.algo}"
        + (f" ({seeds} seeds)" if seeds > 1 else "")
    )


def _steps(count: int) -> str:
    return f"{count / 1e6:.1f}M" if count >= 1_000_000 else f"{count:,}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


def _result_lines(name: str) -> list[str]:
    """The trainings in a world: the command of each, and the returns of its seeds."""
    lines = []
    for each in trainings_in(name):
        returns = "; ".join(" ± ".join(map(_short, seed)) for seed in each.returns)
        algo = "" if "--algo" in each.flags else f"--algo {each.algo} "
        observed = f"--srl-model {each.srl_model} " if each.srl_model != default_srl_model(name) else ""
        how = "the most probable actions" if each.acting == BEST else "drawn actions"
        command = f"python -m rl_baselines.train --env {name} {observed}{algo}{each.command_flags()}"
        lines += [paragraph(command, indent="  ", hanging="    "), f"    return by seed, {how}: {returns}"]
    return lines


def _print_terms(name: str, env_kwargs: dict[str, Any], *, as_json: bool) -> None:
    env_id = canonical_id(name)
    config = make_config(env_id, {"srl_model": default_srl_model(env_id), **env_kwargs})
    world = find_env(env_id).load_class()(**config.as_dict())
    try:
        observations, actions, control_dt = world.observation_terms(), world.action_terms(), world.control_dt
    finally:
        world.close()
    if not as_json:
        print("\n".join(_world_lines(env_id, find_env(env_id))))
        results = _result_lines(env_id)
        if results:
            print("\n".join(("", "presets", *results)))
        print(f"\n{world_tables(observations, actions, control_dt)}")
        return
    found = {
        "environment": env_id,
        "results": [_training_as_json(each) for each in trainings_in(env_id)],
        "control_dt": control_dt,
        "observations": [{"group": term.group, **observation_as_json(term)} for term in observations],
        "actions": [action_as_json(term) for term in actions],
    }
    print(json.dumps(found, indent=2))


def _print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    print("\n".join(table(head, rows, rule=True, indent="  ")))


if __name__ == "__main__":
    run_command(main)
