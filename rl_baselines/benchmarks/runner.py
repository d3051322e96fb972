"""Runs tasks, each in a process of its own: nothing that one leaves behind slows the next, and memory is its own."""

import importlib
import multiprocessing
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from rl_baselines.benchmarks.rows import Effort, LeftOut, Measured, Row, Task, rows_of

CONTEXT = multiprocessing.get_context("spawn")


class BenchmarkError(RuntimeError):
    """A task failed; holds its traceback."""


def run(tasks: Sequence[Task], effort: Effort) -> list[Row]:
    """Measure, with a line on stderr per task.

    Raises:
        BenchmarkError: when a task fails.
    """
    rows: list[Row] = []
    for number, task in enumerate(tasks, start=1):
        print(f"[{number}/{len(tasks)}] {task.name}", file=sys.stderr, flush=True)
        try:
            results = rows_of(task, _in_child(task, effort))
        except LeftOut as reason:
            print(f"      left out: {reason}", file=sys.stderr, flush=True)
            continue
        rows += results
        for row in results:
            print(f"      {_short(row)}", file=sys.stderr, flush=True)
    return rows


def _short(row: Row) -> str:
    ratio = "" if row.measured.ratio is None else f", ratio {row.measured.ratio:.2f}"
    return f"{row.measured.name} {row.measured.value:,.6g} {row.measured.unit}{ratio}".strip()


def _in_child(task: Task, effort: Effort) -> list[Measured]:
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_child, args=(task, effort, theirs))
    process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        process.join()
        raise BenchmarkError(f"{task.name}: its process ended with {process.exitcode}") from None
    finally:
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()
    if isinstance(answer, LeftOut):
        raise answer
    if isinstance(answer, str):
        raise BenchmarkError(f"{task.name}:\n{answer}")
    results: list[Measured] = answer
    return results


def _child(task: Task, effort: Effort, pipe: Any) -> None:
    # engines greet on standard output, which is for the table
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if task.one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    module, _, name = task.function.partition(":")
    try:
        pipe.send(getattr(importlib.import_module(module), name)(effort, **task.arguments))
    except LeftOut as reason:
        pipe.send(reason)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        pipe.send(traceback.format_exc())
