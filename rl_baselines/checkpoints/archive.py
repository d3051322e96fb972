"""The one-file checkpoint: SB3's zip, with what acting and resuming need as extra entries.

Plain ``PPO.load(file)`` opens it. Our own `load_checkpoint` unpickles nothing: it reads tensors (``weights_only``),
JSON and arrays, so a file from a stranger is safe to open.
"""

import dataclasses
import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from rl_baselines.checkpoints.info import FORMAT, INFO_ENTRY, CheckpointInfo, parse_info
from rl_baselines.checkpoints.spaces import described_spaces
from rl_baselines.vec_envs.create import find_normalize
from rl_baselines.vec_envs.normalizer import normalize_state
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.formats.json import value_of
from srl3.formats.tensors import ERRORS as TENSOR_ERRORS
from srl3.formats.tensors import tensors_of
from srl3.tree import pack, unpack
from state_representation.encoding.encoder import Encoder, EncoderInfo, make_encoder
from state_representation.encoding.vec_wrapper import find_encoder

STATE_ENTRY = "srl3/state.json"
ARRAYS_ENTRY = "srl3/arrays.npz"
POLICY_ENTRY = "srl3/policy.json"
"""what an algorithm's own ``save`` adds of its policy that SB3's entries can't hold"""
POLICY_ARRAYS_ENTRY = "srl3/policy.npz"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory."""

    path: Path
    info: CheckpointInfo
    parameters: dict[str, Any]
    """state dicts of the networks and optimisers, by SB3's names"""
    variables: dict[str, Any]
    """single tensors, such as SAC's entropy coefficient"""
    state: dict[str, Any]
    """``normalize`` (observation statistics), ``encoder`` (a learned representation), for resuming ``training``, and
    ``policy`` where an algorithm says more of its policy than tensors"""
    only_to_act: bool = False
    """whether optimisers and ``training`` were left out"""

    def load_encoder(self, device: str = "auto") -> Encoder | None:
        """The learned representation from which the policy acts, if it acts from one.

        Raises:
            UserError: when it is damaged.
        """
        saved = self.state.get("encoder")
        if saved is None:
            return None
        try:
            info = EncoderInfo.from_dict(saved["info"])
            tensors = {name: torch.from_numpy(values) for name, values in saved["tensors"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{self.path} is damaged (its encoder: {error}); use another checkpoint.") from None
        return make_encoder(info, tensors, device, source=str(self.path))


def save_checkpoint(
    path: Path, model: BaseAlgorithm, info: CheckpointInfo, training_state: dict[str, Any] | None = None
) -> None:
    """Write ``model`` to ``path`` in one piece: a reader sees the previous file or this one.

    Args:
        path: the zip to write.
        model: an SB3 algorithm with its environment.
        info: what the file says of itself; ``num_timesteps``, the format and the environment's spaces are filled in.
        training_state: what `rl_baselines.checkpoints.resume.training_state` gave; only `--resume` needs it.
    """
    info = dataclasses.replace(info, num_timesteps=model.num_timesteps, format=FORMAT)
    if model.env is not None:
        observation_space, action_space = described_spaces(model.env)
        info = dataclasses.replace(info, observation_space=observation_space, action_space=action_space)
    normalize = find_normalize(model.env) if model.env is not None else None
    encoder = find_encoder(model.env) if model.env is not None else None
    state = {
        "normalize": normalize_state(normalize) if normalize else None,
        "encoder": _encoder_state(encoder) if encoder else None,
        "training": training_state,
    }
    state_text, arrays = pack(state)
    buffer = io.BytesIO()
    model.save(buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(INFO_ENTRY, json.dumps(dataclasses.asdict(info), indent=1))
        archive.writestr(STATE_ENTRY, state_text)
        archive.writestr(ARRAYS_ENTRY, arrays)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def read_info(path: Path) -> CheckpointInfo:
    """What a checkpoint says of itself; its tensors are not read.

    Raises:
        UserError: when the file is missing, no checkpoint of SRL3, or this part of it is damaged.
    """
    with _opened(path) as archive:
        return parse_info(path, _info_json(path, archive))


def load_checkpoint(path: Path, device: str = "cpu", *, only_to_act: bool = False) -> Checkpoint:
    """Read a checkpoint without running code from it.

    Args:
        path: the file.
        device: torch device of the tensors.
        only_to_act: leave out what acting does not need, which is most of the work: the optimisers, and the state of
            the training.

    Raises:
        UserError: when the file is missing, damaged, or no checkpoint of SRL3.
    """
    with _opened(path) as archive:
        damaged = archive.testzip()
        if damaged:
            raise UserError(f"{path} is damaged (its entry {damaged} can't be read); use another checkpoint.")
        info = _info_json(path, archive)
        left_out = ("training",) if only_to_act else ()
        state = unpack(archive.read(STATE_ENTRY).decode(), archive.read(ARRAYS_ENTRY), left_out)
        if not isinstance(state, dict) or not state.keys() >= {"normalize", "training"}:
            raise ValueError(f"its {STATE_ENTRY} is incomplete")
        if POLICY_ENTRY in archive.namelist():
            state["policy"] = unpack(archive.read(POLICY_ENTRY).decode(), archive.read(POLICY_ARRAYS_ENTRY))
        tensors = {
            name.removesuffix(".pth"): tensors_of(archive.read(name), device)
            for name in archive.namelist()
            if name.endswith(".pth") and not (only_to_act and is_optimiser(name.removesuffix(".pth")))
        }
    variables = tensors.pop("pytorch_variables", None) or {}
    return Checkpoint(path, parse_info(path, info), tensors, variables, state, only_to_act)


def is_optimiser(name: str) -> bool:
    """Whether the tensors of this name, of Stable-Baselines3's, are an optimiser's."""
    return name.endswith("optimizer")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip at ``path``; whatever goes wrong with it in the block becomes a `UserError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; name a checkpoint or a run folder.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a checkpoint.") from None
    except PermissionError:
        raise UserError(f"{path} may not be read; check its permissions.") from None
    except zipfile.BadZipFile:
        raise UserError(f"{path} is not a checkpoint, or only part of one (not a whole zip file).") from None
    except pickle.UnpicklingError:
        raise UserError(f"{path} holds something other than tensors, and was not opened.") from None
    except TENSOR_ERRORS as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}: {error}); use another checkpoint.") from None


def _info_json(path: Path, archive: zipfile.ZipFile) -> Any:
    if INFO_ENTRY not in archive.namelist():
        raise UserError(
            f"{path} is no SRL3 checkpoint, or only part of one (it lacks {INFO_ENTRY}); "
            "use a file written by rl_baselines.train."
        )
    return value_of(archive.read(INFO_ENTRY))


def _encoder_state(encoder: Encoder) -> dict[str, Any]:
    tensors = {name: tensor.numpy() for name, tensor in encoder.tensors().items()}
    return {"info": encoder.info.as_dict(), "tensors": tensors}
