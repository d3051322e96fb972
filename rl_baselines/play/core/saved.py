"""A moment that was saved, to go on from: worlds to the last bit, and which policies act in them."""

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

from rl_baselines.play.core.player import Player
from rl_baselines.play.core.stage import Setting
from rl_baselines.vec_envs.wrappers.named import Wrappers
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.damage import ARCHIVE_ERRORS, damage_is_said
from srl3.tree import pack, unpack

FORMAT = 1
STATE_ENTRY, ARRAYS_ENTRY = "play/state.json", "play/arrays.npz"
ADVICE = "save the moment once more"


@dataclasses.dataclass(frozen=True)
class Saved:
    """A moment."""

    setting: Setting
    policies: list[str]
    """for each slot its checkpoint's file, or its agent's name"""
    stage: dict[str, Any]
    """what `Stage.restore` takes"""


def moment(player: Player) -> Saved:
    """This moment of a player; what recurrent policies remember is not part of it."""
    policies = [slot.source.agent or str((slot.shown or slot.source.newest()).absolute()) for slot in player.slots]
    return Saved(player.stage.setting, policies, player.stage.save())


def write_saved(path: Path, saved: Saved) -> None:
    """Write a moment in one piece.

    Raises:
        OSError: when ``path`` can't be written.
    """
    tree = {
        "format": FORMAT,
        "setting": {**dataclasses.asdict(saved.setting), "env_kwargs": dict(saved.setting.env_kwargs)},
        "policies": saved.policies,
        "stage": saved.stage,
    }
    text, arrays = pack(tree)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(STATE_ENTRY, text)
        archive.writestr(ARRAYS_ENTRY, arrays)


def read_saved(path: Path) -> Saved:
    """A moment that `write_saved` wrote. Nothing in it is unpickled.

    Raises:
        UserError: when it is missing, damaged, or of a later version.
    """
    with damage_is_said(path, ADVICE, ARCHIVE_ERRORS):
        with zipfile.ZipFile(path) as archive:
            tree = unpack(archive.read(STATE_ENTRY).decode("utf-8"), archive.read(ARRAYS_ENTRY))
        if tree["format"] != FORMAT:
            raise UserError(f"{path} has format {tree['format']}, and this version reads format {FORMAT}.")
        fields = {field.name: tree["setting"].get(field.name) for field in dataclasses.fields(Setting)}
        wrappers = {name: tuple(named) for name, named in (fields["wrappers"] or {}).items()}
        setting = Setting(**{**fields, "wrappers": Wrappers(**wrappers)})
        return Saved(setting, [str(policy) for policy in tree["policies"]], dict(tree["stage"]))


def go_to(player: Player, saved: Saved) -> None:
    """Let the player go on from a moment of the same world, slots and robots; policies stay as they are.

    Raises:
        UserError: when it is a moment of others.
    """
    here, there = player.stage.setting, saved.setting
    if (here.env_id, here.slots, here.robots) != (there.env_id, there.slots, there.robots):
        raise UserError(
            f"the saved moment is of {there.slots} × {there.robots} robots of {there.env_id}, and "
            f"{here.slots} × {here.robots} of {here.env_id} are shown."
        )
    player.stage.restore(saved.stage)
    for slot in player.slots:
        slot.agent.reset()
