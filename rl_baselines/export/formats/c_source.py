"""An exported policy as a C header: one function, static arrays, no library but ``math.h``, no ``malloc``.

The graph is translated operator by operator for one robot. What is translated is what networks of linear layers are
made of; a graph with anything else (convolutions, a memory) is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from rl_baselines.export.contract import Contract
from rl_baselines.export.graph import ACTIONS
from rl_baselines.export.tables import contract_tables
from srl3.errors import UserError
from srl3.files import write_text

C_TYPES = {
    np.dtype(np.float32): "float",
    np.dtype(np.float64): "double",
    np.dtype(np.int64): "long long",
    np.dtype(np.int32): "int",
    np.dtype(np.int8): "signed char",
    np.dtype(np.uint8): "unsigned char",
    np.dtype(np.bool_): "unsigned char",
}
UNARY = {
    "Relu": "{0} < 0 ? 0 : {0}",
    "Neg": "-{0}",
    "Identity": "{0}",
    "LeakyRelu": "{0} > 0 ? {0} : {alpha} * {0}",
    "Elu": "{0} > 0 ? {0} : {alpha} * (EXP({0}) - 1)",
    "Tanh": "TANH({0})",
    "Exp": "EXP({0})",
    "Sqrt": "SQRT({0})",
    "Sigmoid": "1 / (1 + EXP(-{0}))",
    "Softplus": "{0} > 0 ? {0} + LOG(1 + EXP(-{0})) : LOG(1 + EXP({0}))",
}
"""expressions of one number, which keep one that is not a number; functions in capitals are those of its type"""
BINARY = {
    "Add": "{0} + {1}",
    "Sub": "{0} - {1}",
    "Mul": "{0} * {1}",
    "Div": "{0} / {1}",
    "Max": "{0} < {1}{nan} ? {1} : {0}",
    "Min": "{0} > {1}{nan} ? {1} : {0}",
    "Greater": "{0} > {1}",
}
SHAPING = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
"""operators that move no number"""
INDENT = "    "


def write_c(model: onnx.ModelProto, contract: Contract, path: Path) -> None:
    """Write ``path``, a header with ``policy_act(observation, actions)``.

    Raises:
        UserError: for a graph that has more than linear layers and functions of single numbers.
    """
    write_text(path, c_source(model, contract, path.stem))


def c_source(model: onnx.ModelProto, contract: Contract, name: str) -> str:
    """The header's text.

    Args:
        model: the graph.
        contract: what it says of itself; it becomes a comment.
        name: of the file, without its ending.

    Raises:
        UserError: as `write_c`.
    """
    if len(contract["observation"]["inputs"]) > 1 or contract["memory"] is not None:
        what = "several observations" if contract["memory"] is None else "a memory"
        raise UserError(f"a policy with {what} can't be written in C; leave out --format c.")
    return _Translation(_for_one_robot(model), contract, name).text()


def _for_one_robot(model: onnx.ModelProto) -> onnx.ModelProto:
    one = onnx.ModelProto()
    one.CopyFrom(model)
    for value in (*one.graph.input, *one.graph.output):
        shape = value.type.tensor_type.shape
        if shape.dim:
            shape.dim[0].dim_value = 1
    return shape_inference.infer_shapes(one, data_prop=True)


@dataclass
class _Array:
    """A tensor of the graph as a C array."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass
