"""Finding a trained representation: by path, in ``config/srl_models.yaml``, or the newest. Imports nothing heavy."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import config
from environments.config import EnvConfig
from srl3.errors import UserError
from srl3.formats.damage import DamagedFile
from srl3.formats.json import read_mapping
from srl3.formats.yaml import read_by_hand
from state_representation.registry import SRLType, registered_srl
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder

SRL_MODELS = Path(config.__file__).parent / "srl_models.yaml"
DEFAULT_SECTION = "default"
LOG_FOLDER = "log_folder"


def is_learned(srl_model: str) -> bool:
    """Whether a model makes this observation from the camera's image."""
    return registered_srl[srl_model].srl_type is SRLType.SRL


def find_representation(
    srl_model: str, env_id: str, *, config_file: Path | None = None, path: Path | None = None, latest: bool = False
) -> Path:
    """The log folder of a trained representation.

    Args:
        srl_model: key of ``registered_srl``, a learned one.
        env_id: key of ``registered_env``.
        config_file: which names it, in the environment's section or else in ``default``; None for SRL3's own.
        path: the folder itself (or a file in it); nothing else is looked at.
        latest: the newest of this kind for this environment under the ``log_folder`` of ``config_file``.

    Raises:
        UserError: when there is none.
    """
    if path is not None:
        return _existing(path, "--srl-model-path")
    file = SRL_MODELS if config_file is None else config_file
    sections = read_srl_models(file)
    mine, default = sections.get(env_id, {}), sections.get(DEFAULT_SECTION, {})
    parent = Path(mine.get(LOG_FOLDER, default.get(LOG_FOLDER, "logs/")))
    if latest:
        return _newest(parent, srl_model, env_id)
    if srl_model in mine:
        return _existing(parent / mine[srl_model], f"{srl_model} of {env_id} in {file}")
    if srl_model in default:
        return _existing(Path(default.get(LOG_FOLDER, "logs/")) / default[srl_model], f"{srl_model} in {file}")
    raise UserError(
        f"{file} names no '{srl_model}' for {env_id}; learn one with python -m state_representation.train, "
        "or name its folder with --srl-model-path."
    )


def read_srl_models(file: Path) -> dict[str, dict[str, str]]:
    """The sections of a file of trained representations: environment to ``log_folder`` and models' folders.

    Raises:
        UserError: when it can't be read, or is something else.
    """
    sections = (
        read_by_hand(
            file, "--srl-config-file takes sections such as MobileRobotGymEnv-v0: {autoencoder: 26-01-31_12h00_00_ae}"
        )
        or {}
    )
    good = isinstance(sections, Mapping) and all(
        section is None or (isinstance(section, Mapping) and all(isinstance(value, str) for value in section.values()))
        for section in sections.values()
    )
    if not good:
        raise UserError(
            f"{file} must map each environment to log_folder and the folder of each model in it, for example "
            "MobileRobotGymEnv-v0: {log_folder: logs/mobile, autoencoder: 26-01-31_12h00_00_ae}."
        )
    return {str(name): dict(section or {}) for name, section in sections.items()}


def read_description(folder: Path) -> dict[str, Any]:
    """What a representation's log folder says of its encoder, as JSON.

    Raises:
        UserError: when it is missing or damaged.
    """
    file = LogFolder(folder).config
    if not file.is_file():
        raise UserError(f"there is no representation in {folder}: {file.name} is missing; name its log folder.")
    description = read_mapping(file, LEARN_AGAIN, needs=("encoder",))["encoder"]
    if not isinstance(description, dict):
        raise DamagedFile(file, "its encoder is no object", LEARN_AGAIN)
    return description


def check_representation(
    description: Mapping[str, Any], source: Path | str, srl_model: str, env_config: EnvConfig, given: set[str]
) -> dict[str, Any]:
    """Hold a representation against the environment that it shall observe.

    Args:
        description: of the encoder, from `read_description`.
        source: where it is from, for the error.
        srl_model: the name by which it was asked for.
        env_config: of the environment.
        given: the environment parameters that the user chose.

    Returns:
        the environment parameters that follow from it (``img_shape``, ``multi_view``).

    Raises:
        UserError: naming both sides, when it is another kind of representation, or was learned for another
            environment, image size or number of cameras.
    """

    def refuse(what: str, theirs: Any, ours: Any) -> UserError:
        return UserError(
            f"the representation in {source} was learned for {what} {theirs}, and {ours} was asked for; "
            "choose another one with --srl-model-path, or learn one."
        )

    if description.get("srl_model") != srl_model:
        raise UserError(
            f"the representation in {source} is '{description.get('srl_model')}', not '{srl_model}'; "
            f"use --srl-model {description.get('srl_model')}."
        )
    if description.get("env_id") != env_config.env_id:
        raise refuse("environment", description.get("env_id"), env_config.env_id)
    if env_config.image_shape is None:
        raise UserError(f"{env_config.env_id} draws no pictures, and {srl_model} is learned from pictures.")
    height, width, channels = description["img_shape"]
    if "img_shape" in given and env_config.image_shape[:2] != (height, width):
        asked = "x".join(map(str, env_config.image_shape[:2]))
        raise refuse("images of", f"{height}x{width}", asked)
    multi_view = channels > 3
    if "multi_view" in given and (env_config.image_shape[2] > 3) != multi_view:
        raise refuse("cameras:", 2 if multi_view else 1, 2 if env_config.image_shape[2] > 3 else 1)
    cameras = {"multi_view": multi_view} if type(env_config).has("multi_view") else {}
    return {"img_shape": (height, width), **cameras}


def _existing(path: Path, named_by: str) -> Path:
    folder = path if path.is_dir() else path.parent
    if not path.exists() or not LogFolder(folder).config.is_file():
        raise UserError(f"{named_by} names {path}, where no representation is; name the log folder of one.")
    return folder


def _newest(parent: Path, srl_model: str, env_id: str) -> Path:
    found = sorted(_of_kind(parent, srl_model, env_id), key=lambda folder: (folder.name[:17], folder.stat().st_mtime))
    if not found:
        raise UserError(
            f"there is no '{srl_model}' learned for {env_id} under {parent}; learn one with "
            "python -m state_representation.train, or name its folder with --srl-model-path."
        )
    return found[-1]


def _of_kind(parent: Path, srl_model: str, env_id: str) -> Iterator[Path]:
    for file in parent.rglob(LogFolder(Path()).config.name):
        description = read_description(file.parent)
        kind = description.get("srl_model"), description.get("env_id")
        if kind == (srl_model, env_id) and LogFolder(file.parent).model.is_file():
            yield file.parent
