"""`Replayed`: a function that is recorded when it may be, checked once, and then played again."""

import logging
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from environments.mujoco_gym.replay.tape import CantRecordError, Tape

logger = logging.getLogger(__name__)
UNCHANGED_CALLS = 2
"""calls for which what the function depends on beside tensors must have been the same before it is recorded"""
ATTEMPTS = 20
"""recordings that may fail before there are no more"""


class Replayed:
    """Calls a function of tensors, by a tape of it where one is good.

    A tape is good as long as the objects that the function reads are the very same ones. The first time that it is
    played, the function is called too, from the same state: where that gives other bits, it is never played again.

    Args:
        name: of the function, for a warning.
        function: see `Tape`.
    """

    def __init__(self, name: str, function: Callable[[], Any]) -> None:
        self._name = name
        self._function = function
        self._tape: Tape | None = None
        self._checked = self._refused = False
        self._failed = 0
        self._seen: list[Any] = []
        self._same_for = 0

    @property
    def plays(self) -> bool:
        """Whether there is a tape that was found to be good."""
        return self._tape is not None and self._checked

    def __call__(self, reads: Sequence[Any]) -> tuple[Any, Tape | None]:
        """What the function returns, and the tape, if one was played instead of calling it.

        Args:
            reads: the objects that the function reads, those whose values are tensors' alone included.
        """
        if self._refused:
            return self._function(), None
        if len(reads) != len(self._seen) or not all(map(operator.is_, reads, self._seen)):
            self._seen, self._same_for, self._tape, self._checked = list(reads), 0, None, False
        if self._tape is None:
            self._same_for += 1
            return (self._function() if self._same_for <= UNCHANGED_CALLS else self._record()), None
        if not self._tape.play():
            return self._function(), None
        if not self._checked:
            return self._check(self._tape), None
        return self._tape.result, self._tape

    def _record(self) -> Any:
        called: list[Any] = []

        def function() -> Any:
            called.append(self._function())
            return called[0]

        try:
            self._tape = Tape(function)
        except CantRecordError as error:  # of this call: the next one may be recorded
            self._failed += 1
            self._refused = self._failed == ATTEMPTS
            logger.debug("%s was not recorded: %s", self._name, error)
        return called[0]

    def _check(self, tape: Tape) -> Any:
        played = [*_arrays(tape.result), *(array.copy() for array in tape.changed)]
        tape.undo()
        result = self._function()
        called = [*_arrays(result), *tape.changed]
        self._checked = all(map(_same_bits, played, called))
        if not self._checked:
            self._refused = True
            logger.warning("%s depends on more than its tensors, and stays as slow as torch is", self._name)
        return result


def _arrays(result: Any) -> list[np.ndarray]:
    """Copies of a result's tensors: a tensor, or a tuple or mapping of such."""
    if isinstance(result, torch.Tensor):
        return [result.numpy().copy()]
    parts = result.values() if isinstance(result, dict) else result if isinstance(result, tuple) else ()
    return [array for part in parts for array in _arrays(part)]


def _same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
