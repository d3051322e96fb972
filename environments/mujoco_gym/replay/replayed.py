"""`Replayed`: a function that is recorded when it may be, checked, and then played again."""

import logging
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from environments.mujoco_gym.replay.graph_tape import GraphTape
from environments.mujoco_gym.replay.tape import Tape
from environments.mujoco_gym.replay.watching import CantCaptureError, CantRecordError

logger = logging.getLogger(__name__)
WAIT = 2
"""calls for which what the function depends on beside tensors must have been the same before it is recorded"""
LONGEST_WAIT = 512
WORTH_IT = 50
"""plays after which a recording has paid for itself; one that was lost sooner doubles the wait for the next"""
ATTEMPTS = 20
"""recordings in a row that may fail before there are no more"""
MISSES = 20
"""plays in a row that may come to nothing before a recording is given up"""
CHECKED_PLAYS = (1, 10, 100, 1000)
"""the plays of a recording beside which the function is called, too"""

NEAR = 1e-3
NEARLY_ALL = 0.98
"""share of the numbers that are as near, where a play and a call can't be the same to the last bit"""


class Replayed:
    """Calls a function of tensors, by a tape of it where one is good.

    A tape is good as long as the objects that the function reads are the very same ones. In some of its first plays the
    function is called too, from the same state: where that gives other bits, it is never played again.

    Args:
        name: of the function, for a warning.
        function: returns the function, see `Tape`; asked for it each time, so that nothing here keeps its owner alive.
        tape: makes a tape of a function: `Tape` on a CPU, `GraphTape` on a GPU.
        recorded: gives a function that does the same and that can be recorded; None: the function itself.
        says: warn where it can't be recorded at all.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[], Callable[[], Any] | None],
        tape: Callable[[Callable[[], Any]], Tape | GraphTape] = Tape,
        recorded: Callable[[], Callable[[], Any] | None] | None = None,
        says: bool = False,
    ) -> None:
        self._name = name
        self._find = function
        self._find_recorded = recorded or function
        self._says = says
        self._make_tape = tape
        self._tape: Tape | GraphTape | None = None
        self._refused = False
        self._plays = self._misses = self._failed = self._same_for = 0
        self._wait = WAIT
        self._seen: list[Any] = []

    @property
    def plays(self) -> bool:
        """Whether there is a tape that was found to be good."""
        return self._tape is not None and self._plays > 0

    def __call__(self, reads: Sequence[Any]) -> tuple[Any, Tape | GraphTape | None]:
        """What the function returns, and the tape, if one was played instead of calling it.

        Args:
            reads: the objects that the function reads, those whose values are tensors' alone included.
        """
        if self._refused:
            return self._call(), None
        if len(reads) != len(self._seen) or not all(map(operator.is_, reads, self._seen)):
            self._seen, self._same_for = list(reads), 0
            self._lose()
        tape = self._tape
        if tape is None:
            self._same_for += 1
            return (self._call() if self._same_for <= self._wait else self._record()), None
        if not tape.play():
            self._misses += 1
            if self._misses == MISSES:
                self._lose()
            return self._call(), None
        self._misses = 0
        self._plays += 1
        if self._plays in CHECKED_PLAYS:
            return self._check(tape), None
        return tape.result, tape

    def _call(self) -> Any:
        return _found(self._find)()

    def _lose(self) -> None:
        """Forget the tape, if there is one; whoever changes often what the function reads is recorded rarely."""
        if self._tape is not None:
            self._wait = WAIT if self._plays >= WORTH_IT else min(2 * self._wait, LONGEST_WAIT)
        self._tape = None
        self._plays = self._misses = self._same_for = 0

    def _record(self) -> Any:
        called: list[Any] = []

        def function() -> Any:
            called.append(_found(self._find_recorded)())
            return called[-1]

        try:
            self._tape = self._make_tape(function)
        except CantRecordError as error:  # of this call: the next one may be recorded
            self._failed += 1
            self._refused = self._failed == ATTEMPTS or isinstance(error, CantCaptureError)
            level = logging.WARNING if self._refused and self._says else logging.DEBUG
            logger.log(level, "%s has no recording, and is as slow as torch is: %s", self._name, error)
        return called[0]

    def _check(self, tape: Tape | GraphTape) -> Any:
        played, before = tape.left(tape.result), tape.before()
        tape.undo()
        result = self._call()
        wrong = _where_they_differ(played, tape.left(result), None if tape.exact else before)
        if wrong:
            self._refused, self._tape = True, None
            logger.warning(
                "a recording of %s does not give the %s that torch computes: it reads something that is no tensor, or "
                "adds up over the robots that begin. It stays as slow as torch is.",
                self._name,
                wrong,
            )
        self._failed = 0
        return result


def _found(find: Callable[[], Callable[[], Any] | None]) -> Callable[[], Any]:
    function = find()
    assert function is not None, "its owner calls it"
    return function


def _where_they_differ(
    played: Mapping[str, np.ndarray], called: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray] | None
) -> str:
    """The name of the first that have not the same bits, empty where all have; of NaN it is enough that both are.

    Where they can't be the same, of what was ``before`` changed nearly all numbers are to be nearly the same.
    """
    for name, a in played.items():
        b = called.get(name)
        if b is None or a.shape != b.shape or a.dtype != b.dtype:
            return name
        if before is not None:
            old = before.get(name)
            changed = np.ones(a.shape, np.bool_) if old is None else (a != old) | (b != old)
            near = np.isclose(a[changed], b[changed], rtol=NEAR, atol=NEAR, equal_nan=True)
            if near.size and near.mean() < NEARLY_ALL:
                return name
        elif a.tobytes() != b.tobytes():
            if a.dtype.kind != "f" or not np.array_equal(np.isnan(a), np.isnan(b)):
                return name
            if a[~np.isnan(a)].tobytes() != b[~np.isnan(b)].tobytes():
                return name
    return ""
