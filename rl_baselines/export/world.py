"""What a policy's own world says: names and units of its numbers, and what the policy does in it."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from environments.terms import POLICY, ActionTerm, ObservationTerm, action_terms_of, observation_terms_of
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.stack import FrameStack
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.archive import Checkpoint
from rl_baselines.export.graph import Port
from rl_baselines.vec_envs.frame_stack import stackable_keys
from srl3.spaces import build

SEED = 0
"""of the episodes that are recorded"""


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What the numbers mean."""

    observations: dict[str, list[ObservationTerm]]
    """by port's name, places counted within one observation of that port"""
    actions: list[ActionTerm]
    control_dt: float | None


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of one robot, of a recorded episode."""

    observations: dict[str, np.ndarray]
    """by port's name, as the graph takes them: ``(1, *shape)``, stacked"""
    action: np.ndarray
    """``(1, …)``: the actor's"""
    first: bool
    """of an episode"""
    reward: float
    """what the step before earned"""


@contextmanager
def world_of(checkpoint: Checkpoint, actor: Actor) -> Iterator[VecEnv]:
    """One bare world of the checkpoint's kind.

    Raises:
        UserError: when it can't be made, or is no longer what the policy was trained in.
    """
    info = checkpoint.info
    venv = make_worlds(info, actor.encoder, info.env_kwargs_here, n_envs=1, seed=SEED)
    try:
        yield venv
    finally:
        venv.close()


def meaning_of(venv: VecEnv, ports: list[Port], action_space: spaces.Space[Any]) -> Meaning:
    """Names and units, in the world's own words where it has any, else what its spaces tell."""
    told = [term for term in _asked(venv, "observation_terms", []) if term.group == POLICY]
    by_port: dict[str, list[ObservationTerm]] = {}
    for port in ports:
        size = int(np.prod(port.shape)) // port.history if port.shape else 1
        own = [term for term in told if term.name == port.key] if port.key else told
        if sum(term.size for term in own) != size:
            own = [dataclasses.replace(term, size=size) for term in observation_terms_of(port.space)[:1]]
            own = [dataclasses.replace(term, name=port.key or term.name) for term in own]
        start = 0
        placed = []
        for term in own:
            placed.append(dataclasses.replace(term, start=start))
            start += term.size
        by_port[port.name] = placed
    actions = _asked(venv, "action_terms", None) or action_terms_of(action_space)
    try:
        control_dt = venv.get_attr("control_dt")[0]
    except AttributeError:
        control_dt = None
    return Meaning(by_port, list(actions), control_dt)


def _asked(venv: VecEnv, method: str, otherwise: Any) -> Any:
    try:
        return venv.env_method(method)[0]
    except AttributeError:
        return otherwise


class Stacked:
    """Raw observations of one robot as the graph takes them: stacked, by port."""

    def __init__(self, checkpoint: Checkpoint, actor: Actor, ports: list[Port]) -> None:
        space = build(checkpoint.info.observation_space)
        keys = None if actor.encoder is not None else stackable_keys(space)
        self._stack = FrameStack(checkpoint.info.num_stack, keys)
        self._ports = ports

    def __call__(self, raw: Any, starts: np.ndarray) -> dict[str, np.ndarray]:
        """By port's name."""
        stacked = self._stack(raw, starts)
        parts = stacked if isinstance(stacked, Mapping) else {"": stacked}
        return {port.name: np.asarray(parts[port.key]) for port in self._ports}


def play(checkpoint: Checkpoint, actor: Actor, venv: VecEnv, ports: list[Port], steps: int) -> Iterator[Step]:
    """What a policy observes and does in its own world, deterministically, for so many steps."""
    stacked = Stacked(checkpoint, actor, ports)
    actor.reset()
    raw, starts, reward = venv.reset(), np.ones(1, np.bool_), 0.0
    for _ in range(steps):
        observations = stacked(raw, starts)
        action = actor.act(raw, starts, deterministic=True)  # type: ignore[arg-type]
        yield Step({name: values.copy() for name, values in observations.items()}, action, bool(starts[0]), reward)
        raw, rewards, starts, _ = venv.step(action)
        reward = float(rewards[0])
