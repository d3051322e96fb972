"""An exported policy as an ONNX file: the graph with its contract and lists as metadata."""

import json
from pathlib import Path

import onnx

from rl_baselines.export.contract import KEY, Contract, comma_lists
from srl3.files import atomic_path


def write_onnx(model: onnx.ModelProto, contract: Contract, path: Path) -> None:
    """Write ``path`` in one piece."""
    content = with_contract(model, contract).SerializeToString(deterministic=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def with_contract(model: onnx.ModelProto, contract: Contract) -> onnx.ModelProto:
    """A copy of ``model`` with a contract and its lists as metadata."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    del whole.metadata_props[:]
    entries = {KEY: json.dumps(contract, allow_nan=False, separators=(",", ":")), **comma_lists(contract)}
    for key, value in entries.items():
        whole.metadata_props.add(key=key, value=value)
    return whole
