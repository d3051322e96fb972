"""`GraphTape`: the operations of a function of tensors on a GPU, as CUDA graphs that are launched instead of them."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np
import torch

from environments.mujoco_gym.replay.results import copier, parts
from environments.mujoco_gym.replay.watching import (
    NONZERO,
    OF_ONE_VALUE,
    CantCaptureError,
    CantRecordError,
    Recording,
    Watching,
    memory_of,
    name_of,
    tensors_in,
)

Outside = Callable[[], object]
COPIED = ("index_put_", "copy_", "where", "fill_")
"""operations that take a number of the CPU to the GPU by itself"""
MADE = "made"
LOADS = ("_to_copy", "to")
"""operations that take a tensor to another device"""


class Graph(Protocol):
    """What records operations instead of doing them, and does them again."""

    def capture_begin(self) -> None:
        """From here on operations are recorded."""

    def capture_end(self) -> None:
        """No more."""

    def replay(self) -> None:
        """Do them."""


class Capture(Protocol):
    """Where operations are recorded; a context for all graphs of one function."""

    def __enter__(self) -> Any:
        """Begin."""

    def __exit__(self, *error: Any) -> None:
        """End."""

    def graph(self) -> Graph:
        """Another part of the function."""


class GraphTape:
    """What a function of tensors did, as CUDA graphs in whose memory its result is; as `Tape` for many robots.

    The function is called twice: once to see which tensors it changes and how its decisions fall, which is the call
    that counts, and once to capture it, when nothing is computed. It must do the same both times, and what it leaves
    computed for later is to be forgotten after that. A kernel that Python starts takes as long for one robot as for a
    thousand; those of a graph start by themselves.

    A decision (``if mask.any()``) is looked at once, at the end of a play. What is done by other means
    (`watching.outside`) is between two graphs.

    Args:
        function: see `Tape`.
        capture: makes what records operations on a device; torch's CUDA graphs, where none is given.

    Attributes:
        result: what it returns: a tensor, or a mapping or sequence of such, with new values after each play.
        own_result: a function that returns a copy of the result.
        exact: a play gives every bit of the call: nothing is done by other means, whose additions may have any order.

    Raises:
        CantRecordError: saying why; the function was called once all the same.
    """

    def __init__(self, function: Callable[[], Any], capture: Callable[[torch.device], Capture] | None = None) -> None:
        watch = _Watch()
        with watch:
            function()
        watch.held.clear()
        if watch.reason:
            raise CantRecordError(watch.reason)
        self._changed = list(watch.changed.values())
        self._before = [torch.empty_like(tensor) for tensor in self._changed]
        devices = {tensor.device for tensor in self._changed} | watch.devices
        if len(devices) != 1:
            raise CantRecordError("it changes nothing, or tensors on several devices")
        (device,) = devices
        self._otherwise = torch.zeros((), dtype=torch.bool, device=device)
        self._decides = any(place.decides for place in watch.places)
        self.exact = not watch.outsides
        self._held = [place.value for place in watch.places]  # graphs read them
        self._sources = watch.sources
        self._parts: list[Callable[[], object]] = []
        try:
            self._capture(function, watch, (capture or CudaCapture)(device))
        except CantRecordError:
            raise
        except Exception as error:  # of CUDA, of operations for which a graph has no place
            raise CantCaptureError(str(error)) from error
        self.own_result = copier(self.result)

    def _capture(self, function: Callable[[], Any], watch: "_Watch", capture: Capture) -> None:
        parts: list[Callable[[], object]] = []
        with capture:
            graph = capture.graph()
            mode = _Capturing(watch.places, self._otherwise)

            def outside(action: Outside) -> None:
                nonlocal graph
                graph.capture_end()
                parts.extend((graph.replay, action))
                graph = capture.graph()
                graph.capture_begin()

            graph.capture_begin()
            try:
                self._save()
                if self._decides:
                    self._otherwise.zero_()
                mode.between = outside
                with mode:
                    self.result = function()
            finally:
                mode.between = None
                graph.capture_end()
            parts.append(graph.replay)
        if mode.reason or mode.places:
            raise CantRecordError(mode.reason or "it did something else when it was called again")
        self._parts = parts

    def play(self) -> bool:
        """Do it again; False: it would have been something else, and nothing is changed."""
        if any(now.tobytes() != then for now, then in self._sources):
            return False
        try:
            for part in self._parts:
                part()
        except BaseException:
            self.undo()
            raise
        if self._decides and bool(self._otherwise):
            self.undo()
            return False
        return True

    def undo(self) -> None:
        """Put back what the last `play` changed."""
        for before, tensor in zip(self._before, self._changed, strict=True):
            tensor.copy_(before)

    def _save(self) -> None:
        for before, tensor in zip(self._before, self._changed, strict=True):
            before.copy_(tensor)

    def before(self) -> dict[str, np.ndarray]:
        """What was there before the last play, of what was changed, by the words of `left`."""
        return {f"memory {place}": tensor.numpy(force=True).copy() for place, tensor in enumerate(self._before)}

    def left(self, result: Any) -> dict[str, np.ndarray]:
        """Copies of a result's tensors and of what was changed, by words for them."""
        changed = {f"memory {place}": tensor.numpy(force=True).copy() for place, tensor in enumerate(self._changed)}
        return {**dict(parts(result, "result")), **changed}


