"""``python -m rl_baselines.advise``: how many environments, steps and threads suit a world and this machine."""

import argparse
import dataclasses
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from environments.config import PIXELS
from environments.flags import add_env_flags, env_help, env_kwargs_from_flags
from environments.registry import ThreadingType, canonical_id, find_env
from rl_baselines.benchmarks.rows import Effort, Task
from rl_baselines.benchmarks.runner import BenchmarkError, run
from rl_baselines.benchmarks.sizes.advice import FEWEST_STEPS, MEASURED_STEPS, Advice, Size, advise, check_memory
from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_float
from srl3.runtime.room import free_memory

BATCHED_SIZES = (64, 512, 2048)
GPU_SIZES = (512, 4096, 16_384)
MEASURE = "rl_baselines.benchmarks.sizes.measure:measure"
MIB = 2**20
SHARE = 0.8
"""of the free memory that may be taken, where --memory does not say"""
MATTERS = 0.95
"""a speed below this share of the greatest is a slower one"""
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
EXAMPLES = """examples:
  python -m rl_baselines.advise --env Ant
  python -m rl_baselines.advise --env VelocityFlat --device cuda --memory 8GiB
  python -m rl_baselines.advise --env KukaButtonGymEnv-v0 --json
"""


def make_parser() -> Parser:
    """The flags of ``advise``."""
    parser = Parser(
        prog="python -m rl_baselines.advise",
        description="Recommend num_envs x num_steps_per_env, minibatches and threads for a world on this machine, from "
        "a short training at three sizes, each in a process of its own. Nothing is kept.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--env", required=True, help=env_help())
    parser.add_argument("--algo", choices=("batched_ppo", "ppo2"), default="batched_ppo", help="algorithm")
    parser.add_argument("--srl-model", help="what is observed; else the world's own")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda: MuJoCo worlds are then on the GPU too")
    parser.add_argument("--memory", type=memory_size, metavar="SIZE", help="that may be taken, for example 8GiB")
    parser.add_argument("--seconds", type=positive_float, default=2.0, help="measured at each size")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_env_flags(parser)
    return parser


def memory_size(text: str) -> int:
    """``8GiB``, ``512 MiB``, ``8GB``: bytes."""
    found = re.fullmatch(r"([\d.]+)\s*([A-Za-z]*)", text)
    if not found or found[2].upper() not in UNITS or not re.fullmatch(r"\d+(\.\d+)?", found[1]) or float(found[1]) <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 8GiB")
    return int(float(found[1]) * UNITS[found[2].upper()])


def main(argv: list[str] | None = None) -> int:
    """Measure, print; exit status 1 when a size can't be measured."""
    arguments, given = make_parser().parse_with_given(argv)
    env_id = canonical_id(arguments.env)
    request = _request(arguments, given, env_id)
    budget = _budget(arguments)
    print(f"{env_id}: three short trainings, {arguments.seconds:g} s each", file=sys.stderr, flush=True)
    try:
        numbers = _sizes(arguments, env_id)
        first, *others = [Trial(request, n_envs, MEASURED_STEPS) for n_envs in numbers]
        sizes = _measured([first], arguments.seconds)
        check_memory(sizes, budget / MIB)
        sizes += _measured(others, arguments.seconds)
        images = arguments.srl_model == PIXELS or find_env(env_id).load_config().default_srl_model == PIXELS
        advice = advise(sizes, budget / MIB, images=images)
        threads, trial = _threads(arguments, request, env_id, advice)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(_as_dict(sizes, advice, threads, trial, budget)))
    else:
        print(_in_words(arguments, sizes, advice, threads, trial, budget))
    return 0


def _request(arguments: argparse.Namespace, given: set[str], env_id: str) -> dict[str, Any]:
    """The choices of a training of this world, checked."""
    from rl_baselines.training.request import TrainingRequest
    from rl_baselines.training.resolve import resolve

    env_kwargs = env_kwargs_from_flags(arguments, given)
    if arguments.device.startswith("cuda") and find_env(env_id).load_config().has("sim"):
        env_kwargs = {"sim.impl": "warp", "sim.device": arguments.device, **env_kwargs}
    chosen: dict[str, Any] = {
        "algo": arguments.algo,
        "env": env_id,
        "srl_model": arguments.srl_model,
        "device": arguments.device,
        "env_kwargs": env_kwargs or None,
        "no_vis": True,
    }
    resolve(TrainingRequest(**chosen))
    return chosen


