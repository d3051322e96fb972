"""The contract: what an exported file says of itself, as JSON under the metadata key ``srl3``.

`SCHEMA` says what is in it, `make_contract` makes it, `comma_lists` are its most asked-for parts for readers that know
other toolboxes' files. `docs/export.md` explains it to those who read it without SRL3.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from environments.term_tables import action_as_json, observation_as_json
from environments.terms import ObservationTerm
from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.export.graph import Exported, Port
from rl_baselines.export.world import Meaning
from rl_baselines.hyperparams.action_types import action_type_of
from rl_baselines.registry import find_algo
from srl3.formats.json import value_of
from srl3.runtime.versions import versions
from srl3.spaces import describe

KEY = "srl3"
SCHEMA = 1
Contract = dict[str, Any]
NORMALIZER_CLIP = 10.0
LISTS = (
    "observation_names",
    "command_names",
    "joint_names",
    "action_scale",
    "default_joint_pos",
    "joint_stiffness",
    "joint_damping",
    "run_path",
)
"""metadata keys of comma lists"""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of contracts."""
    found: dict[str, Any] = value_of(files("rl_baselines.export").joinpath("contract.schema.json").read_bytes())
    return found


def make_contract(
    checkpoint: Checkpoint, exported: Exported, meaning: Meaning, *, stochastic: bool, float32: bool
) -> Contract:
    """What a file says of itself, but for its test vectors and digests."""
    info, head = checkpoint.info, exported.head
    return {
        "schema": SCHEMA,
        "algorithm": {"name": info.algo, "policy": info.policy, "steps": info.num_timesteps},
        "checkpoint": {"run": run_path(checkpoint), "sha256": file_sha256(checkpoint.path)},
        "versions": versions() | {"onnx": onnx.__version__},
        "environment": {
            "id": info.env_id,
            "parameters": _without_paths(info.env_kwargs),
            "control_dt": meaning.control_dt,
        },
        "observation": {
            "inputs": [_input(port, meaning.observations[port.name], exported, float32) for port in exported.ports],
            "representation": _representation(checkpoint, exported),
        },
        "action": {
            "kind": action_type_of(head.action_space).value,
            "space": describe(head.action_space),
            "distribution": head.distribution,
            "stochastic": stochastic,
            "drawn_in_training": find_algo(info.algo).load_class(info.policy).on_policy,
            "terms": [action_as_json(term) for term in meaning.actions],
        },
        "memory": _memory(exported),
    }


def comma_lists(contract: Contract) -> dict[str, str]:
    """Parts of a contract as comma lists, by metadata key; what does not apply is left out."""
    terms = [term for port in contract["observation"]["inputs"] for term in port["terms"]]
    actions = contract["action"]["terms"]
    joints = [term for term in actions if term["joint"] is not None]
    found: dict[str, list[Any]] = {
        "observation_names": [term["name"] for term in terms],
        "command_names": [term["name"] for term in terms if term["source"] == "command"],
        "joint_names": [term["joint"] for term in joints],
        "action_scale": [term["scale"] for term in actions if contract["action"]["kind"] == "continuous"],
        "default_joint_pos": _of_all(joints, "default_pos"),
        "joint_stiffness": _of_all(joints, "stiffness"),
        "joint_damping": _of_all(joints, "damping"),
        "run_path": [contract["checkpoint"]["run"]],
    }
    return {name: ",".join(map(str, values)) for name, values in found.items() if values}


def graph_sha256(model: onnx.ModelProto) -> str:
    """Of the graph alone, weights included: the file without its metadata."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()


def contract_sha256(contract: Mapping[str, Any]) -> str:
    """Of everything that a contract says but its digests, whatever the order and spacing of its JSON."""
    rest = {name: value for name, value in contract.items() if name != "digests"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_path(checkpoint: Checkpoint) -> str:
    """``<env>/<representation>/<algorithm>/<run>`` as below a log folder, or the run's name alone."""
    folder = checkpoint.path.resolve().parent
    if folder.name == "checkpoints":
        folder = folder.parent
    if (folder / "args.yaml").is_file() and (folder.parent.name, folder.parent.parent.name) == (
        checkpoint.info.algo,
        checkpoint.info.srl_model,
    ):
        return "/".join(folder.parts[-4:])
    return folder.name


