"""Reads an exported file with distrust: nothing of it is run, and what it says is checked against the schema."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

from rl_baselines.export.contract import KEY, SCHEMA, Contract, json_schema
from srl3.errors import UserError
from srl3.formats.json import value_of

MAX_BYTES = 2**31
"""of an ONNX file; longer ones keep their weights elsewhere"""
LARGEST = 2**1024
"""numbers are below it, as float64 are"""


@dataclasses.dataclass(frozen=True)
class ExportedFile:
    """An exported policy."""

    path: Path
    model: onnx.ModelProto
    contract: Contract
    metadata: dict[str, str]
    """everything else that the file says, by key"""


def read_exported(path: Path) -> ExportedFile:
    """The file at ``path``.

    Raises:
        UserError: when it is missing, no ONNX file, damaged, of another program, or of a later version.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder, not an exported policy.")
    if not path.is_file():
        raise UserError(f"{path} does not exist; write it with python -m rl_baselines.export RUN -o {path}.")
    model = _model(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if KEY not in metadata:
        raise UserError(f"{path} is an ONNX file, but not one that SRL3 exported (it says nothing under '{KEY}').")
    try:
        contract = value_of(metadata.pop(KEY))
        schema = contract["schema"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is damaged (what it says under '{KEY}' can't be read); export it again.") from None
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        raise UserError(f"{path} has contract schema {schema}, and this version reads schema {SCHEMA}; update SRL3.")
    _check(path, contract)
    return ExportedFile(path, model, contract, metadata)


def _model(path: Path) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

    if path.stat().st_size >= MAX_BYTES:
        raise UserError(f"{path} is larger than an ONNX file can be.")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        onnx.checker.check_model(model, full_check=True)
    except (DecodeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        reason = next(iter(str(error).split("\n")), "")
        raise UserError(f"{path} is no whole ONNX file ({reason.strip() or type(error).__name__}).") from None
    outside = [tensor.name for tensor in model.graph.initializer if tensor.data_location == onnx.TensorProto.EXTERNAL]
    if outside:
        raise UserError(f"{path} keeps its weights in other files ({outside[0]}), which no file of SRL3 does.")
    return model


def _check(path: Path, contract: Any) -> None:
    import jsonschema

    types = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=types)
    error = jsonschema.exceptions.best_match(validator(json_schema()).iter_errors(contract))
    if error is not None:
        where = ".".join(map(str, error.absolute_path)) or "its top"
        raise UserError(f"{path} is damaged (its contract at {where}: {error.message[:120]}); export it again.")
    for fault in _faults(contract):
        raise UserError(f"{path} is damaged (its contract: {fault}); export it again.")


def _faults(contract: Contract) -> Iterator[str]:
    """What the schema can't say: every number is one, and slices and normalisers fit their observations."""
    if not _finite(contract):
        yield "a number is infinite or none"
    for each in contract["observation"]["inputs"]:
        size = math.prod(each["shape"]) // each["history"]
        for term in each["terms"]:
            start, stop = term["slice"]
            if not start <= stop <= size:
                yield f"{term['name']!r} lies at {start}:{stop} of the {size} numbers of {each['name']!r}"
        moments = each["normalizer"]
        if moments is not None and len(moments["mean"]) != len(moments["std"]):
            yield f"the normaliser of {each['name']!r} lacks a mean or a deviation"


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, int | float) or abs(value) < LARGEST
