"""Whether a student can tell its tasks apart, where their teachers act differently."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rl_baselines.distillation.lessons import Lessons

UPDATES = 300
"""at most"""
LOOK = 60
"""updates between two looks at whether the tasks are told apart already"""
CLEAR = 0.01
"""share of `CHUNK` steps below which they are"""
BATCH = 128
PAUSE = 10
LEARNING_RATE = 1e-3
CHUNK = 500
STEPS = 1500
"""steps that are judged, at most"""
AS_LIKELY = 0.5
"""another task is as good a guess where it is at least this likely, compared with the step's own"""
APART = 0.5
"""continuous actions differ where they are this far apart, as a share of half the action space's width"""
WARN = 0.05
"""share of the steps from which on it is worth a warning"""


def confusion(
    policy: ActorCriticPolicy, lessons: Lessons, seed: int, between: Callable[[], object] = lambda: None
) -> float:
    """The share of steps that look as much like another task, whose teacher would act otherwise.

    A network like the student's learns, from the training steps, to name the task of what is observed, and what each
    task's teacher prefers there, for `UPDATES` or until it tells the tasks apart. It is asked on validation steps.

    Args:
        policy: the student; it stays as it is.
        lessons: of at least two tasks.
        seed: of the network and the order.
        between: called every `PAUSE` updates; what it raises ends the look.
    """
    rng = np.random.default_rng(seed)
    judged = lessons.split.validation
    if len(judged) > STEPS:
        judged = rng.choice(judged, STEPS, replace=False)
    some = rng.permutation(judged)[:CHUNK]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        probe = _Probe(policy, len(lessons.task_names))
        optimizer = torch.optim.Adam(probe.parameters(), lr=LEARNING_RATE)
        preferred = lessons.targets.preferred
        for number in range(UPDATES):
            if number % PAUSE == 0:
                between()
            steps = lessons.minibatch(0, number * BATCH, BATCH)
            task = torch.as_tensor(lessons.tasks[steps], device=policy.device)
            names, actions = probe(_tensor(lessons, steps, policy.device))
            own = actions[torch.arange(len(steps)), task]
            wanted = torch.as_tensor(preferred[steps], device=policy.device)
            told = cross_entropy(own, wanted) if probe.discrete else (own - wanted).square().mean()
            optimizer.zero_grad()
            (cross_entropy(names, task) + told).backward()
            optimizer.step()
            if (number + 1) % LOOK == 0 and _confused(probe, lessons, some).mean() < CLEAR:
                break
    parts = np.array_split(judged, -(-len(judged) // CHUNK))
    return float(np.mean(np.concatenate([_confused(probe, lessons, part) for part in parts])))


class _Probe(nn.Module):
    """From observations to scores of the tasks ``(m, T)`` and, by task, to actions ``(m, T, k)``."""

    def __init__(self, policy: ActorCriticPolicy, tasks: int) -> None:
        super().__init__()
        self.discrete = isinstance(policy.action_space, spaces.Discrete)
        self.policy = copy.deepcopy(policy)
        space = policy.action_space
        width = int(space.n) if isinstance(space, spaces.Discrete) else int(np.prod(space.shape or ()))
        self._hidden = nn.Sequential(nn.Linear(policy.features_dim, 64), nn.ReLU()).to(policy.device)
        self._names = nn.Linear(64, tasks).to(policy.device)
        self._actions = nn.Linear(64, tasks * width).to(policy.device)
        self._shape = (-1, tasks, width)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self._hidden(self.policy.extract_features(observations, self.policy.pi_features_extractor))
        return self._names(hidden), self._actions(hidden).reshape(self._shape)


def _tensor(lessons: Lessons, steps: np.ndarray, device: torch.device) -> Tensor:
    return torch.as_tensor(lessons.observations(steps), device=device)


def _confused(probe: _Probe, lessons: Lessons, steps: np.ndarray) -> np.ndarray:
    """``(m,) bool``, of some steps."""
    policy, rows, own = probe.policy, np.arange(len(steps)), lessons.tasks[steps]
    with torch.no_grad():
        names, actions = probe(_tensor(lessons, steps, policy.device))
    likely = names.softmax(dim=1).cpu().numpy()
    given = actions.cpu().numpy()
    if probe.discrete:
        best = given.argmax(axis=2)
        otherwise = best != best[rows, own][:, None]
    else:
        assert isinstance(policy.action_space, spaces.Box)
        half = (policy.action_space.high - policy.action_space.low).reshape(-1) / 2
        away = (given - given[rows, own][:, None]) / half
        otherwise = np.sqrt((away**2).mean(axis=2)) > APART
    as_likely = likely >= AS_LIKELY * likely[rows, own][:, None]
    found: np.ndarray = (as_likely & otherwise).any(axis=1)
    return found
