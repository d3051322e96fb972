"""The registry of export formats: one line to add one."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Format:
    """A kind of file that policies are exported to.

    Args:
        ending: of its files.
        writer: ``module:function`` that is given the graph (checked already), its contract and the path, and writes
            the file in one piece.
        runner: file of this folder that ``--runner`` puts beside it, and its name there.
        summary: for ``--help``.
    """

    ending: str
    writer: str
    runner: tuple[str, str]
    summary: str

    def load_writer(self) -> "Callable[[onnx.ModelProto, dict[str, Any], Path], None]":
        """The function behind the entry."""
        module, _, name = self.writer.partition(":")
        function: Callable[[Any, dict[str, Any], Path], None] = getattr(importlib.import_module(module), name)
        return function


FORMATS: dict[str, Format] = {
    "onnx": Format(
        ".onnx", "rl_baselines.export.formats.onnx_file:write_onnx", ("runner.py", "policy_runner.py"), "ONNX"
    ),
    "c": Format(
        ".h",
        "rl_baselines.export.formats.c_source:write_c",
        ("policy_example.c", "policy_example.c"),
        "a C header without needs",
    ),
}
