"""What a checkpoint says of itself: `CheckpointInfo`, and its JSON."""

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environments.config import CURRICULUM
from environments.config.engine import for_this_machine
from environments.registry import find_env
from rl_baselines.checkpoints.upgrade import upgrade
from srl3.errors import UserError
from srl3.spaces import Description, build, image_paths

FORMAT = 2
INFO_ENTRY = "srl3/info.json"


@dataclasses.dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself; all of it is JSON. Fields that come later have defaults."""

    algo: str
    """key of ``registered_rl``"""
    policy: str
    """``feedforward`` or ``lstm``"""
    env_id: str
    env_kwargs: dict[str, Any]
    """every parameter of the environment, defaults included"""
    srl_model: str
    num_stack: int
    n_envs: int
    seed: int
    hyperparams: dict[str, Any]
    """resolved, as in ``train_config.yaml``"""
    total_timesteps: int
    """what the run was asked to train"""
    observation_space: Description
    """what the policy observes, as `srl3.spaces.describe` has it: encoded and stacked, images channels last and marked
    (those that the policy takes channels first)"""
    action_space: Description
    versions: dict[str, Any]
    parent: str | None = None
    """the checkpoint that this run retrains"""
    num_timesteps: int = 0
    """steps trained so far"""
    observation_groups: dict[str, Any] = dataclasses.field(default_factory=dict)
    """descriptions of what else was observed in training, by group, for example ``critic``"""
    format: int = FORMAT

    @property
    def env_kwargs_here(self) -> dict[str, Any]:
        """`env_kwargs` for acting on this machine: a world that was trained on a GPU needs none to be acted in, and a
        curriculum stays where the training has come to."""
        return for_this_machine(self._trained_kwargs(further=False))

    @property
    def env_kwargs_planned(self) -> dict[str, Any]:
        """The same as the training was asked for: with its whole curriculum."""
        return for_this_machine(self.env_kwargs)

    @property
    def env_kwargs_further(self) -> dict[str, Any]:
        """The same for training on: stages of the curriculum that are to come follow, in the steps that were left."""
        return for_this_machine(self._trained_kwargs(further=True))

    def control_steps(self, timesteps: int) -> int:
        """How many steps each environment has done when all together have done ``timesteps``."""
        return timesteps // self.n_envs

    def _trained_kwargs(self, *, further: bool) -> dict[str, Any]:
        if not self.env_kwargs.get(CURRICULUM):
            return self.env_kwargs
        config = find_env(self.env_id).load_config().from_kwargs(self.env_kwargs)
        return config.as_trained(self.control_steps(self.num_timesteps), further=further).as_dict()

    @property
    def images(self) -> frozenset[str]:
        """Paths (`srl3.spaces.leaves`) of the observations that are images."""
        return image_paths(self.observation_space)


def parse_info(path: Path, content: Any) -> CheckpointInfo:
    """The info in a checkpoint's JSON, of this format or an earlier one.

    Raises:
        UserError: when it is damaged, or of a later version.
    """
    written = content.get("format") if isinstance(content, dict) else None
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        raise UserError(f"{path} has checkpoint format {written}, and this version reads formats 1 to {FORMAT}.")
    fields = {field.name: field for field in dataclasses.fields(CheckpointInfo)}
    unknown = sorted(set(content) - fields.keys())
    if written > FORMAT or unknown:
        what = f"format {written}" if written > FORMAT else f"the field '{unknown[0]}'"
        raise UserError(
            f"{path} was written by SRL3 {_writer(content)} and has {what}, which this version does not know; "
            "open it with that version or a later one."
        )
    needed = [name for name, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING]
    if not content.keys() >= set(needed):
        raise UserError(f"{path} is damaged (its {INFO_ENTRY} is incomplete); use another checkpoint.")
    hints = typing.get_type_hints(CheckpointInfo)
    for name, value in content.items():
        kind = dict if typing.get_origin(hints[name]) is dict else hints[name]
        if not isinstance(value, kind):
            raise UserError(f"{path} is damaged ({name} in its {INFO_ENTRY} has a wrong type); use another checkpoint.")
    if content["n_envs"] < 1:
        raise UserError(f"{path} is damaged (n_envs in its {INFO_ENTRY} is below 1); use another checkpoint.")
    try:
        content = upgrade(content)
        for description in (content["observation_space"], content["action_space"]):
            build(description)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged (spaces in its {INFO_ENTRY}: {error}); use another checkpoint.") from None
    return CheckpointInfo(**content)


def _writer(content: Mapping[str, Any]) -> str:
    versions = content.get("versions")
    return str(versions.get("srl3", "of a later version")) if isinstance(versions, dict) else "of a later version"
