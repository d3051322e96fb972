"""`Recorder`: lets torch work on a CPU, and notes by what calls the same is done again in the same memory."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from environments.mujoco_gym.replay.numpy_calls import Call, numpy_call
from environments.mujoco_gym.replay.watching import OF_ONE_VALUE, OtherwiseError, Watching, memory_of

EMPTY = ("empty", "empty_like", "new_empty", "empty_strided")
CREATED = (
    *("zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"),
    *("arange", "scalar_tensor"),
)


class Recorder(Watching):
    """What torch does within this context, on a CPU, as calls by which the same is done again.

    Attributes:
        calls: to be made in this order; one raises `OtherwiseError` where a decision that was taken by a value would be
            another now.
        torch_operations: how many operations are still torch's, by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.torch_operations: dict[str, int] = {}

    def made(self, function: Callable[[], torch.Tensor], again: Callable[[], torch.Tensor]) -> torch.Tensor:
        was_paused, self.paused = self.paused, True
        try:
            out = function()
        finally:
            self.paused = was_paused
        self._own.add(memory_of(out))
        self.held.append((again, out))
        self.calls.append(partial(_into, [out], again))
        return out

    def outside(self, function: Callable[[], object]) -> None:
        self.refuse("something is done by other means than torch's")
        function()

    def _add(self, name: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]) -> None:
        call = numpy_call(name, args, kwargs, outs[0]) if len(outs) == 1 else None
        if call is None:
            self.torch_operations[name] = self.torch_operations.get(name, 0) + 1
            again = partial(func, *args, **kwargs)
            call = again if func._schema.is_mutable else partial(_into, outs, again)
        self.calls.append(call)

    def _add_new(
        self, name: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]
    ) -> None:
        if name in CREATED:
            self.calls.append(partial(np.copyto, outs[0].numpy(), outs[0].numpy().copy()))
        elif name not in EMPTY:
            self._add(name, func, args, kwargs, outs)

    def _decide(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], value: Any) -> None:
        if func._schema.name in OF_ONE_VALUE:
            self.calls.append(partial(_same_item, args[0].numpy(), value))
        else:
            self.calls.append(partial(_same, partial(func, *args, **kwargs), value))

    def _decide_none(self, mask: torch.Tensor, places: Any) -> None:
        self.calls.append(partial(_none_of, mask.numpy()))


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