def write_array(values: np.ndarray) -> Any:
    """An array as JSON: nested lists of numbers that read back to the last bit; bytes of pictures are packed."""
    if values.dtype == np.uint8 and values.ndim == 4:
        packed = base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes(), 9)).decode()
        return {"shape": list(values.shape), "dtype": "uint8", "zlib_base64": packed}
    if values.dtype == np.float32:  # the shortest decimal that is this float32
        return np.vectorize(lambda number: float(str(number)), otypes=[np.float64])(values).tolist()
    return values.tolist()


def read_array(content: Any, dtype: str) -> np.ndarray:
    """What `write_array` wrote.

    Raises:
        ValueError, TypeError, KeyError: when it is something else.
    """
    if isinstance(content, dict):
        values = np.frombuffer(zlib.decompress(base64.b64decode(content["zlib_base64"])), np.uint8)
        return values.reshape(content["shape"])
    return np.array(content, dtype)


def _input(port: Port, terms: list[ObservationTerm], exported: Exported, float32: bool) -> dict[str, Any]:
    return {
        "name": port.name,
        "key": port.key or None,
        "history": port.history,
        "shape": list(port.shape),
        "dtype": port.dtype(float32).name,
        "image": port.image,
        "space": describe(port.space, [""] if port.image else []),
        "normalizer": _normalizer(port, exported, float32),
        "terms": [observation_as_json(term) for term in terms],
    }


def _normalizer(port: Port, exported: Exported, float32: bool) -> dict[str, Any] | None:
    """``clip((x - mean) / std, -clip, clip)``, in flat order; of a representation's states where there is one."""
    if exported.own_moments:
        mean, std = exported.own_moments["mean"], exported.own_moments["std"]
        return {"mean": mean.ravel().tolist(), "std": std.ravel().tolist(), "clip": NORMALIZER_CLIP, "dtype": "float32"}
    normalizer = exported.normalizer
    moments = None if normalizer is None else normalizer.moments.get(port.path)
    if normalizer is None or moments is None:
        return None
    std = np.sqrt(moments.var + normalizer.epsilon)
    return {
        "mean": moments.mean.ravel().tolist(),
        "std": std.ravel().tolist(),
        "clip": normalizer.clip,
        "dtype": "float32" if float32 else "float64",
    }


def _memory(exported: Exported) -> dict[str, Any] | None:
    names = exported.head.memory_names
    if not names:
        return None
    layers, size = exported.head.memory_shape()
    return {
        "kind": "lstm" if len(names) == 2 else "gru",
        "layers": layers,
        "size": size,
        "inputs": [f"{name}_in" for name in names],
        "outputs": [f"{name}_out" for name in names],
        "start": "zeros",
    }


def _representation(checkpoint: Checkpoint, exported: Exported) -> dict[str, Any] | None:
    encoder = checkpoint.load_encoder("cpu")
    if encoder is None:
        return None
    said = encoder.info.as_dict()
    kept = ("srl_model", "model_type", "state_dim", "img_shape", "first_view_only", "losses", "fingerprint")
    return {name: said[name] for name in kept}


def _of_all(joints: list[dict[str, Any]], name: str) -> list[Any]:
    """A property of the joints where each has it, else nothing."""
    values = [joint.get(name) for joint in joints]
    return [] if None in values else values


def _without_paths(value: Any) -> Any:
    """Parameters with files' names in the place of absolute paths, which mean nothing on another machine."""
    if isinstance(value, Mapping):
        return {str(key): _without_paths(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(each) for each in value]
    if isinstance(value, str) and (value.startswith(("/", "~")) or Path(value).is_absolute()):
        return Path(value).name
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
