"""Files of `BatchedPPO`: what plain Stable-Baselines3 opens where it can, with what only SRL3 reads beside it."""

import io
import json
import pathlib
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from stable_baselines3.common.save_util import save_to_zip_file

from rl_baselines.batched_ppo.networks.folding import PLAIN_KWARGS, plain_class, to_plain
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.tree import pack, unpack

POLICY_TREE_ENTRY = "srl3/policy.json"
POLICY_ARRAYS_ENTRY = "srl3/policy.npz"


class Writable(Protocol):
    """What `write_model` needs of a model, beside its attributes."""

    policy: BatchedPolicy
    policy_kwargs: dict[str, Any]

    def get_parameters(self) -> dict[str, Any]:
        """State dicts by name."""

    def why_not_plain(self) -> str | None:
        """What plain Stable-Baselines3 lacks for it."""

    def policy_state(self) -> dict[str, Any]:
        """What its files can't hold."""


Target = str | pathlib.Path | io.BufferedIOBase


def write_model(model: Writable, target: Target, exclude: Iterable[str]) -> None:
    """Write ``model`` as Stable-Baselines3 does.

    Args:
        model: to be written.
        target: a path, to which ``.zip`` is added where it lacks it, or a file that is open for writing.
        exclude: attributes that are left out.
    """
    data = {name: value for name, value in vars(model).items() if name not in exclude}
    reason = model.why_not_plain()
    parameters: dict[str, Any] = model.get_parameters()
    if reason is None:
        data["policy_class"] = plain_class(model.policy)
        data["policy_kwargs"] = {name: value for name, value in model.policy_kwargs.items() if name in PLAIN_KWARGS}
        parameters["policy"] = to_plain(model.policy)
    else:
        data["policy_class"] = f"of SRL3 ({reason}; open this file with SRL3)"
    buffer = io.BytesIO()
    save_to_zip_file(buffer, data=data, params=parameters, pytorch_variables={})
    text, arrays = pack(model.policy_state())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(POLICY_TREE_ENTRY, text)
        archive.writestr(POLICY_ARRAYS_ENTRY, arrays)
    if isinstance(target, str | pathlib.Path):
        path = pathlib.Path(target)
        with atomic_path(path if path.suffix else path.with_suffix(".zip")) as temporary:
            temporary.write_bytes(buffer.getbuffer())
    else:
        target.write(buffer.getbuffer())


def read_policy_state(source: Target) -> dict[str, Any]:
    """What `BatchedPPO.policy_state` gave when the file was written.

    Raises:
        UserError: when the file has none.
    """
    if isinstance(source, str | pathlib.Path):
        path = pathlib.Path(source)
        source = path if path.is_file() else path.with_suffix(".zip")
    try:
        with zipfile.ZipFile(source) as archive:
            tree = unpack(archive.read(POLICY_TREE_ENTRY).decode(), archive.read(POLICY_ARRAYS_ENTRY))
    except (KeyError, json.JSONDecodeError):
        raise UserError(f"{source} was not written by batched_ppo; open it with the algorithm that wrote it.") from None
    assert isinstance(tree, dict)
    return tree


def as_arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Tensors as NumPy arrays."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
