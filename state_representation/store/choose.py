"""Which trained representation a command's flags choose. Imports nothing heavy."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environments.config import PIXELS, EnvConfig
from environments.flags import make_config
from environments.registry import find_env
from srl3.errors import UserError, unknown_name
from srl3.flags import Parser
from state_representation.registry import SRLType, find_srl, registered_srl
from state_representation.store.find import check_representation, find_representation, is_learned, read_description

FLAGS = ("srl_config_file", "srl_model_path", "latest")


def add_representation_flags(parser: Parser) -> None:
    """The flags that `choose_representation` reads."""
    group = parser.add_argument_group("observation")
    group.add_argument("--srl-model", default=PIXELS, help="raw_pixels, ground_truth, joints, … or a representation")
    group.add_argument(
        "--srl-config-file", type=Path, help="where trained representations are; else config/srl_models.yaml"
    )
    group.add_argument("--srl-model-path", type=Path, help="one trained representation's log folder")
    group.add_argument("--latest", action="store_true", help="the newest representation of that kind")


def choose_representation(
    arguments: argparse.Namespace, given: set[str], env_kwargs: Mapping[str, Any], *, retrains: bool = False
) -> tuple[Path | None, dict[str, Any]]:
    """The log folder of the representation to act from, and the environment's parameters with it.

    Args:
        arguments: with the flags of `add_representation_flags` and ``env``.
        given: names of the flags that the user wrote.
        env_kwargs: parameters of the environment that the user chose.
        retrains: the representation is in the checkpoint that is retrained.

    Returns:
        the folder (None for an observation of the world itself, or when retraining), and ``env_kwargs`` with
        ``srl_model`` and, for a learned representation, the image size and cameras that it was learned with.

    Raises:
        UserError: when there is none, or it was learned for something else.
    """
    chosen = [f"--{name.replace('_', '-')}" for name in FLAGS if name in given]
    if not is_learned(arguments.srl_model):
        if chosen:
            raise UserError(f"{chosen[0]} chooses a learned representation, and {arguments.srl_model} is none.")
        return None, {**env_kwargs, "srl_model": arguments.srl_model}
    observed = {**env_kwargs, "srl_model": PIXELS}
    if retrains:
        if chosen:
            raise UserError(f"a retraining keeps its checkpoint's representation; leave out {chosen[0]}.")
        return None, observed
    if arguments.srl_model_path is not None and arguments.latest:
        raise UserError("--srl-model-path and --latest choose different representations; give one of them.")
    folder = find_representation(
        arguments.srl_model,
        arguments.env,
        config_file=arguments.srl_config_file,
        path=arguments.srl_model_path,
        latest=arguments.latest,
    )
    config = make_config(arguments.env, observed)
    follows = check_representation(read_description(folder), folder, arguments.srl_model, config, set(env_kwargs))
    return folder, {**observed, **follows}


def check_srl_model(srl_model: str, env_id: str, config_class: type[EnvConfig]) -> None:
    """Raise `UserError` unless ``env_id`` can be observed as ``srl_model``."""
    if srl_model not in registered_srl:
        raise unknown_name("representation (--srl-model)", srl_model, registered_srl)
    if registered_srl[srl_model].srl_type is SRLType.SRL:
        find_srl(srl_model, [name for name in (env_id, find_env(env_id).parent) if name])
    elif srl_model not in config_class.observes():
        raise UserError(f"{env_id} does not observe '{srl_model}'; it observes {', '.join(config_class.observes())}.")
