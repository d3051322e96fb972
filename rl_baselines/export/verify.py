"""Proves that an exported file acts as its checkpoint does: test vectors, random observations, a closed loop."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from gymnasium import spaces

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.export.contract import (
    Contract,
    comma_lists,
    contract_sha256,
    graph_sha256,
    make_contract,
    read_array,
)
from rl_baselines.export.graph import ACTIONS, SCORES, Exported, Port, export_graph
from rl_baselines.export.reader import ExportedFile
from rl_baselines.export.runner import Policy
from rl_baselines.export.vectors import CLOSE, LOOSE, torch_outputs
from rl_baselines.export.world import meaning_of, play, world_of
from srl3.errors import UserError

RANDOM = 1000
"""random observations"""
LOOP = 300
"""steps of the closed loop"""
NOT_COMPARED = ("versions", "test", "digests", "checkpoint")
"""parts of a contract that another export of the same checkpoint may have otherwise; its run may be called otherwise"""
SPREAD = 3.0
"""standard deviations, of the normaliser or of the test vectors, within which random observations are drawn"""


class Mismatch(Exception):
    """An exported file is not what it says, or acts otherwise than its checkpoint. Its text is the first difference."""


def verify(file: ExportedFile, checkpoint: Checkpoint | None = None) -> Iterator[str]:
    """Check after check, each with a line that says what holds.

    Args:
        file: from `read_exported`.
        checkpoint: whose policy it should be; None: the file is checked by itself.

    Raises:
        Mismatch: with the first difference.
        UserError: when the policy's world or the checkpoint can't be used.
    """
    yield check_digests(file)
    policy = open_policy(file.path)
    yield check_vectors(file.contract, policy)
    if checkpoint is None:
        return
    exported = export_graph(
        checkpoint, stochastic=file.contract["action"]["stochastic"], float32=_computes_in_float32(file.contract)
    )
    actor = Actor.from_checkpoint(checkpoint)
    with world_of(checkpoint, actor) as venv:
        meaning = meaning_of(venv, exported.ports, exported.head.action_space)
        expected = make_contract(
            checkpoint,
            exported,
            meaning,
            stochastic=file.contract["action"]["stochastic"],
            float32=_computes_in_float32(file.contract),
        )
        yield _check_contract(file.contract, expected)
        yield _check_random(file.contract, policy, exported, checkpoint)
        yield _check_loop(file.contract, policy, exported, checkpoint, actor, venv)


def check_digests(file: ExportedFile) -> str:
    """Whether the file is still as it was written."""
    contract = file.contract
    if graph_sha256(file.model) != contract["digests"]["graph"]:
        raise Mismatch("the graph or its weights were changed after the export (SHA-256)")
    if contract_sha256(contract) != contract["digests"]["contract"]:
        raise Mismatch("what the file says of itself was changed after the export (SHA-256)")
    lists = comma_lists(contract)
    for name in {**lists, **file.metadata}:
        if file.metadata.get(name) != lists.get(name):
            raise Mismatch(f"the list {name} is {file.metadata.get(name)!r}, and the contract has {lists.get(name)!r}")
    return "the file is whole: graph, contract and lists are as they were written"


def check_vectors(contract: Contract, policy: Policy) -> str:
    """Replay the test vectors."""
    test = contract["test"]
    starts, tolerance = test["first_of_episode"], _tolerance(contract)
    try:
        observations = {
            each["name"]: read_array(test["observations"][each["name"]], each["dtype"])
            for each in contract["observation"]["inputs"]
        }
        outputs = {name: read_array(values, "float64") for name, values in test["outputs"].items()}
    except (KeyError, ValueError, TypeError) as error:
        raise Mismatch(f"the test vectors can't be read ({error})") from None
    worst = 0.0
    for row, first in enumerate(starts):
        if first or contract["memory"] is None:
            policy.reset()
        policy.run({name: values[row : row + 1] for name, values in observations.items()})
        wanted = {name: values[row : row + 1] for name, values in outputs.items()}
        worst = max(worst, compare(policy.outputs, wanted, tolerance, f"test vector {row}"))
    policy.reset()
    allowed = "" if tolerance[0] <= CLOSE else f" of {tolerance[0]:.2g} by which rounding moves it"
    if tolerance[0] > LOOSE:
        allowed += ": its representation hardly varies, and another program may act otherwise"
    return f"test vectors: {len(starts)} of the policy's own world, greatest difference {worst:.2g}{allowed}"


def compare(
    got: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray], tolerance: tuple[float, float], where: str
) -> float:
    """The greatest difference of a file's outputs from the wanted ones; whole numbers have to be equal.

    An action may be another one where both have the same score within the tolerance.

    Raises:
        Mismatch: at the first output that differs by more.
    """
    worst = 0.0
    for name, expected in wanted.items():
        if name not in got or got[name].shape != expected.shape:
            raise Mismatch(f"{where}: there is no output {name} of shape {expected.shape}")
        given, expected = got[name].astype(np.float64), expected.astype(np.float64)
        difference = np.abs(given - expected)
        allowed = tolerance[0] + tolerance[1] * np.abs(expected)
        if name == ACTIONS and SCORES in wanted:
            if given.ndim == 1 and wanted[SCORES].shape[1] > 1 and np.any(difference > 0):
                scores, rows = wanted[SCORES].astype(np.float64), np.arange(len(given))
                if not np.all((expected >= 0) & (expected < scores.shape[1])):
                    raise Mismatch(f"{where}: {name} were expected that are none of the {scores.shape[1]} choices")
                chosen = np.clip(given, 0, scores.shape[1] - 1).astype(int)
                gap = scores[rows, expected.astype(int)] - scores[rows, chosen]
                difference = np.where(gap <= 2 * tolerance[0] + tolerance[1] * np.abs(scores).max(1), 0.0, difference)
            allowed = np.zeros_like(allowed)
        else:
            worst = max(worst, float(difference.max(initial=0.0)))
        if not np.all(difference <= allowed):
            place = tuple(int(index) for index in np.argwhere(~(difference <= allowed))[0])
            at = f"{name}[{', '.join(map(str, place))}]"
            raise Mismatch(f"{where}: {at} is {given[place]:.9g}, and {expected[place]:.9g} was expected")
    return worst


def open_policy(path: Path) -> Policy:
    """The file in onnxruntime.

    Raises:
        UserError: when onnxruntime does not take it.
    """
    try:
        return Policy(str(path))
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        raise UserError(f"onnxruntime {onnxruntime.__version__} does not open {path}: {str(error)[:200]}") from None


def random_observations(contract: Contract, ports: list[Port], count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """``(count, *shape)`` by input: within its space, about what the normaliser or the test vectors show."""
    rng = np.random.default_rng(seed)
    by_name = {each["name"]: each for each in contract["observation"]["inputs"]}
    drawn = {}
    for port in ports:
        each, space = by_name[port.name], port.space
        if not isinstance(space, spaces.Box):
            space.seed(seed)
            drawn[port.name] = np.stack([np.asarray(space.sample()) for _ in range(count)]).astype(each["dtype"])
            continue
        if np.issubdtype(space.dtype, np.integer):
            low, high = np.maximum(space.low, -(2.0**15)), np.minimum(space.high, 2.0**15)
            drawn[port.name] = rng.integers(low, high, (count, *port.shape), endpoint=True).astype(each["dtype"])
            continue
        seen = read_array(contract["test"]["observations"][port.name], "float64")
        mean, std = seen.mean(0), seen.std(0) + 0.1
        normalizer = each["normalizer"]
        if normalizer is not None and len(normalizer["mean"]) == mean.size:
            mean = np.reshape(normalizer["mean"], mean.shape)
            std = np.reshape(normalizer["std"], mean.shape)
        values = mean + SPREAD * std * rng.uniform(-1, 1, (count, *port.shape))
        drawn[port.name] = np.clip(values, space.low, space.high).astype(each["dtype"])
    return drawn


def _check_contract(said: Contract, expected: Contract) -> str:
    for part in (name for name in expected if name not in NOT_COMPARED):
        _same(said.get(part), expected[part], part)
    _same(said["checkpoint"]["sha256"], expected["checkpoint"]["sha256"], "checkpoint.sha256")
    return "contract: environment, names, units, normaliser and checkpoint are those of the run"


def _same(said: Any, expected: Any, where: str) -> None:
    if isinstance(said, dict) and isinstance(expected, dict):
        for name in {**expected, **said}:
            _same(said.get(name), expected.get(name), f"{where}.{name}")
    elif isinstance(said, list) and isinstance(expected, list) and len(said) == len(expected):
        for index, (one, other) in enumerate(zip(said, expected, strict=True)):
            _same(one, other, f"{where}[{index}]")
    elif said != expected:
        raise Mismatch(f"{where} is {_short(said)} in the file, and {_short(expected)} of the checkpoint")


def _check_random(contract: Contract, policy: Policy, exported: Exported, checkpoint: Checkpoint) -> str:
    observations = random_observations(contract, exported.ports, RANDOM)
    policy.reset()
    policy.run(observations)
    wanted = torch_outputs(exported, observations)
    worst = compare(policy.outputs, wanted, _tolerance(contract), "random observations")
    policy.reset()
    return f"random observations: {RANDOM:,}, greatest difference {worst:.2g}"


def _check_loop(
    contract: Contract, policy: Policy, exported: Exported, checkpoint: Checkpoint, actor: Actor, venv: Any
) -> str:
    policy.reset()
    worst, earned, scores = 0.0, 0.0, {}
    for number, step in enumerate(play(checkpoint, actor, venv, exported.ports, LOOP)):
        if step.first:
            policy.reset()
        inputs = {each["name"]: each["dtype"] for each in contract["observation"]["inputs"]}
        policy.run({name: values.astype(inputs[name]) for name, values in step.observations.items()})
        if SCORES in policy.outputs:
            scores = {SCORES: policy.outputs[SCORES]}
        wanted = {ACTIONS: step.action, **scores}
        worst = max(worst, compare(policy.outputs, wanted, _tolerance(contract), f"closed loop, step {number}"))
        earned += step.reward
    world = checkpoint.info.env_id
    return f"closed loop: {LOOP} steps in {world} that earned {earned:.4g}, greatest difference {worst:.2g}"


def _tolerance(contract: Contract) -> tuple[float, float]:
    return contract["test"]["tolerance"]["absolute"], contract["test"]["tolerance"]["relative"]


def _computes_in_float32(contract: Contract) -> bool:
    normalizers = [each["normalizer"] for each in contract["observation"]["inputs"]]
    inputs = contract["observation"]["inputs"]
    wide = any(each["dtype"] == "float64" for each in inputs)
    return not wide and any(each is not None and each["dtype"] == "float32" for each in normalizers)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
