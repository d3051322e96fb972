"""The sizes of every world's actions and states, for `list`.

    python -m docs.spaces

makes each world of this package in each mode, and writes config/spaces.yaml.
"""

import argparse
from typing import Any

import yaml
from gymnasium import spaces

from environments.config import GROUND_TRUTH, PIXELS
from environments.config.summary import ACTION_MODES, SPACES_FILE, summary
from environments.flags import make_config
from environments.registry import find_env, registered_env
from srl3.errors import run_command
from srl3.files import write_text

HEAD = "# How many actions and states each world has: written by `python -m docs.spaces`, and held to it by tests.\n"


def sizes(env_id: str) -> dict[str, dict[str, int]]:
    """``actions`` by mode and ``states`` by what is observed, of the world as it is without parameters."""
    found = summary(env_id, registered_env[env_id].load_config())
    modes = [mode for mode in ACTION_MODES if mode in found.modes] or ["continuous"]
    return {
        "actions": {mode: _action_size(env_id, mode, given=bool(found.modes)) for mode in modes},
        "states": {name: _state_size(env_id, name) for name in found.states if name != PIXELS},
    }


def _action_size(env_id: str, mode: str, given: bool) -> int:
    chosen = {"is_discrete": mode == "discrete", "action_joints": mode == "joints"} if given else {}
    space = _made(env_id, {"srl_model": GROUND_TRUTH, **chosen}, "action_space")
    assert isinstance(space, spaces.Discrete) == (mode == "discrete")
    return int(space.n) if isinstance(space, spaces.Discrete) else int(space.shape[0])


def _state_size(env_id: str, name: str) -> int:
    return int(_made(env_id, {"srl_model": name}, "observation_space").shape[0])


def _made(env_id: str, kwargs: dict[str, Any], space: str) -> Any:
    world = find_env(env_id).load_class()(**make_config(env_id, kwargs).as_dict())
    try:
        return getattr(world, space)
    finally:
        world.close()


def main(argv: list[str] | None = None) -> None:
    """Write the file."""
    argparse.ArgumentParser(
        prog="python -m docs.spaces", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(argv)
    found = {env_id: sizes(env_id) for env_id in registered_env}
    write_text(SPACES_FILE, HEAD + yaml.safe_dump(found, sort_keys=False, default_flow_style=None, width=120))


if __name__ == "__main__":
    run_command(main)
