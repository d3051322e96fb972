"""`Tape`: the operations of a function of tensors, recorded while torch does them, to be done again by NumPy."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from environments.mujoco_gym.replay.numpy_calls import Call, numpy_call

EMPTY = ("empty", "empty_like", "new_empty", "empty_strided")
CREATED = (
    *("zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"),
    *("arange", "scalar_tensor"),
)


class CantRecordError(Exception):
    """An operation whose result has another size, or another random value, each time."""


class _Otherwise(Exception):
    """A decision falls otherwise than it did when the tape was recorded."""


class Tape:
    """What a function of tensors did, in the memory in which it did it.

    The function must find its operands in the same tensors each time, leave what it remembers in tensors that it
    changes in place, and decide by nothing but tensors: `play` then does the same as calling it, and its result is that
    of the recording, which holds new values. Where a decision (``if mask.any()``) falls otherwise than it did, `play`
    puts back what it has changed and returns False; then the function has to be called.

    Args:
        function: it is called once, here.

    Attributes:
        result: what it returned: a tensor, or a mapping or tuple of such.

    Raises:
        CantRecordError: when sizes depended on values; the function was called all the same.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        recorder = _Recorder()
        with recorder:
            self.result = function()
        if recorder.reason:
            raise CantRecordError(recorder.reason)
        self.own_result = _copier(self.result)
        """a function that returns a copy of the result, whose tensors are of the mode in which it is called"""
        self._calls = recorder.calls
        self._held = recorder.held
        self.torch_operations = recorder.torch_operations
        """how many of its operations are still torch's, by name"""
        self.changed = [tensor.numpy() for tensor in recorder.changed.values()]
        """what was there before and is changed"""
        self._before = [array.copy() for array in self.changed]

    def play(self) -> bool:
        """Do it again; False: it would have been something else, and nothing is changed."""
        for before, array in zip(self._before, self.changed, strict=True):
            np.copyto(before, array)
        try:
            for call in self._calls:
                call()
        except _Otherwise:
            self.undo()
            return False
        return True

    def undo(self) -> None:
        """Put back what the last `play` changed."""
        for before, array in zip(self._before, self.changed, strict=True):
            np.copyto(array, before)


def _copier(result: Any) -> Callable[[], Any]:
    """What copies a tensor, or a mapping or named tuple of such, as it is when it is called."""
    if isinstance(result, torch.Tensor):
        array = result.numpy()
        return lambda: torch.from_numpy(array.copy("K"))
    if isinstance(result, Mapping):
        by_name = {name: _copier(part) for name, part in result.items()}
        return lambda: {name: copier() for name, copier in by_name.items()}
    if isinstance(result, tuple):
        parts = [_copier(part) for part in result]
        made = getattr(type(result), "_make", tuple)
        return lambda: made(copier() for copier in parts)
    return lambda: result


class _Recorder(TorchDispatchMode):
    """Lets torch work and notes how to do the same again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.held: list[Any] = []
        self.changed: dict[Any, torch.Tensor] = {}
        self.reason = ""
        self.torch_operations: dict[str, int] = {}
        self._own: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip torch's compiler, torch imports it: a second, and 70 MiB

    def __enter__(self) -> "_Recorder":
        global _current
        _current = self
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        global _current
        _current = None
        super().__exit__(*error)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        self.held.append((args, kwargs, out))  # their memory stays theirs
        if not self.reason:
            self._note(func, args, kwargs, out)
        return out

    def _note(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], out: Any) -> None:
        name = func._schema.name.split("::")[1]
        outs = list(out) if isinstance(out, list | tuple) else [out]
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.reason = f"{name} draws random numbers of torch's"
        elif not all(isinstance(each, torch.Tensor) for each in outs):
            self._decide(func, args, kwargs, out)
        elif name in ("nonzero", "nonzero_numpy"):
            self._decide_nonzero(args[0], outs)
        elif torch.Tag.dynamic_output_shape in func.tags and _by_mask(name, args):
            self.reason = f"{name} has another size each time"
        elif func._schema.is_mutable:
            written = _written(func, args, kwargs)
            self.changed |= {_place(each): each for each in written if _memory(each) not in self._own}
            self._add(name if name.endswith("__") else name.removesuffix("_"), func, args, kwargs, written)
        elif not _is_view(args, kwargs, outs):
            self._own.update(map(_memory, outs))
            if name in CREATED:
                self.calls.append(partial(np.copyto, out.numpy(), out.numpy().copy()))
            elif name not in EMPTY:
                self._add(name, func, args, kwargs, outs)

    def _add(self, name: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]) -> None:
        call = numpy_call(name, args, kwargs, outs[0]) if len(outs) == 1 else None
        if call is None:
            self.torch_operations[name] = self.torch_operations.get(name, 0) + 1
            again = partial(func, *args, **kwargs)
            call = again if func._schema.is_mutable else partial(_into, outs, again)
        self.calls.append(call)

    def _decide(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], value: Any) -> None:
        """Something that is no tensor comes of tensors: a decision is taken by it."""
        if func._schema.name in ("aten::is_nonzero", "aten::_local_scalar_dense", "aten::item"):
            self.calls.append(partial(_same_item, args[0].numpy(), value))
        else:
            self.calls.append(partial(_same, partial(func, *args, **kwargs), value))

    def _decide_nonzero(self, mask: torch.Tensor, outs: list[torch.Tensor]) -> None:
        if len(outs[0]):
            self.reason = "nonzero has another size each time"
        else:
            self.calls.append(partial(_none_of, mask.numpy()))

    def note_call(self, function: Callable[[], torch.Tensor], out: torch.Tensor) -> None:
        """Note a function that torch does not see."""
        self._own.add(_memory(out))
        self.held.append((function, out))
        self.calls.append(partial(_into, [out], function))


_current: _Recorder | None = None


def made_by(function: Callable[[], torch.Tensor], out: torch.Tensor) -> torch.Tensor:
    """``out``, a new tensor that was made by other means than torch's: a tape calls ``function`` to make it again."""
    if _current is not None:
        _current.note_call(function, out)
    return out


def _memory(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())


def _place(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride()


def _tensors(args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    values = [*args, *kwargs.values()]
    parts = [part for value in values for part in (value if isinstance(value, list | tuple) else [value])]
    return [part for part in parts if isinstance(part, torch.Tensor)]


def _is_view(args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]) -> bool:
    """Whether the results lie in the operands' memory: then they hold new values by themselves."""
    operands = {_memory(tensor) for tensor in _tensors(args, kwargs)} - {0}  # where no element is
    return all(_memory(out) in operands for out in outs)


def _by_mask(name: str, args: Sequence[Any]) -> bool:
    """``index`` has one size for one size of its places, unless these are a mask."""
    return name != "index" or any(places is not None and places.dtype == torch.bool for places in args[1])


def _written(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    written = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            written.append(args[place] if place < len(args) else kwargs[argument.name])
    return written


def _into(outs: list[torch.Tensor], function: Callable[[], Any]) -> None:
    results = function()
    for out, result in zip(outs, results if isinstance(results, list | tuple) else [results], strict=True):
        if out.shape != result.shape:
            raise _Otherwise
        out.copy_(result)


def _same_item(array: np.ndarray, value: Any) -> None:
    if array.item() != value:
        raise _Otherwise


def _same(function: Callable[[], Any], value: Any) -> None:
    if function() != value:
        raise _Otherwise


def _none_of(mask: np.ndarray) -> None:
    if mask.any():
        raise _Otherwise
