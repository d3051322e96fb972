"""Which trained representation a command's flags choose. Imports nothing heavy."""

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


def add_representation_flags(parser: Parser) -> None:
    """The flags from which `choose_representation` chooses."""
    group = parser.add_argument_group("observation")
    group.add_argument("--srl-model", default=PIXELS, help="raw_pixels, ground_truth, joints, … or a representation")
    group.add_argument(
        "--srl-config-file", type=Path, help="where trained representations are; else config/srl_models.yaml"
    )
    group.add_argument("--srl-model-path", type=Path, help="one trained representation's log folder")
    group.add_argument("--latest", action="store_true", help="the newest representation of that kind")


def choose_representation(
    srl_model: str,
    env_id: str,
    env_kwargs: Mapping[str, Any],
    *,
    config_file: Path | None = None,
    path: Path | None = None,
    latest: bool = False,
    retrains: bool = False,
) -> tuple[Path | None, dict[str, Any]]:
    """The log folder of the representation to act from, and the environment's parameters with it.

    Args:
        srl_model: key of ``registered_srl``.
        env_id: key of ``registered_env``.
        env_kwargs: parameters of the environment that the user chose.
        config_file: where trained representations are; None takes ``config/srl_models.yaml``.
        path: one representation's log folder.
        latest: the newest one of that kind.
        retrains: the representation is in the checkpoint that is retrained.

    Returns:
        the folder (None for an observation of the world itself, or when retraining), and ``env_kwargs`` with
        ``srl_model`` and, for a learned representation, the image size and cameras that it was learned with.

    Raises:
        UserError: when there is none, or it was learned for something else.
    """
    flags = {"--srl-config-file": config_file, "--srl-model-path": path, "--latest": latest or None}
    chosen = [flag for flag, value in flags.items() if value is not None]
    if not is_learned(srl_model):
        if chosen:
            raise UserError(f"{chosen[0]} chooses a learned representation, and {srl_model} is none.")
        told = {"srl_model": srl_model} if find_env(env_id).load_config().has("srl_model") else {}
        return None, {**env_kwargs, **told}
    observed = {**env_kwargs, "srl_model": PIXELS}
    if retrains:
        if chosen:
            raise UserError(f"a retraining keeps its checkpoint's representation; leave out {chosen[0]}.")
        return None, observed
    if path is not None and latest:
        raise UserError("--srl-model-path and --latest choose different representations; give one of them.")
    folder = find_representation(srl_model, env_id, config_file=config_file, path=path, latest=latest)
    config = make_config(env_id, observed)
    follows = check_representation(read_description(folder), folder, srl_model, config, set(env_kwargs))
    return folder, {**observed, **follows}


def check_srl_model(srl_model: str, env_id: str, config_class: type[EnvConfig]) -> None:
    """Raise `UserError` unless ``env_id`` can be observed as ``srl_model``."""
    if srl_model not in registered_srl:
        raise unknown_name("representation (--srl-model)", srl_model, registered_srl)
    if registered_srl[srl_model].srl_type is SRLType.SRL:
        find_srl(srl_model, [name for name in (env_id, find_env(env_id).parent) if name])
    elif srl_model not in config_class.observes():
        raise UserError(f"{env_id} does not observe '{srl_model}'; it observes {', '.join(config_class.observes())}.")
