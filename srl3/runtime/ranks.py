"""Processes that train one model together, as ``torchrun`` or `srl3.runtime.launch` starts them: who they are, and what
they tell one another."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from srl3.errors import UserError
from srl3.tree import pack, unpack

if TYPE_CHECKING:
    from torch import Tensor

Result = TypeVar("Result")

MEETING_FILE = "SRL3_MEETING_FILE"
"""environment variable: the file by which processes of one machine find one another; else an address, as torchrun's"""
LAUNCHER = "SRL3_LAUNCHER"
"""environment variable: id of the process that started the ranks"""
PATIENCE = timedelta(hours=1)
"""longest wait for another process, which may be evaluating"""
ROLL_CALL = timedelta(seconds=3)
"""how long those that are left wait for one another after one is lost"""


class LostRank(Exception):
    """Another process of the training has ended before its time."""


@dataclass(frozen=True)
class Place:
    """A process among those of its training."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    """processes on this machine"""


def place() -> Place:
    """This process's place, by the environment variables that its starter set; alone without any.

    Raises:
        UserError: for variables that make no sense.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    given = {name: os.environ[name] for name in names if name in os.environ}
    if "RANK" not in given or "WORLD_SIZE" not in given:
        return Place()
    try:
        rank, size = int(given["RANK"]), int(given["WORLD_SIZE"])
        found = Place(rank, size, int(given.get("LOCAL_RANK", rank)), int(given.get("LOCAL_WORLD_SIZE", size)))
    except ValueError:
        found = Place(-1)
    if not 0 <= found.rank < found.size or found.local_size < 1:
        said = ", ".join(f"{name}={value}" for name, value in given.items())
        raise UserError(f"the environment variables {said} give no rank below a number of processes; unset them.")
    return found


