"""CUDA graphs without CUDA: what is captured changes nothing, and a replay does it in the memory of the capture."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from environments.mujoco_gym.replay.watching import memory_of


class FakeGraph:
    def __init__(self, capture: "FakeCapture") -> None:
        self._capture = capture
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def capture_begin(self) -> None:
        assert self._capture.current is None
        self._capture.current = self

    def capture_end(self) -> None:
        assert self._capture.current is self
        self._capture.current = None

    def replay(self) -> None:
        for func, args, kwargs, out in self.operations:
            again = func(*args, **kwargs)
            if func._schema.is_mutable:
                continue
            for old, new in zip(_listed(out), _listed(again), strict=True):
                if memory_of(old) != memory_of(new):
                    old.copy_(new)


class FakeCapture(TorchDispatchMode):
    def __init__(self, device: torch.device) -> None:
        super().__init__()
        assert device.type == "cpu"
        self.current: FakeGraph | None = None
        self._undo: list[tuple[torch.Tensor, torch.Tensor]] = []

    def graph(self) -> FakeGraph:
        return FakeGraph(self)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        assert "nonzero" not in func._schema.name
        assert "item" not in func._schema.name
        if self.current is None:
            return func(*args, **kwargs)
        for place, argument in enumerate(func._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                tensor = args[place] if place < len(args) else kwargs[argument.name]
                self._undo.append((tensor, tensor.clone()))
        out = func(*args, **kwargs)
        self.current.operations.append((func, args, kwargs, out))
        return out

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for tensor, before in reversed(self._undo):
            tensor.copy_(before)


def _listed(out: Any) -> list[torch.Tensor]:
    return [each for each in (out if isinstance(out, list | tuple) else [out]) if isinstance(each, torch.Tensor)]
