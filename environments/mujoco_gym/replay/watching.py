"""`Watching`: lets torch work, and sees whether the same could be done again in the same memory."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

UNSEEN = ("numpy", "tolist", "__array__", "__dlpack__")
"""methods by which values leave torch, where it can't be seen what becomes of them"""
OF_ONE_VALUE = ("aten::is_nonzero", "aten::_local_scalar_dense", "aten::item")
"""operations that give the one value of a tensor"""
NONZERO = ("nonzero", "nonzero_numpy")


class OtherwiseError(Exception):
    """A decision falls otherwise than it did in the recording."""


class CantRecordError(Exception):
    """The function does what can't be done again: an operation with another size or random value each time."""


class CantCaptureError(CantRecordError):
    """The function does what a CUDA graph has no place for, and will the next time."""


class Recording(TorchDispatchMode):
    """A context in which functions that tasks call know that they are recorded.

    Attributes:
        paused: what torch does now is not noted.
        reason: why the same could not be done again; empty: it could.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""
        self.paused = False
        self._gate: _Gate | None = None
        self._before: Token[Recording | None] | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip torch's compiler, torch imports it: a second, and 70 MiB

    def __enter__(self) -> Self:
        self._before = _current.set(self)
        super().__enter__()
        self._gate = _Gate(self)
        self._gate.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        assert self._gate is not None
        self._gate.__exit__(*error)
        self._gate = None  # whose reference to this would keep all alive until it is looked for
        super().__exit__(*error)
        assert self._before is not None
        _current.reset(self._before)

    def refuse(self, reason: str) -> None:
        """Nothing more is noted."""
        self.reason = self.reason or reason

    @abstractmethod
    def made(self, function: Callable[[], torch.Tensor], again: Callable[[], torch.Tensor]) -> torch.Tensor:
        """See `made_by`."""

    @abstractmethod
    def outside(self, function: Callable[[], object]) -> None:
        """See `outside`."""


class Watching(Recording):
    """Sees what torch does within this context, and whether the same could be done again in the same memory.

    Attributes:
        changed: tensors that were there before and were written to.
        held: what the operations work on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changed: dict[Any, torch.Tensor] = {}
        self.held: list[Any] = []
        self._own: set[int] = set()

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
        name = name_of(func)
        outs = list(out) if isinstance(out, list | tuple) else [out]
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.refuse(f"{name} draws random numbers of torch's")
        elif func._schema.is_mutable:
            written = _written(func, args, kwargs)
            self.changed |= {_place(each): each for each in written if memory_of(each) not in self._own}
            self._add(name if name.endswith("__") else name.removesuffix("_"), func, args, kwargs, written)
        elif not all(isinstance(each, torch.Tensor) for each in outs):
            self._decide(func, args, kwargs, out)
        elif name in NONZERO:
            if len(outs[0]):
                self.refuse("nonzero has another size each time")
            else:
                self._decide_none(args[0], out)
        elif torch.Tag.dynamic_output_shape in func.tags and _by_mask(name, args):
            self.refuse(f"{name} has another size each time")
        elif not _is_view(args, kwargs, outs):
            self._own.update(map(memory_of, outs))
            self._add_new(name, func, args, kwargs, outs)

    # what comes of it

    @abstractmethod
    def _add(self, name: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]) -> None:
        """An operation wrote to tensors."""

    @abstractmethod
    def _add_new(
        self, name: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]
    ) -> None:
        """An operation made new tensors."""

    @abstractmethod
    def _decide(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], value: Any) -> None:
        """Something that is no tensor comes of tensors: a decision is taken by it."""

    @abstractmethod
    def _decide_none(self, mask: torch.Tensor, places: Any) -> None:
        """``mask`` holds nowhere: ``places`` are none."""


class _Gate(TorchFunctionMode):
    """Sees values leave torch."""

    def __init__(self, recorder: Recording) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in UNSEEN and not self._recorder.paused:
            self._recorder.refuse(f"{name} takes values out of torch")
        return func(*args, **(kwargs or {}))


_current: ContextVar[Recording | None] = ContextVar("recorder", default=None)


def made_by(function: Callable[[], torch.Tensor], again: Callable[[], torch.Tensor]) -> torch.Tensor:
    """What ``function`` returns: a new tensor that it makes of tensors by other means than torch's.

    Args:
        function: is called now.
        again: does the same of what the tensors are then, when a recording is played.
    """
    recorder = _current.get()
    return function() if recorder is None else recorder.made(function, again)


def outside(function: Callable[[], object]) -> None:
    """Call ``function``, which does something to tensors by other means than torch's; whoever plays a recording calls
    it again at this place."""
    recorder = _current.get()
    if recorder is None:
        function()
    else:
        recorder.outside(function)


def cant_be_recorded(reason: str) -> None:
    """Where a recording is made, say that it would not be worth anything."""
    recorder = _current.get()
    if recorder is not None:
        recorder.refuse(reason)


def name_of(func: Any) -> str:
    """The name of an operation of torch, without its library."""
    return str(func._schema.name.split("::")[1])


def memory_of(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())


def _place(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype


def tensors_in(values: Sequence[Any]) -> list[torch.Tensor]:
    """Those among operands, lists of some included."""
    parts = [part for value in values for part in (value if isinstance(value, list | tuple) else [value])]
    return [part for part in parts if isinstance(part, torch.Tensor)]


def _is_view(args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]) -> bool:
    """Whether the results lie in the operands' memory: then they hold new values by themselves."""
    operands = {memory_of(tensor) for tensor in tensors_in([*args, *kwargs.values()])} - {0}  # where no element is
    return all(memory_of(out) in operands for out in outs)


def _by_mask(name: str, args: Sequence[Any]) -> bool:
    """``index`` has one size for one size of its places, unless these are a mask."""
    return name != "index" or any(places is not None and places.dtype == torch.bool for places in args[1])


def _written(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    written = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            written.append(args[place] if place < len(args) else kwargs.get(argument.name))
    return tensors_in(written)