class Ranks:
    """The processes of a training. All must call the same methods in the same order; of one alone they do nothing.

    Methods raise `LostRank` when another process has ended.

    Args:
        where: this process's place.
    """

    def __init__(self, where: Place | None = None) -> None:
        self.place = where or Place()
        self._roll_calls = 0

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return self.place.rank

    @property
    def size(self) -> int:
        """How many processes there are."""
        return self.place.size

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and speaks to the user."""
        return self.rank == 0

    # what they tell one another

    def add(self, values: "Tensor") -> "Tensor":
        """``values``, in place, become their sum over all ranks, the same to the last bit in each."""
        if self.size > 1:
            import torch.distributed as dist

            with _lost():
                dist.all_reduce(values)
        return values

    def stacked(self, values: "Tensor") -> "Tensor":
        """``(size, …)``: the values of all ranks, in their order."""
        import torch

        if self.size == 1:
            return values[None]
        import torch.distributed as dist

        found = [torch.empty_like(values) for _ in range(self.size)]
        with _lost():
            dist.all_gather(found, values.contiguous())
        return torch.stack(found)

    def copy_first(self, values: "Tensor") -> None:
        """``values``, in place, become those of rank 0."""
        if self.size > 1:
            import torch.distributed as dist

            with _lost():
                dist.broadcast(values, 0)

    def largest(self, numbers: Sequence[int]) -> list[int]:
        """Number by number the largest of all ranks."""
        import torch

        return self.stacked(torch.tensor(list(numbers), dtype=torch.int64)).amax(0).tolist()

    def trees(self, tree: Any) -> list[Any]:
        """The trees (`srl3.tree`) of all ranks, in their order."""
        if self.size == 1:
            return [tree]
        import torch

        text, arrays = pack(tree)
        head = text.encode()
        mine = torch.frombuffer(bytearray(head + arrays), dtype=torch.uint8)
        lengths = self.stacked(torch.tensor([len(head), len(mine)]))
        padded = torch.zeros(int(lengths[:, 1].max()), dtype=torch.uint8)
        padded[: len(mine)] = mine
        found = []
        for row, (text_end, end) in zip(self.stacked(padded), lengths.tolist(), strict=True):
            content = row.numpy().tobytes()
            found.append(unpack(content[:text_end].decode(), content[text_end:end]))
        return found

    def agree(self, refusal: str | None) -> None:
        """Raise the first rank's refusal in all of them, if there is one.

        Raises:
            UserError: in rank 0, which says it; the others leave with the same status and say nothing.
        """
        self.refuse_first(self.trees(refusal))

    def all_or_none(self, work: Callable[[], Result]) -> Result:
        """What ``work`` gives, when no rank refuses.

        Raises:
            UserError: as `agree` does.
        """
        try:
            result = work()
        except UserError as error:
            self.agree(str(error))
            raise
        self.agree(None)
        return result

    def refuse_first(self, refusals: Sequence[str | None]) -> None:
        """Raise the first of these that is one, as `agree` does."""
        sentence = next((each for each in refusals if each is not None), None)
        if sentence is not None:
            if self.is_first:
                raise UserError(sentence)
            raise SystemExit(2)

    # those that are lost

    @property
    def orphaned(self) -> bool:
        """Whether the process that started the ranks is gone."""
        launcher = os.environ.get(LAUNCHER)
        return self.size > 1 and launcher is not None and os.getppid() != int(launcher)

    def missing(self) -> list[int]:
        """After `LostRank`: the ranks that do not answer."""
        from torch.distributed.distributed_c10d import _get_default_store

        self._roll_calls += 1
        gone = []
        try:
            store = _get_default_store()
            store.set(f"srl3/here/{self._roll_calls}/{self.rank}", "")
            for rank in range(self.size):
                try:
                    store.wait([f"srl3/here/{self._roll_calls}/{rank}"], ROLL_CALL)
                except RuntimeError:
                    gone.append(rank)
        except RuntimeError:  # the store went with the process that kept it
            return [0]
        return gone


ALONE = Ranks()
"""one process"""


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LostRank(str(error).splitlines()[0]) from error


@contextlib.contextmanager
def joined(where: Place, *, gpus: bool) -> Iterator[Ranks]:
    """The ranks, connected inside the block.

    Args:
        where: this process's place.
        gpus: tensors on GPUs are exchanged too, by NCCL; else by gloo on processors alone.

    Raises:
        UserError: when they can't meet, or there are too few GPUs.
    """
    if where.size == 1:
        yield ALONE
        return
    import torch
    import torch.distributed as dist

    # Before there is a group: functions of this module, which torch's optimisers import, take the group of that moment
    # as a default and keep it, and its threads may abort a process whose interpreter is being taken down.
    import torch.distributed.nn.functional

    if gpus and torch.cuda.device_count() < where.local_size:
        raise UserError(
            f"NCCL needs a GPU for each of the {where.local_size} processes, and this machine has "
            f"{torch.cuda.device_count()}; use --device cpu, or fewer processes."
        )
    if gpus:
        torch.cuda.set_device(where.local_rank)
    file = os.environ.get(MEETING_FILE)
    try:
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if gpus else "gloo",
            init_method="env://" if file is None else f"file://{file}",
            rank=where.rank,
            world_size=where.size,
            timeout=PATIENCE,
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(_why_not_met(str(error))) from None
    ranks = Ranks(where)
    try:
        yield ranks
    finally:
        with contextlib.suppress(RuntimeError):
            dist.destroy_process_group()


def _why_not_met(message: str) -> str:
    address, port = os.environ.get("MASTER_ADDR", "?"), os.environ.get("MASTER_PORT", "?")
    if "in use" in message.lower() or "EADDRINUSE" in message:
        return f"port {port} is in use by another program; choose another one (torchrun --master-port, MASTER_PORT)."
    return f"the processes of this training can't meet at {address}:{port}: {message.splitlines()[0].rstrip('.')}."


def check_same(ranks: Ranks, flags: dict[str, Any]) -> None:
    """Refuse ranks that were started with different flags.

    Raises:
        UserError: naming them.
    """
    first, *others = ranks.trees({name: str(value) for name, value in flags.items()})
    for rank, other in enumerate(others, 1):
        names = [name for name in sorted({*first, *other}) if first.get(name) != other.get(name)]
        if names:
            flag = f"--{names[0].replace('_', '-')}"
            said = f"{first.get(names[0])} in rank 0 and {other.get(names[0])} in rank {rank}"
            ranks.refuse_first([f"all processes need the same flags, and {flag} is {said}; start them alike."])
