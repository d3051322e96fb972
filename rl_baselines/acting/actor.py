"""A policy that acts, without an environment.

```python
actor = Actor.load(find_checkpoint("logs/MobileRobotGymEnv-v0/ground_truth/ppo2"))
actions = actor.act(raw_observations, episode_starts, deterministic=True)
```

What the world gives goes in, whatever the policy observes of it: the actor encodes, stacks, normalises and transposes
as the training did, remembers what a recurrent policy remembers, and gives actions as the world takes them.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from rl_baselines.acting.model_on_spaces import model_on_spaces
from rl_baselines.acting.randomness import OwnRandomness
from rl_baselines.acting.stack import FrameStack
from rl_baselines.checkpoints.archive import Checkpoint, load_checkpoint
from rl_baselines.checkpoints.load import put_parameters
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import find_normalize
from rl_baselines.vec_envs.frame_stack import stackable_keys, stacked_frames
from rl_baselines.vec_envs.images import channels_first, transposed_images
from rl_baselines.vec_envs.normalizer import Normalizer
from srl3.errors import UserError
from srl3.runtime.seeding import kept_generators
from state_representation.encoding.encoder import Encoder
from state_representation.encoding.vec_wrapper import find_encoder

Observations = np.ndarray | Mapping[str, np.ndarray]
"""``(n, …)``, or a dictionary of such arrays: of n robots, as the world gives them, images channels last"""


class Actor:
    """A policy with everything that stands between the world's observations and its own.

    Made by `load`, `from_checkpoint` or `of_model`. One actor acts for one set of robots: it holds what it remembers of
    each. Actions are drawn from random numbers of its own (`seed`), so that acting moves no generator of the process.

    Args:
        model: predicts.
        images: paths of the observations that go in channels first.
        num_stack: observations that are joined.
        encoder: from frames to states.
        normalizer: gives the statistics, asked in each step; None where there are none.
        deterministic: how it acts unless told otherwise.
    """

    def __init__(
        self,
        model: BaseAlgorithm,
        *,
        images: Collection[str] = (),
        num_stack: int = 1,
        encoder: Encoder | None = None,
        normalizer: Callable[[], Normalizer] | None = None,
        deterministic: bool = True,
    ) -> None:
        self.encoder = encoder
        self.deterministic = deterministic
        self.uses_masks = "action_masks" in inspect.signature(model.predict).parameters
        self._model = model
        self._images = frozenset(images)
        self._stack = FrameStack(num_stack, stackable_keys(model.observation_space))
        self._normalizer = normalizer
        self._memory: tuple[np.ndarray, ...] | None = None
        self._fresh = np.zeros(0, np.bool_)
        self._observed: Any = None
        self._randomness = OwnRandomness(model)
        self._kind: Any = None

    @classmethod
    def load(cls, path: Path, device: str = "cpu", seed: int | None = None) -> "Actor":
        """The policy of a checkpoint. Nothing else in the process changes: no environment, generator or thread.

        Args:
            path: the file; `rl_baselines.runs.run_folder.find_checkpoint` finds that of a run.
            device: torch device.
            seed: of drawn actions; None takes the run's.

        Raises:
            UserError: when the file is missing, damaged or of a later version, or the device is not there.
        """
        return cls.from_checkpoint(load_checkpoint(path), device, seed)

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, device: str = "cpu", seed: int | None = None) -> "Actor":
        """As `load`, of a checkpoint in memory."""
        info = checkpoint.info
        normalizer = _saved_normalizer(checkpoint)
        with kept_generators():
            encoder = checkpoint.load_encoder(device)
            model = model_on_spaces(checkpoint, device, info.seed if seed is None else seed)
            actor = cls(
                model,
                images=info.images,
                num_stack=info.num_stack,
                encoder=encoder,
                normalizer=None if normalizer is None else lambda: normalizer,
                deterministic=not find_algo(info.algo).load_class(info.policy).on_policy,
            )
        actor._kind = _kind(checkpoint)
        return actor

    @classmethod
    def of_model(cls, model: BaseAlgorithm, *, deterministic: bool = True) -> "Actor":
        """The present policy of a model in training, with what its environment's wrappers make of observations.

        Nothing is copied: weights and statistics are those of the moment at which it acts.

        Args:
            model: with an environment.
            deterministic: how it acts unless told otherwise.
        """
        env = model.env
        assert env is not None
        normalize = find_normalize(env)
        return cls(
            model,
            images=transposed_images(env),
            num_stack=stacked_frames(env),
            encoder=find_encoder(env),
            normalizer=None if normalize is None else lambda: Normalizer.of(normalize),
            deterministic=deterministic,
        )

    def take(self, checkpoint: Checkpoint) -> bool:
        """Act by another checkpoint of the same training from here on, which takes less than a new actor.

        No random number is drawn; what was remembered is forgotten.

        Returns:
            Whether it could be taken; False for one of another algorithm, network or world, with nothing changed.

        Raises:
            UserError: when its tensors do not fit; the actor is of no use then.
        """
        if self._kind is None or _kind(checkpoint) != self._kind:
            return False
        normalizer = _saved_normalizer(checkpoint)
        put_parameters(checkpoint, self._model)
        if normalizer is not None:
            self._normalizer = lambda: normalizer
        self.reset()
        return True

    @property
    def policy(self) -> Any:
        """The policy's torch module; it takes what `observe` gives."""
        return self._model.policy

    @property
    def action_space(self) -> spaces.Space[Any]:
        """Of one robot."""
        return self._model.action_space

    @property
    def recurrent(self) -> bool:
        """Whether the policy remembers earlier steps of the episode."""
        return hasattr(self.policy, "lstm_hidden_state_shape") or getattr(self.policy, "is_recurrent", False)

    def seed(self, seed: int) -> None:
        """Begin the random numbers of drawn actions anew."""
        self._randomness.seed(seed)

    def reset(self, rows: np.ndarray | None = None) -> None:
        """Some robots, or all, begin an episode with the next observation, whatever ``episode_starts`` will say.

        Args:
            rows: their numbers; None: all, and there may be another number of them from now on.
        """
        if rows is None:
            self._memory = None
            self._fresh = np.zeros(0, np.bool_)
        elif self._fresh.size:
            self._fresh[rows] = True

    def act(
        self,
        raw_observations: Observations,
        episode_starts: np.ndarray | None = None,
        deterministic: bool | None = None,
        action_masks: np.ndarray | None = None,
    ) -> np.ndarray:
        """Actions for what n robots observe now; call it once for each step of theirs.

        Args:
            raw_observations: as the world gives them.
            episode_starts: ``(n,) bool``: the observation is the first of its episode. None: of the first call after
                a `reset` all are, of later ones none.
            deterministic: the most probable action, or one drawn; None: as training judges (`deterministic`).
            action_masks: ``(n, n_actions) bool``, the allowed ones, where the policy `uses_masks`.

        Returns:
            ``(n,) int64`` for discrete actions, else ``(n, *action_shape)``, within the action space.
        """
        n = len(next(iter(raw_observations.values())) if isinstance(raw_observations, Mapping) else raw_observations)
        starts = self._starts(n, episode_starts)
        self._observed = observed = self._observe(raw_observations, starts)
        deterministic = self.deterministic if deterministic is None else deterministic
        masks = {"action_masks": action_masks} if self.uses_masks and action_masks is not None else {}
        with self._randomness.in_place():
            actions, self._memory = self._model.predict(
                observed, state=self._memory, episode_start=starts, deterministic=deterministic, **masks
            )
        return actions

    def distribution(self, action_masks: np.ndarray | None = None) -> np.ndarray | None:
        """Probabilities of the actions at the observations that `act` took last.

        Args:
            action_masks: as for `act`.

        Returns:
            ``(n, n_actions) float32``; None for policies without such a distribution: of continuous actions, of
            action values, or with memory.
        """
        policy = self.policy
        if self.recurrent or not hasattr(policy, "get_distribution"):
            return None
        if not isinstance(self.action_space, spaces.Discrete):
            return None
        masks = {"action_masks": action_masks} if self.uses_masks and action_masks is not None else {}
        with torch.no_grad():
            distribution = policy.get_distribution(policy.obs_to_tensor(self._observed)[0], **masks).distribution
        return distribution.probs.cpu().numpy().astype(np.float32)

    def gaussian(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean and standard deviation of the actions at the observations that `act` took last.

        Returns:
            each ``(n, k) float32``, before actions are kept within their bounds; None for policies whose actions are
            not drawn from a normal distribution, or with memory.
        """
        policy = self.policy
        if self.recurrent or not hasattr(policy, "get_distribution") or getattr(policy, "squash_output", False):
            return None
        if not isinstance(self.action_space, spaces.Box):
            return None
        with torch.no_grad():
            normal = policy.get_distribution(policy.obs_to_tensor(self._observed)[0]).distribution
        return normal.mean.cpu().numpy().astype(np.float32), normal.stddev.cpu().numpy().astype(np.float32)

    def distribution_labels(self, action_masks: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """`distribution` or `gaussian`, by the names that datasets have for them; empty where there is neither."""
        probabilities = self.distribution(action_masks)
        if probabilities is not None:
            return {"action_probabilities": probabilities}
        gaussian = self.gaussian()
        return {} if gaussian is None else dict(zip(("action_means", "action_stds"), gaussian, strict=True))

    def _starts(self, n: int, given: np.ndarray | None) -> np.ndarray:
        """``(n,) bool``, what `reset` asked for included."""
        if len(self._fresh) != n:
            self._memory = None
            self._fresh = np.ones(n, np.bool_)
        starts = self._fresh if given is None else self._fresh | np.asarray(given, np.bool_)
        self._fresh = np.zeros(n, np.bool_)
        return starts

    def _observe(self, raw: Observations, starts: np.ndarray) -> Any:
        """What the policy sees of what the world gives."""
        observed: Any = raw
        if self.encoder is not None:
            assert isinstance(raw, np.ndarray)
            observed = self.encoder(raw)
        observed = self._stack(observed, starts)
        if self._normalizer is not None:
            observed = self._normalizer()(observed)
        return channels_first(observed, self._images)


def _kind(checkpoint: Checkpoint) -> tuple[Any, ...]:
    """What two checkpoints have in common that one actor can act by, one after the other."""
    info, encoder = checkpoint.info, checkpoint.state.get("encoder")
    network = (info.algo, info.policy, info.hyperparams, info.observation_space, info.action_space, info.num_stack)
    # statistics as such may differ, an encoder's tensors may not
    return (*network, checkpoint.state["normalize"] is None, None if encoder is None else encoder["info"])


def _saved_normalizer(checkpoint: Checkpoint) -> Normalizer | None:
    saved = checkpoint.state["normalize"]
    if saved is None:
        return None
    try:
        return Normalizer.from_state(saved)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{checkpoint.path} is damaged (its statistics: {error}); use another checkpoint.") from None