def _budget(arguments: argparse.Namespace) -> int:
    """Bytes that may be taken."""
    if arguments.memory is not None:
        return int(arguments.memory)
    free = free_memory(arguments.device)
    if free is None:
        raise UserError("this system does not say how much memory is free; say how much may be taken: --memory.")
    return int(SHARE * free)


def _sizes(arguments: argparse.Namespace, env_id: str) -> tuple[int, ...]:
    """Numbers of environments to try: many where they are arrays, a few for each core where they are processes."""
    if find_env(env_id).threading is ThreadingType.BATCHED:
        return GPU_SIZES if arguments.device.startswith("cuda") else BATCHED_SIZES
    cores = len(os.sched_getaffinity(0))
    return (1, max(2, cores), max(4, 4 * cores))


@dataclasses.dataclass(frozen=True)
class Trial:
    """A size to measure."""

    request: dict[str, Any]
    n_envs: int
    n_steps: int


def _measured(trials: Sequence[Trial], seconds: float) -> list[Size]:
    tasks = [
        Task(
            f"{trial.n_envs} environments", "rl_baselines.benchmarks.sizes.measure:measure", vars(trial), one_core=False
        )
        for trial in trials
    ]
    rows = run(tasks, Effort(1, seconds / 2))
    return [
        Size(trial.n_envs, trial.n_steps, row.measured.value, row.measured.memory or 0.0)
        for trial, row in zip(trials, rows, strict=True)
    ]


def _threads(
    arguments: argparse.Namespace, request: dict[str, Any], env_id: str, advice: Advice
) -> tuple[int | None, Size]:
    """One thread or all cores for the physics, and the recommended size as it was measured with them."""
    cores = len(os.sched_getaffinity(0))
    n_steps = min(advice.n_steps, max(FEWEST_STEPS, 4 * MEASURED_STEPS))
    if arguments.device.startswith("cuda") or not find_env(env_id).load_config().has("sim"):
        return None, _measured([Trial(request, advice.n_envs, n_steps)], arguments.seconds)[0]
    numbers = sorted({1, cores})
    worlds = [{**(request["env_kwargs"] or {}), "sim.threads": threads} for threads in numbers]
    trials = [Trial({**request, "env_kwargs": world}, advice.n_envs, n_steps) for world in worlds]
    found = _measured(trials, arguments.seconds)
    best = max(size.steps_per_second for size in found)
    return next(
        (threads, size) for threads, size in zip(numbers, found, strict=True) if size.steps_per_second >= MATTERS * best
    )


def _as_dict(sizes: list[Size], advice: Advice, threads: int | None, trial: Size, budget: int) -> dict[str, Any]:
    return {
        "measured": [vars(size) for size in sizes],
        "num_envs": advice.n_envs,
        "num_steps_per_env": advice.n_steps,
        "nminibatches": advice.nminibatches,
        "threads": threads,
        "steps_per_second": trial.steps_per_second,
        "memory_mib": advice.memory,
        "memory_allowed_mib": budget / MIB,
    }


def _in_words(
    arguments: argparse.Namespace, sizes: list[Size], advice: Advice, threads: int | None, trial: Size, budget: int
) -> str:
    rows = [("environments", "steps/s", "memory, MiB")]
    rows += [(f"{size.n_envs:,}", f"{size.steps_per_second:,.0f}", f"{size.memory:,.0f}") for size in sizes]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    world = "" if threads is None else f" --env-kwargs sim.threads:{threads}"
    device = "" if arguments.device == "cpu" else f" --device {arguments.device}"
    observed = f" --srl-model {arguments.srl_model}" if arguments.srl_model else ""
    samples = advice.n_envs * advice.n_steps
    lines = [
        table,
        "",
        f"recommended: {advice.n_envs:,} environments x {advice.n_steps} steps = {samples:,} samples, "
        f"{advice.nminibatches} minibatches of {samples // advice.nminibatches:,}"
        + ("" if threads is None else f", {threads} thread(s) of physics"),
        f"about {trial.steps_per_second:,.0f} steps/s and {advice.memory:,.0f} of {budget / MIB:,.0f} MiB",
        "",
        f"  python -m rl_baselines.train --algo {arguments.algo} --env {arguments.env}{observed}{device} "
        f"--num-envs {advice.n_envs} --hyperparam n_steps:{advice.n_steps} nminibatches:{advice.nminibatches}{world}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(main)
