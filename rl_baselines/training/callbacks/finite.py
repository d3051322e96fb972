"""Ends a training in which something is no number any more, before that reaches a checkpoint."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.vec_envs.create import find_normalize

LARGEST_WEIGHT = 1e18
"""the product of two larger ones is no float32"""
WEIGHTS_EVERY = 1000
"""environment steps between two looks at all weights, for algorithms whose rollouts are shorter"""
OF_THE_WORLD = "look at what the world computes there, for example with other --env-kwargs"
OF_THE_OBSERVATIONS = (
    "the world gave numbers too large to be learned from: look at its parameters (a MuJoCo world's sim.timestep)"
)
OF_THE_RATE = "try a smaller learning rate, for what is saved with --load-rl-model-path and --new-lr"
OF_THE_ACTIONS = "the action distribution of the policy"


class NonFinite(Exception):
    """Something that must be a number is none.

    Attributes:
        what: what it is, for example ``the loss critic_loss``.
        timestep: environment steps, over all environments, at which it was found.
        advice: what to try.
        in_words: what it is and when it was found, without the advice.
    """

    def __init__(self, what: str, timestep: int, advice: str) -> None:
        self.in_words = f"{what} became non-finite at step {timestep:,}"
        super().__init__(f"{self.in_words}; {advice}")
        self.what = what
        self.timestep = timestep
        self.advice = advice


class FiniteGuard(BaseCallback):
    """Looks at what was collected before it is learned from, at the losses after each update, and at the weights.

    Costs a look at each rollout's arrays (of a replay buffer at the rows that are new), at the numbers that the last
    update logged, and every `WEIGHTS_EVERY` steps at all weights.

    Args:
        log: the run's episodes, of which the new ones are looked at.

    Raises:
        NonFinite: from its hooks, in place of going on.
    """

    def __init__(self, log: EpisodeLog) -> None:
        super().__init__()
        self.log = log
        self._seen_episodes = log.count
        self._seen_row = 0
        self._next_weights = 0

    def _on_training_start(self) -> None:
        buffer = getattr(self.model, "replay_buffer", None)
        self._seen_row = getattr(buffer, "pos", 0)

    def _on_rollout_start(self) -> None:
        check_losses(self.model)
        if self.model.num_timesteps >= self._next_weights:
            self._next_weights = self.model.num_timesteps + WEIGHTS_EVERY
            check_weights(self.model)

    def _on_rollout_end(self) -> None:
        new = np.asarray(self.log.returns[self._seen_episodes :])
        self._seen_episodes = self.log.count
        rollout, replay = getattr(self.model, "rollout_buffer", None), getattr(self.model, "replay_buffer", None)
        if rollout is not None:
            self._check("the rewards", getattr(rollout, "rewards", None))
            self._check("the observations", getattr(rollout, "observations", None))
        if replay is not None:
            for name in ("rewards", "observations"):
                for rows in self._new_rows(replay, name):
                    self._check(f"the {name}", rows)
            self._seen_row = replay.pos
        self._check("the rewards", new)
        self._check("the observations", getattr(self.model, "_last_obs", None))

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        if sys.exc_info()[0] is None:  # the last update is over, and nothing else ended the training
            check_losses(self.model)
            check_model(self.model)

    def _new_rows(self, buffer: Any, name: str) -> Iterator[Any]:
        """What was added to a replay buffer since the last look, in one or two parts."""
        values, begin, end = getattr(buffer, name, None), self._seen_row, buffer.pos
        if values is None:
            return
        for rows in (slice(begin, end),) if begin <= end else (slice(begin, None), slice(0, end)):
            yield {key: part[rows] for key, part in values.items()} if isinstance(values, Mapping) else values[rows]

    def _check(self, what: str, values: Any) -> None:
        if not _finite(values):
            _fail(what, self.model, OF_THE_WORLD)


def check_model(model: BaseAlgorithm) -> None:
    """Look at all that a checkpoint of ``model`` holds: weights, optimisers, observation statistics.

    Raises:
        NonFinite: naming what is no number.
    """
    check_weights(model)
    normalize = find_normalize(model.env) if model.env is not None else None
    statistics = getattr(normalize, "obs_rms", None)
    for each in statistics.values() if isinstance(statistics, Mapping) else [statistics]:
        if each is not None and not (_finite(each.mean) and _finite(each.var)):
            _fail("the observations", model, OF_THE_WORLD)


def check_weights(model: BaseAlgorithm) -> None:
    """Look at the weights, the optimisers' moments and the single tensors of ``model``.

    Raises:
        NonFinite: for one that is no number, or so large that no network can act with it.
    """
    names, tensors = [], []
    for name, tensor in _tensors("", model.get_parameters()):
        names.append(name)
        tensors.append(tensor)
    for name in model._get_torch_save_params()[1]:
        single = getattr(model, name, None)
        if isinstance(single, torch.Tensor) and single.is_floating_point():
            names.append(name)
            tensors.append(single)
    if not tensors:
        return
    with torch.no_grad():
        largest = torch.stack([tensor.detach().abs().amax().to(model.device, torch.float64) for tensor in tensors])
    limits = np.array([np.inf if ".state." in name else LARGEST_WEIGHT for name in names])
    values = largest.cpu().numpy()
    for name, value, limit in zip(names, values, limits, strict=True):
        if not np.isfinite(value) or value > limit:
            if "normaliser." in name:  # it is no weight that learns, but what was observed
                _fail(f"what is known of the observations ({name})", model, OF_THE_OBSERVATIONS)
            kind = "the optimiser's" if ".state." in name else "the weights"
            _fail(f"{kind} {name}", model, OF_THE_RATE)


def check_losses(model: BaseAlgorithm) -> None:
    """Look at what the last update logged.

    Raises:
        NonFinite: naming the figure that is no number.
    """
    if getattr(model, "_logger", None) is None:  # nothing was learned yet
        return
    for name, value in model.logger.name_to_value.items():
        if name.startswith("train/") and "loss" in name and not _finite(value):
            _find_cause(model)
            _fail(f"the loss {name.removeprefix('train/')}".removesuffix(" loss"), model, OF_THE_RATE)


def explain(model: BaseAlgorithm, error: BaseException) -> NonFinite | None:
    """Why ``learn`` ended with ``error``, where the reason is that something is no number; else None.

    torch refuses to make distributions of parameters that are none, in the midst of a rollout or an update.
    """
    if isinstance(error, NonFinite):
        return error
    try:
        _find_cause(model)
        check_losses(model)
        check_model(model)
    except NonFinite as found:
        return found
    if isinstance(error, ValueError) and _raised_in("torch.distributions", error):
        return NonFinite(OF_THE_ACTIONS, model.num_timesteps, OF_THE_RATE)
    return None


def _find_cause(model: BaseAlgorithm) -> None:
    """Raise `NonFinite` where the cause lies in what the world gave."""
    if not _finite(getattr(model, "_last_original_obs", None)) or not _finite(getattr(model, "_last_obs", None)):
        _fail("the observations", model, OF_THE_WORLD)
    buffer = getattr(model, "replay_buffer", None)
    if buffer is None:
        return
    filled = slice(None) if buffer.full else slice(0, buffer.pos)
    for name in ("rewards", "observations"):
        values = getattr(buffer, name, None)
        for part in values.values() if isinstance(values, Mapping) else [values]:
            if part is not None and not _finite(part[filled]):
                _fail(f"the {name}", model, OF_THE_WORLD)


def _fail(what: str, model: BaseAlgorithm, advice: str) -> NoReturn:
    raise NonFinite(what, model.num_timesteps, advice)


def _finite(values: Any) -> bool:
    """Whether all numbers are finite: of an array, tensor or number, or of those in a dictionary or tuple."""
    if values is None:
        return True
    if isinstance(values, Mapping):
        return all(map(_finite, values.values()))
    if isinstance(values, tuple):
        return all(map(_finite, values))
    if isinstance(values, torch.Tensor):
        return bool(torch.isfinite(values).all()) if values.is_floating_point() else True
    array = np.asarray(values)
    return bool(np.isfinite(array).all()) if array.dtype.kind == "f" else True


def _tensors(path: str, node: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The floating-point tensors of nested state dicts, with their dotted names."""
    items: Iterable[tuple[Any, Any]]
    if isinstance(node, torch.Tensor):
        if node.is_floating_point() and node.numel():
            yield path, node
        return
    if isinstance(node, Mapping):
        items = node.items()
    elif isinstance(node, list | tuple):
        items = enumerate(node)
    else:
        return
    for name, value in items:
        yield from _tensors(f"{path}.{name}" if path else str(name), value)


def _raised_in(package: str, error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module == package or module.startswith(f"{package}."):
            return True
        trace = trace.tb_next
    return False
