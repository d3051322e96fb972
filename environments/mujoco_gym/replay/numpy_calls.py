"""How NumPy does what torch did: one call with its operands and the place of its result, to the same bits.

An operation of torch on a few numbers takes some 3 µs, of which nearly all is finding out what to do; the ufunc of
NumPy that does the same takes a tenth. Both round +, -, * and / correctly, and thus alike. What torch rounds otherwise
(square roots, sines, exponentials, sums of many numbers) stays torch's.
"""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

Call = Callable[[], object]
ARITHMETIC = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
COMPARISONS = {
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
OF_ONE = {"abs": np.absolute, "neg": np.negative, "floor": np.floor, "round": np.rint}
BITWISE = {
    "__rshift__": np.right_shift,
    "__lshift__": np.left_shift,
    "bitwise_right_shift": np.right_shift,
    "bitwise_left_shift": np.left_shift,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "__and__": np.bitwise_and,
    "__or__": np.bitwise_or,
    "__iand__": np.bitwise_and,
    "__ior__": np.bitwise_or,
    "__xor__": np.bitwise_xor,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}
TORCHS = ("sqrt", "exp", "log", "sin", "cos", "atan2", "maximum", "minimum", "remainder", "sum")
"""functions that write to a tensor directly"""
COPIES = ("copy", "clone", "to", "_to_copy", "contiguous", "reshape", "_reshape_copy", "fill", "zero")


def numpy_call(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    """What computes ``out`` anew from the same operands; None where nothing is known that gives the same bits.

    Args:
        name: of the operation in torch, without the ``_`` of those that work in place.
        args: tensors and numbers, as torch took them.
        kwargs: the same.
        out: the result, whose memory is written to; of an operation in place its first operand.
    """
    if name in TORCHS and not kwargs and (name != "sum" or len(args) > 1):
        return partial(getattr(torch, name), *args, out=out)
    for finder in (_of_two, _of_one, _clamp, _where, _copy, _joined, _picked, _reduced):
        call = finder(name, args, {key: value for key, value in kwargs.items() if value is not out}, out)
        if call is not None:
            return call
    return None


def _operand(value: Any, dtype: np.dtype[Any]) -> np.ndarray | None:
    """A tensor of this type as an array, or a number that fits into it."""
    if isinstance(value, torch.Tensor):
        array = value.numpy()
        return array if array.dtype == dtype else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if dtype.kind == "f" or (dtype.kind == "i" and isinstance(value, int)):
        return np.asarray(value, dtype)
    return None


def _operands(values: Sequence[Any], dtype: np.dtype[Any]) -> list[np.ndarray] | None:
    arrays = [_operand(value, dtype) for value in values]
    return None if any(array is None for array in arrays) else [array for array in arrays if array is not None]


def _by_element(function: np.ufunc, operands: list[np.ndarray], result: np.ndarray) -> Call:
    """The ufunc over flat arrays and single numbers, where that is the same: NumPy takes half the time for them."""
    if result.flags.c_contiguous and all(
        array.size == 1 or (array.size == result.size and array.flags.c_contiguous) for array in operands
    ):
        operands = [array.reshape(() if array.size == 1 else -1) for array in operands]
        result = result.reshape(-1)
    return partial(function, *operands, result)


def _of_two(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    result = out.numpy()
    if len(args) != 2 or kwargs:
        return None
    first, second = args
    if name == "rsub":
        name, first, second = "sub", second, first
    if name in ARITHMETIC and result.dtype.kind in "fi":
        operands = _operands((first, second), result.dtype)
        if operands is None and result.dtype.kind == "f":  # float64 and float32: the sum is one of float64
            mixed = [value.numpy() for value in (first, second) if isinstance(value, torch.Tensor)]
            wide = all(array.dtype.kind == "f" and array.ndim for array in mixed)
            operands = mixed if len(mixed) == 2 and wide and np.result_type(*mixed) == result.dtype else None
        return None if operands is None else _by_element(ARITHMETIC[name], operands, result)
    if name == "pow" and not isinstance(second, torch.Tensor) and second == 2 and result.dtype.kind == "f":
        operands = _operands((first, first), result.dtype)
        return None if operands is None else _by_element(np.multiply, operands, result)
    if name in COMPARISONS:
        dtype = next(value.numpy().dtype for value in (first, second) if isinstance(value, torch.Tensor))
        operands = _operands((first, second), dtype)
        return None if operands is None else _by_element(COMPARISONS[name], operands, result)
    if name in BITWISE:
        operands = _operands((first, second), result.dtype)
        return None if operands is None else _by_element(BITWISE[name], operands, result)
    return None


def _of_one(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    if len(args) != 1 or kwargs or not isinstance(args[0], torch.Tensor):
        return None
    values, result = args[0].numpy(), out.numpy()
    if name in OF_ONE and values.dtype == result.dtype and result.dtype.kind == "f":
        return partial(OF_ONE[name], values, result)
    if name in ("bitwise_not", "logical_not") and values.dtype == result.dtype == np.bool_:
        return partial(np.logical_not, values, result)
    return None


def _clamp(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    """The bound is the first operand: of 0 and -0 these functions give the second."""
    low, high = [*args[1:], None, None][:2] if name == "clamp" else (None, None)
    if name == "clamp":
        low, high = kwargs.get("min", low), kwargs.get("max", high)
    elif name == "clamp_min" and len(args) == 2:
        low = args[1]
    elif name == "clamp_max" and len(args) == 2:
        high = args[1]
    else:
        return None
    result = out.numpy()
    values = _operand(args[0], result.dtype)
    if values is None or result.dtype.kind not in "fi":
        return None
    calls: list[Call] = []
    for bound, function in ((low, np.maximum), (high, np.minimum)):
        if bound is None:
            continue
        limit = None if isinstance(bound, torch.Tensor) else _operand(bound, result.dtype)
        if limit is None:
            return None
        calls.append(partial(function, limit, result if calls else values, out=result))
    return calls[0] if len(calls) == 1 else partial(_both, *calls)


def _both(first: Call, second: Call) -> None:
    first()
    second()


def _where(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    result = out.numpy()
    if name != "where" or len(args) != 3 or kwargs:
        return None
    operands = _operands(args[1:], result.dtype)
    if operands is None:
        return None
    return partial(_both, partial(np.copyto, result, operands[1]), _copied(result, operands[0], args[0].numpy()))


def _copied(result: np.ndarray, values: np.ndarray, where: np.ndarray) -> Call:
    return partial(np.copyto, result, values, where=where)


def _copy(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    if name not in COPIES:
        return None
    result = out.numpy()
    if name in ("copy", "fill"):
        value = args[1].numpy() if isinstance(args[1], torch.Tensor) else np.asarray(args[1])
    elif name == "zero":
        value = np.zeros((), result.dtype)
    else:
        value = args[0].numpy()
        if value.shape != result.shape:  # of `reshape`: the result lies in one piece
            result = result.reshape(value.shape)
    if value.dtype.kind == "f" and result.dtype.kind != "f":
        return None  # numbers that no integer holds become what a processor likes
    return partial(np.copyto, result, value, "unsafe")


def _joined(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    if name not in ("cat", "stack"):
        return None
    axis = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    parts = [part.unsqueeze(axis) if name == "stack" else part for part in args[0]]
    if any(part.dtype != out.dtype or part.ndim != out.ndim for part in parts):
        return None
    return partial(np.concatenate, [part.numpy() for part in parts], axis, out.numpy())


def _picked(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    """Elements at places of one axis. Places below 0 count from the end."""
    if name == "index_select":
        values, axis, places = args
        return partial(values.numpy().take, places.numpy(), axis, out.numpy())
    if name == "take":
        return partial(args[0].numpy().take, args[1].numpy(), None, out.numpy())
    if name not in ("index", "index_put"):
        return None
    chosen = [axis for axis, places in enumerate(args[1]) if places is not None]
    if len(chosen) != 1 or args[1][chosen[0]].dtype != torch.int64:
        return None
    axis, places = chosen[0], args[1][chosen[0]].numpy()
    values = args[0].numpy()
    if name == "index":
        return partial(values.take, places, axis, out.numpy())
    if len(args) > 3 and args[3]:
        return None  # adds to what is there
    new = _operand(args[2], values.dtype)
    return None if new is None else partial(operator.setitem, values, (slice(None),) * axis + (places,), new)


def _reduced(name: str, args: Sequence[Any], kwargs: dict[str, Any], out: torch.Tensor) -> Call | None:
    if name not in ("any", "all") or kwargs or args[0].dtype != torch.bool:
        return None
    function = np.logical_or if name == "any" else np.logical_and
    axis = args[1] if len(args) > 1 else None
    keeps = bool(args[2]) if len(args) > 2 else False
    if isinstance(axis, list):
        axis = tuple(axis)
    return partial(function.reduce, args[0].numpy(), axis, None, out.numpy(), keeps)
