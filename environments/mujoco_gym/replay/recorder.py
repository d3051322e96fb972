"""`Recorder`: lets torch work, and notes by what calls the same is done again in the same memory."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from environments.mujoco_gym.replay.numpy_calls import Call, numpy_call

EMPTY = ("empty", "empty_like", "new_empty", "empty_strided")
CREATED = (
    *("zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"),
    *("arange", "scalar_tensor"),
)
UNSEEN = ("numpy", "tolist", "__array__", "__dlpack__")
"""methods by which values leave torch, where it can't be seen what becomes of them"""


class OtherwiseError(Exception):
    """A decision falls otherwise than it did in the recording."""


class Recorder(TorchDispatchMode):
    """What torch does within this context.

    Attributes:
        calls: to be made in this order to do it again; one raises `OtherwiseError` where a decision that was taken by
            a value would be another now.
        changed: tensors that were there before and were written to.
        held: what the calls work on.
        paused: what torch does now is not noted.
        reason: why the calls would not do the same; empty: they would.
        torch_operations: how many operations are still torch's, by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.changed: dict[Any, torch.Tensor] = {}
        self.held: list[Any] = []
        self.reason = ""
        self.torch_operations: dict[str, int] = {}
        self._own: set[int] = set()
        self.paused = False
        self._gate = _Gate(self)
        self._before: Token[Recorder | None] | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip torch's compiler, torch imports it: a second, and 70 MiB

    def __enter__(self) -> "Recorder":
        self._before = _current.set(self)
        super().__enter__()
        self._gate.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._gate.__exit__(*error)
        super().__exit__(*error)
        assert self._before is not None
        _current.reset(self._before)

    def refuse(self, reason: str) -> None:
        """Nothing more is noted."""
        self.reason = self.reason or reason

    def note_made(self, function: Callable[[], torch.Tensor], out: torch.Tensor) -> None:
        """``out`` is a new tensor, which ``function`` makes again without torch."""
        self._own.add(_memory(out))
        self.held.append((function, out))
        self.calls.append(partial(_into, [out], function))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if not self.reason and not self.paused:
            self.held.append((args, kwargs, out))  # their memory stays theirs
            try:
                self._note(func, args, kwargs, out)
            except Exception as error:  # of tensors that NumPy has nothing for: bfloat16, sparse ones
                self.refuse(f"{func}: {error}")
        return out

    def _note(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], out: Any) -> None:
        name = func._schema.name.split("::")[1]
        outs = list(out) if isinstance(out, list | tuple) else [out]
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.refuse(f"{name} draws random numbers of torch's")
        elif func._schema.is_mutable:
            written = _written(func, args, kwargs)
            self.changed |= {_place(each): each for each in written if _memory(each) not in self._own}
            self._add(name if name.endswith("__") else name.removesuffix("_"), func, args, kwargs, written)
        elif not all(isinstance(each, torch.Tensor) for each in outs):
            self._decide(func, args, kwargs, out)
        elif name in ("nonzero", "nonzero_numpy"):
            self._decide_nonzero(args[0], outs)
        elif torch.Tag.dynamic_output_shape in func.tags and _by_mask(name, args):
            self.refuse(f"{name} has another size each time")
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
            self.refuse("nonzero has another size each time")
        else:
            self.calls.append(partial(_none_of, mask.numpy()))


class _Gate(TorchFunctionMode):
    """Sees values leave torch."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in UNSEEN and not self._recorder.paused:
            self._recorder.refuse(f"{name} takes values out of torch")
        return func(*args, **(kwargs or {}))


_current: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def made_by(function: Callable[[], torch.Tensor], again: Callable[[], torch.Tensor]) -> torch.Tensor:
    """What ``function`` returns: a new tensor that it makes of tensors by other means than torch's.

    Args:
        function: is called now.
        again: does the same of what the tensors are then, when a recording is played.
    """
    recorder = _current.get()
    if recorder is None:
        return function()
    was_paused, recorder.paused = recorder.paused, True
    try:
        out = function()
    finally:
        recorder.paused = was_paused
    recorder.note_made(again, out)
    return out


def cant_be_recorded(reason: str) -> None:
    """Where a recording is made, say that it would not be worth anything."""
    recorder = _current.get()
    if recorder is not None:
        recorder.refuse(reason)


def _memory(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())


def _place(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride()


def _tensors(values: Sequence[Any]) -> list[torch.Tensor]:
    parts = [part for value in values for part in (value if isinstance(value, list | tuple) else [value])]
    return [part for part in parts if isinstance(part, torch.Tensor)]


def _is_view(args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]) -> bool:
    """Whether the results lie in the operands' memory: then they hold new values by themselves."""
    operands = {_memory(tensor) for tensor in _tensors([*args, *kwargs.values()])} - {0}  # where no element is
    return all(_memory(out) in operands for out in outs)


def _by_mask(name: str, args: Sequence[Any]) -> bool:
    """``index`` has one size for one size of its places, unless these are a mask."""
    return name != "index" or any(places is not None and places.dtype == torch.bool for places in args[1])


def _written(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    written = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            written.append(args[place] if place < len(args) else kwargs.get(argument.name))
    return _tensors(written)


def _into(outs: list[torch.Tensor], function: Callable[[], Any]) -> None:
    results = function()
    for out, result in zip(outs, results if isinstance(results, list | tuple) else [results], strict=True):
        if out.shape != result.shape:
            raise OtherwiseError
        out.copy_(result)


def _same_item(array: np.ndarray, value: Any) -> None:
    if array.item() != value:
        raise OtherwiseError


def _same(function: Callable[[], Any], value: Any) -> None:
    if function() != value:
        raise OtherwiseError


def _none_of(mask: np.ndarray) -> None:
    if mask.any():
        raise OtherwiseError