class CudaCapture:
    """`Capture` of torch's CUDA graphs, on a stream of its own, with memory that they share."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()
        self._contexts = ExitStack()

    def __enter__(self) -> None:
        torch.cuda.synchronize(self._device)
        self._contexts.enter_context(torch.cuda.device(self._device))
        self._contexts.enter_context(torch.cuda.stream(torch.cuda.Stream(self._device)))

    def __exit__(self, *error: Any) -> None:
        self._contexts.close()
        torch.cuda.synchronize(self._device)

    def graph(self) -> Graph:
        return _CudaGraph(self._pool)


class _CudaGraph:
    def __init__(self, pool: Any) -> None:
        self._graph = torch.cuda.CUDAGraph()
        self._pool = pool
        self.replay = self._graph.replay

    def capture_begin(self) -> None:
        self._graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")

    def capture_end(self) -> None:
        self._graph.capture_end()


class _Place:
    """An operation that a graph can't hold, and what came of it.

    Args:
        name: of the operation.
        value: what it gave.
        decides: whether another value now means another course.
    """

    def __init__(self, name: str, value: Any, decides: bool) -> None:
        self.name = name
        self.value = value
        self.decides = decides


class _Watch(Watching):
    """The call that counts.

    Attributes:
        places: where it decided, and where it loaded numbers from the CPU, in this order.
        outsides: whether something was done by other means than torch's.
        devices: of the tensors by which it decided.
        sources: tensors of the CPU that it read, and their bytes then: graphs hold what they were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places: list[_Place] = []
        self.outsides = False
        self.devices: set[torch.device] = set()
        self.sources: list[tuple[np.ndarray, bytes]] = []

    def made(self, function: Callable[[], torch.Tensor], again: Callable[[], torch.Tensor]) -> torch.Tensor:
        out = self._unseen(function)
        self._own.add(memory_of(out))
        self.places.append(_Place(MADE, out, decides=False))
        return out

    def outside(self, function: Outside) -> None:
        self.outsides = True
        self._unseen(function)

    def _unseen(self, function: Callable[[], Any]) -> Any:
        was_paused, self.paused = self.paused, True
        try:
            return function()
        finally:
            self.paused = was_paused

    def _note(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], out: Any) -> None:
        super()._note(func, args, kwargs, out)
        operands = tensors_in([*args, *kwargs.values(), out])
        if len({tensor.device for tensor in operands}) > 1:
            arrays = [tensor.detach().numpy() for tensor in operands if tensor.device.type == "cpu"]
            self.sources += [(array, array.tobytes()) for array in arrays]

    def _add(self, name: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]) -> None:
        sources = [value for value in args if isinstance(value, torch.Tensor) and value.dim()]
        if len({tensor.device for tensor in (*sources, *outs)}) > 1:
            self.refuse(f"{name} copies between a CPU and a GPU")

    def _add_new(
        self, name: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outs: list[torch.Tensor]
    ) -> None:
        if _loads(name, args, kwargs):
            self.places.append(_Place(name, outs[0], decides=False))
        elif name in LOADS and args[0].device != outs[0].device:
            self.refuse("values leave the GPU")

    def _decide(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], value: Any) -> None:
        if func._schema.name in OF_ONE_VALUE:
            self.places.append(_Place(name_of(func), value, decides=True))
            self.devices.add(args[0].device)
        else:
            self.refuse(f"it decides by {name_of(func)}")

    def _decide_none(self, mask: torch.Tensor, places: Any) -> None:
        self.places.append(_Place(NONZERO[0], places, decides=True))
        self.devices.add(mask.device)


class _Capturing(Recording):
    """The call in which graphs are captured: what they can't hold gives what it gave before.

    Args:
        places: of the call before.
        otherwise: a flag that the graphs raise where a decision would be another.
    """

    between: Callable[[Outside], None] | None = None
    """called with what is to be done between two graphs"""

    def __init__(self, places: Sequence[_Place], otherwise: torch.Tensor) -> None:
        super().__init__()
        self.places = deque(places)
        self._otherwise = otherwise

    def made(self, function: Callable[[], torch.Tensor], again: Callable[[], torch.Tensor]) -> torch.Tensor:
        out: torch.Tensor = self._next(MADE)
        self.outside(lambda: out.copy_(again()))
        return out

    def outside(self, function: Outside) -> None:
        assert self.between is not None
        was_paused, self.paused = self.paused, True
        try:
            self.between(function)
        finally:
            self.paused = was_paused

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, name = kwargs or {}, name_of(func)
        if self.paused:
            return func(*args, **kwargs)
        if func._schema.name in OF_ONE_VALUE:
            value = self._next(name)
            self._otherwise.logical_or_((args[0] != value).reshape(()))
            return value
        if name in NONZERO:
            places = self._next(NONZERO[0])
            self._otherwise.logical_or_((args[0] != 0).any())
            return places
        if _loads(name, args, kwargs):
            return self._next(name).clone()
        if name in COPIED:  # a single number of the CPU would be copied, for which a capture has no place
            device = next((value.device for value in args if isinstance(value, torch.Tensor) and value.is_cuda), None)
            args = [_on_device(value, device) for value in args]
        return func(*args, **kwargs)

    def _next(self, name: str) -> Any:
        place = self.places.popleft() if self.places else None
        if place is None or place.name != name:
            raise CantRecordError("it did something else when it was called again")
        return place.value


def _loads(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether numbers go from the CPU to a GPU, as those of a configuration do."""
    wanted = kwargs.get("device", next((value for value in args[1:] if isinstance(value, torch.device)), None))
    if name not in LOADS or wanted is None:
        return False
    return args[0].device.type == "cpu" and torch.device(wanted).type != "cpu"


def _on_device(value: Any, device: torch.device | None) -> Any:
    """A single number of the CPU as one of the GPU, made there."""
    if isinstance(value, torch.Tensor) and device is not None and value.device.type == "cpu" and not value.dim():
        return torch.full((), value.item(), dtype=value.dtype, device=device)
    return value