class _Translation:
    """A graph being written."""

    model: onnx.ModelProto
    contract: Contract
    file: str
    arrays: dict[str, _Array] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    def text(self) -> str:
        graph = self.model.graph
        shapes = {each.name: each for each in (*graph.input, *graph.value_info, *graph.output)}
        self._types = {name: self._array_of(value) for name, value in shapes.items()}
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        (given,) = graph.input
        self.arrays[given.name] = _Array("observation", self._types[given.name].shape, self._types[given.name].dtype)
        outputs = {value.name: value.name for value in graph.output}
        for node in graph.node:
            self._translate(node, outputs)
        for name in outputs.keys() & self.constants.keys():  # the same whatever is observed, such as a spread
            self.arrays[name] = _Array(name, self.constants[name].shape, self.constants[name].dtype)
            self._loop(self.arrays[name], self._element_of_constant(name, self.arrays[name]))
        return self._file(given, outputs)

    def _array_of(self, value: onnx.ValueInfoProto) -> _Array:
        tensor = value.type.tensor_type
        shape = tuple(each.dim_value for each in tensor.shape.dim)
        return _Array("", shape, np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)))

    def _translate(self, node: onnx.NodeProto, outputs: dict[str, str]) -> None:
        settings = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        kind, target = node.op_type, node.output[0]
        if kind == "Constant":
            self.constants[target] = numpy_helper.to_array(settings["value"])
            return
        if kind == "Shape":
            sizes = self._known(node.input[0], node)[settings.get("start", 0) : settings.get("end")]
            self.constants[target] = np.array(sizes, np.int64)
            return
        if all(name in self.constants for name in node.input if name):
            feeds = {name: self.constants[name] for name in node.input if name}
            values = ReferenceEvaluator(node).run(None, feeds)
            self.constants |= {name: np.asarray(value) for name, value in zip(node.output, values, strict=True)}
            return
        if kind in SHAPING and node.input[0] in self.arrays and target not in outputs:
            source = self.arrays[node.input[0]]
            self.arrays[target] = _Array(source.name, self._known(target, node), source.dtype)
            return
        writers: dict[str, Callable[[onnx.NodeProto, dict[str, Any], _Array], None]] = {
            "Gemm": self._gemm,
            "MatMul": self._gemm,
            "Clip": self._clip,
            "Cast": self._elementwise,
            "ArgMax": self._argmax,
            "ReduceMean": self._mean,
            "Split": self._split,
            "Concat": self._concat,
            "Expand": self._elementwise,
            "Slice": self._slice,
            **dict.fromkeys((*UNARY, *BINARY, *SHAPING), self._elementwise),
        }
        if kind not in writers:
            raise UserError(
                f"this policy can't be written in C: its graph has the operator {kind}, and the translation knows "
                "linear layers and functions of single numbers; leave out --format c."
            )
        for name in node.output:
            shape, place = self._known(name, node), outputs.get(name, f"t{len(self.arrays)}")
            self.arrays[name] = _Array(place, shape, self._types[name].dtype)
            if name not in outputs:
                self.body.append(f"{C_TYPES[self.arrays[name].dtype]} {place}[{max(1, self.arrays[name].size)}];")
        writers[kind](node, settings, self.arrays[target])

    def _known(self, name: str, node: onnx.NodeProto) -> tuple[int, ...]:
        found = self._types.get(name)
        if found is None or (0 in found.shape and np.prod(found.shape) == 0):
            raise UserError(f"this policy can't be written in C: the size of its {node.op_type} is not fixed.")
        return found.shape

    # operators

    def _gemm(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        weights = self.constants.get(node.input[1])
        if weights is None or settings.get("alpha", 1.0) != 1.0 or settings.get("transA", 0):
            raise UserError("this policy can't be written in C: it multiplies two computed matrices.")
        weights = weights if settings.get("transB", 0) else weights.T  # (out, in)
        table = self._table(np.ascontiguousarray(weights))
        bias = f"{self._table(self.constants[node.input[2]].ravel())}[i]" if len(node.input) > 2 else "0"
        source = self.arrays[node.input[0]].name
        kind = C_TYPES[out.dtype]
        rows, columns = weights.shape
        self.body += [
            f"for (int i = 0; i < {rows}; i++) {{",
            f"{INDENT}{kind} sum = {bias};",
            f"{INDENT}for (int k = 0; k < {columns}; k++) sum += {table}[i * {columns} + k] * {source}[k];",
            f"{INDENT}{out.name}[i] = sum;",
            "}",
        ]

    def _elementwise(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        kind = node.op_type
        if kind in BINARY:
            expression, count = BINARY[kind], 2
        else:
            expression, count = UNARY.get(kind, "{0}"), 1
        parts = [self._element(name, out) for name in node.input[:count]]
        alpha = _number(settings.get("alpha", 1.0 if kind == "Elu" else 0.01), out.dtype)
        computed = count == 2 and node.input[1] in self.arrays and out.dtype.kind == "f"
        nan = f" || {parts[1]} != {parts[1]}" if computed else ""
        self._loop(out, _functions(expression.format(*parts, alpha=alpha, nan=nan), out.dtype))

    def _clip(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        value = self._element(node.input[0], out)
        low, high = (
            _number(float(self.constants[name]), out.dtype) if name else "" for name in (*node.input[1:], "")[:2]
        )
        expression = f"{value} > {high} ? {high} : {value}" if high else value
        self._loop(out, f"{value} < {low} ? {low} : ({expression})" if low else expression)

    def _argmax(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        source = self.arrays[node.input[0]]
        self.body += [
            f"{out.name}[0] = 0;",
            f"for (int i = 1; i < {source.size}; i++) {{",
            f"{INDENT}if ({source.name}[i] > {source.name}[{out.name}[0]]) {out.name}[0] = i;",
            "}",
        ]

    def _mean(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        source = self.arrays[node.input[0]]
        over = source.size // out.size  # of quantiles: (1, quantiles, actions) over the second axis
        self.body += [
            f"for (int i = 0; i < {out.size}; i++) {{",
            f"{INDENT}{C_TYPES[out.dtype]} sum = 0;",
            f"{INDENT}for (int k = 0; k < {over}; k++) sum += {source.name}[k * {out.size} + i];",
            f"{INDENT}{out.name}[i] = sum / {over};",
            "}",
        ]

    def _split(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        start = 0
        for name in node.output:
            part = self.arrays[name]
            self._loop(part, f"{self.arrays[node.input[0]].name}[{start} + i]")
            start += part.size

    def _slice(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        start = int(self.constants[node.input[1]].ravel()[0])
        self._loop(out, f"{self.arrays[node.input[0]].name}[{start} + i]")

    def _concat(self, node: onnx.NodeProto, settings: dict[str, Any], out: _Array) -> None:
        start = 0
        for name in node.input:
            source = self.arrays[name]
            self.body.append(f"for (int i = 0; i < {source.size}; i++) {out.name}[{start} + i] = {source.name}[i];")
            start += source.size

    # pieces

    def _loop(self, out: _Array, expression: str) -> None:
        self.body.append(f"for (int i = 0; i < {out.size}; i++) {out.name}[i] = {expression};")

    def _element(self, name: str, out: _Array) -> str:
        """The element of an operand that element ``i`` of the result is made of."""
        if name in self.arrays:
            return f"{self.arrays[name].name}[{'0' if self.arrays[name].size == 1 else 'i'}]"
        return self._element_of_constant(name, out)

    def _element_of_constant(self, name: str, out: _Array) -> str:
        values = np.broadcast_to(self.constants[name], out.shape).ravel()
        if np.all(values == values[0]):
            return _number(values[0], values.dtype)
        return f"{self._table(values)}[i]"

    def _table(self, values: np.ndarray) -> str:
        name = f"w{len(self.tables)}"
        flat = values.ravel()
        numbers = ", ".join(_number(value, flat.dtype) for value in flat)
        self.tables.append(f"static const {C_TYPES[flat.dtype]} {name}[{flat.size}] = {{{numbers}}};")
        return name

    def _file(self, given: onnx.ValueInfoProto, outputs: dict[str, str]) -> str:
        guard = "".join(letter if letter.isalnum() else "_" for letter in self.file).upper() + "_H"
        made = {name: self.arrays[name] for name in outputs}
        kinds = {"observation": self.arrays[given.name], **made}
        declared = [
            line
            for name, array in kinds.items()
            for line in (
                f"#define POLICY_{name.upper()} {array.size}",
                f"typedef {C_TYPES[array.dtype]} policy_{name}_t;",
            )
        ]
        arguments = ["const policy_observation_t observation[POLICY_OBSERVATION]"]
        arguments += [f"policy_{name}_t {name}[POLICY_{name.upper()}]" for name in made]
        more = [f"policy_{name}_t {name}[POLICY_{name.upper()}];" for name in made if name != ACTIONS]
        comment = contract_tables(self.contract).replace("*/", "* /").splitlines()
        functions = [
            "/* Everything that the policy gives for one observation. */",
            f"static inline void policy_run({', '.join(arguments)})",
            "{",
            *(f"{INDENT}{line}" for line in self.body),
            "}",
            "",
            "/* The actions alone. */",
            f"static inline void policy_act({', '.join(arguments[:2])})",
            "{",
            *(f"{INDENT}{line}" for line in more),
            f"{INDENT}policy_run({', '.join(['observation', *made])});",
            "}",
        ]
        return "\n".join(
            [
                "/* A policy exported by SRL3. One robot; no library but math.h, no memory but the stack.",
                " *",
                *(f" * {line}".rstrip() for line in comment),
                " */",
                f"#ifndef {guard}",
                f"#define {guard}",
                "",
                "#include <math.h>",
                "",
                *declared,
                "",
                *self.tables,
                "",
                *functions,
                "",
                "#endif",
                "",
            ]
        )


def _number(value: Any, dtype: np.dtype[Any]) -> str:
    if dtype.kind != "f":
        return str(int(value))
    if not np.isfinite(value):
        return "NAN" if np.isnan(value) else "INFINITY" if value > 0 else "(-INFINITY)"
    text = repr(float(value)) if dtype == np.float64 else str(np.float32(value))
    text = text if any(mark in text for mark in ".e") else f"{text}.0"
    text = f"{text}f" if dtype == np.float32 else text
    return f"({text})" if text.startswith("-") else text


def _functions(expression: str, dtype: np.dtype[Any]) -> str:
    """Functions of the right precision."""
    ending = "f" if dtype == np.float32 else ""
    for name in ("TANH", "EXP", "SQRT", "LOG"):
        expression = expression.replace(f"{name}(", f"{name.lower()}{ending}(")
    return expression
