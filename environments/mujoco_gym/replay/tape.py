"""`Tape`: the operations of a function of tensors, recorded while torch does them, to be done again by NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from environments.mujoco_gym.replay.recorder import Recorder
from environments.mujoco_gym.replay.results import copier, parts
from environments.mujoco_gym.replay.watching import CantRecordError, OtherwiseError


class Tape:
    """What a function of tensors did, in the memory in which it did it.

    The function must find its operands in the same tensors each time, leave what it remembers in tensors that it
    changes in place, and decide by nothing but tensors: `play` then does the same as calling it, and its result is that
    of the recording, which holds new values. Where a decision (``if mask.any()``) falls otherwise than it did, `play`
    puts back what it has changed and returns False; then the function has to be called.

    Args:
        function: it is called once, here.

    Attributes:
        result: what it returned: a tensor, or a mapping or sequence of such.
        own_result: a function that returns a copy of the result, whose tensors are of the mode in which it is called.
        exact: a play gives every bit of the call.
        torch_operations: how many of its operations are still torch's, by name.

    Raises:
        CantRecordError: saying why; the function was called all the same.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        recorder = Recorder()
        with recorder:
            self.result = function()
        if recorder.reason:
            raise CantRecordError(recorder.reason)
        self.exact = True
        self.own_result = copier(self.result)
        self._calls = recorder.calls
        self._held = recorder.held
        self.torch_operations = recorder.torch_operations
        self._changed = [tensor.numpy() for tensor in recorder.changed.values()]
        self._before = [array.copy() for array in self._changed]

    def play(self) -> bool:
        """Do it again; False: it would have been something else, and nothing is changed."""
        for before, array in zip(self._before, self._changed, strict=True):
            np.copyto(before, array)
        try:
            with np.errstate(all="ignore"):  # as torch does
                for call in self._calls:
                    call()
        except OtherwiseError:
            self.undo()
            return False
        except BaseException:
            self.undo()
            raise
        return True

    def undo(self) -> None:
        """Put back what the last `play` changed."""
        for before, array in zip(self._before, self._changed, strict=True):
            np.copyto(array, before)

    def before(self) -> dict[str, np.ndarray]:
        """What was there before the last play, of what was changed, by the words of `left`."""
        return {f"memory {place}": array.copy() for place, array in enumerate(self._before)}

    def left(self, result: Any) -> dict[str, np.ndarray]:
        """Copies of a result's tensors and of what was changed, by words for them."""
        changed = {f"memory {place}": array.copy() for place, array in enumerate(self._changed)}
        return {**dict(parts(result, "result")), **changed}
