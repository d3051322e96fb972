"""What an algorithm must offer to be registered, and what the library ones share.

Importing this module loads no library: an algorithm names its model class in a method.
"""

import inspect
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rl_baselines.hyperparams.action_types import ALL_ACTIONS, ActionType, action_type_of
from rl_baselines.hyperparams.arguments import NAMED_CLASSES, NOISE_TYPES, constructor_arguments, is_dict
from rl_baselines.hyperparams.parameters import Kind, Parameter, constructor_parameters
from rl_baselines.hyperparams.policy_kwargs import build_policy_kwargs, check_policy_kwargs
from rl_baselines.hyperparams.search_ranges import SearchRange
from srl3.errors import UserError
from srl3.runtime.devices import check_device

if TYPE_CHECKING:
    from gymnasium import spaces
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

    from environments.datasets.dataset import Dataset


class BaseRLObject(ABC):
    """An algorithm: what may be set, over what a search draws, and how its model is built. Never instantiated."""

    preset: ClassVar[str | None] = None
    """Name of its YAML file under ``config/hyperparams``; None when it has none."""
    on_policy: ClassVar[bool] = False
    """Whether it learns from whole rollouts of its present policy."""
    actions: ClassVar[tuple[ActionType, ...]] = ALL_ACTIONS
    """The kinds of action space that it takes, as its entry in the registry says."""
    lstm_variant: ClassVar[str | None] = None
    """Name of the registered algorithm that is the same with a recurrent policy."""
    several_processes: ClassVar[bool] = False
    """Whether several processes can train one model together (`join`)."""
    supervised: ClassVar[bool] = False
    """Whether it learns from the datasets of teachers (`teach`) in the place of rewards."""
    policies_of: ClassVar[str | None] = None
    """Name of the registered algorithm whose policies it trains, and which can train them on; None: only it can."""
    merges_policy_kwargs: ClassVar[bool] = False
    """Whether a more particular ``policy_kwargs`` replaces only the keys that it names, not all."""
    search_space: ClassVar[Mapping[str, SearchRange]] = {}
    """Ranges for a hyperparameter search, by the names of `parameters`."""

    @classmethod
    @abstractmethod
    def model_class(cls) -> "type[BaseAlgorithm]":
        """The class of the models that `make_model` builds (imports its library)."""

    @classmethod
    @abstractmethod
    def parameters(cls) -> dict[str, Parameter]:
        """What a user may set, by name."""

    @classmethod
    @abstractmethod
    def policy_parameters(cls) -> list[str]:
        """The keys that ``policy_kwargs`` may have."""

    @classmethod
    def translated(cls, values: Mapping[str, Any], where: str) -> dict[str, Any]:
        """``values`` by the names of `parameters`, for an algorithm that knows those of other systems too.

        Args:
            values: hyperparameters.
            where: what messages say of their origin.

        Raises:
            UserError: for one that is set twice, by two names.
        """
        return dict(values)

    @classmethod
    @abstractmethod
    def make_model(
        cls,
        env: "VecEnv",
        hyperparams: Mapping[str, Any],
        *,
        seed: int,
        device: str = "auto",
        tensorboard_log: str | None = None,
        training: bool = True,
    ) -> "BaseAlgorithm":
        """A new model.

        Args:
            env: what it trains on or plays in.
            hyperparams: values as YAML can hold them, by the names of `parameters`; left out ones are at their default.
            seed: seeds Python, NumPy, torch and the environment.
            device: ``auto``, ``cpu``, ``cuda`` …
            tensorboard_log: folder of TensorBoard's files, or None.
            training: False for playing, which allocates no buffer of full size.

        Raises:
            UserError: for values that the algorithm can't take, or a device that is not there.
        """

    @classmethod
    def inherited_hyperparams(cls, saved: Mapping[str, Any], state: Mapping[str, Any] | None) -> dict[str, Any]:
        """The hyperparameters of a retraining for which nothing else was asked.

        Args:
            saved: those that the checkpoint was trained with.
            state: what `save_state` gave; None for a checkpoint without it.
        """
        return dict(saved)

    @classmethod
    @abstractmethod
    def save_state(cls, model: "BaseAlgorithm") -> dict[str, Any]:
        """What a model at the start of a rollout needs, besides its weights, to go on bit for bit.

        Environments and replay buffers are saved apart.

        Returns:
            a tree of plain values and arrays.
        """

    @classmethod
    @abstractmethod
    def load_state(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        """Bring a model, rebuilt with its weights, to where `save_state` was called; then ``learn`` may be."""

    @classmethod
    def load_common_state(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        """As `load_state`, of a training that had another number of processes: worlds begin anew."""
        raise NotImplementedError(f"{cls.__name__} trains in one process")

    @classmethod
    def training_steps(cls, datasets: "Sequence[Dataset]", hyperparams: Mapping[str, Any], seed: int) -> int:
        """Of one that is `supervised`: how many steps of these datasets it learns from, each as often as it comes.

        Raises:
            UserError: for datasets that it can't learn from.
        """
        raise NotImplementedError(f"{cls.__name__} learns from rewards")

    @classmethod
    def teach(
        cls, model: "BaseAlgorithm", folders: Sequence[Path], *, seed: int, fresh: bool, folder: Path | None = None
    ) -> None:
        """Of one that is `supervised`: give a model what it learns from, before ``learn``.

        Args:
            model: with its environment.
            folders: the teachers' datasets.
            seed: decides which episodes judge, and the order of the others.
            fresh: the model has not learned yet; statistics of observations are taken from the datasets.
            folder: of the run, for what it records meanwhile.

        Raises:
            UserError: for datasets that do not hold what it needs.
        """
        raise NotImplementedError(f"{cls.__name__} learns from rewards")

    @classmethod
    @abstractmethod
    def enter_rollout(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        """At the start of the first rollout: undo what ``learn`` reset and drew since `load_state`."""


class StableBaselinesRLObject(BaseRLObject):
    """An algorithm of Stable-Baselines3, of sb3-contrib, or in their style."""

    state_policy: ClassVar[str] = "MlpPolicy"
    """Name of its policy for states."""
    image_policy: ClassVar[str] = "CnnPolicy"
    """Name of its policy for pixels."""
    counters: ClassVar[tuple[str, ...]] = (
        "num_timesteps",
        "_total_timesteps",
        "_episode_num",
        "_n_updates",
        "_current_progress_remaining",
    )
    """Attributes of the model that count what it did; a subclass adds its own."""
    dict_policy: ClassVar[str | None] = "MultiInputPolicy"
    """Name of its policy for a Dict; None when it has none."""

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        constructor = inspect.signature(cls.model_class()).parameters
        parameters = {
            "n_envs": Parameter("n_envs", Kind.INT, 1),
            "normalize": Parameter("normalize", Kind.NORMALIZE, False),
            **constructor_parameters(cls.model_class()),
            **{name: Parameter(name, Kind.CLASSES, None, optional=True) for name in NAMED_CLASSES},
        }
        if "policy_kwargs" in constructor:
            parameters["policy_kwargs"] = Parameter("policy_kwargs", Kind.MAPPING, None, optional=True)
        if cls.on_policy and "batch_size" in constructor:
            parameters["nminibatches"] = Parameter("nminibatches", Kind.INT, None, optional=True)
        if "replay_buffer_class" in constructor:
            parameters["replay_buffer_class"] = Parameter("replay_buffer_class", Kind.TEXT, None, optional=True)
        if "action_noise" in constructor:
            parameters["noise_type"] = Parameter("noise_type", Kind.TEXT, None, optional=True, choices=NOISE_TYPES)
            parameters["noise_std"] = Parameter("noise_std", Kind.FLOAT, 0.1)
        return parameters

    @classmethod
    def policy_parameters(cls) -> list[str]:
        keys = inspect.signature(cls.model_class().policy_aliases[cls.state_policy]).parameters
        return [key for key in keys if key not in ("observation_space", "action_space", "lr_schedule", "use_sde")]

    @classmethod
    def policy_for(
        cls, observation_space: "spaces.Space[Any]", policy_kwargs: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """The policy's name and its keyword arguments for what is observed.

        Raises:
            UserError: for an observation that the algorithm has no policy for.
        """
        if is_dict(observation_space):
            if cls.dict_policy is None:
                raise UserError(
                    f"{cls.model_class().__name__} observes one array, not a Dict; use ppo, a2c, sac, td3 or dqn."
                )
            return cls.dict_policy, policy_kwargs
        return (cls.image_policy if is_image(observation_space) else cls.state_policy), policy_kwargs

    @classmethod
    def default_device(cls) -> str:
        """The device that ``auto`` stands for."""
        return "auto"

    @classmethod
    def make_model(
        cls,
        env: "VecEnv",
        hyperparams: Mapping[str, Any],
        *,
        seed: int,
        device: str = "auto",
        tensorboard_log: str | None = None,
        training: bool = True,
    ) -> "BaseAlgorithm":
        where = cls.model_class().__name__
        _check_spaces(where, env, cls.actions)
        arguments = cls._constructor_arguments(hyperparams, env, training)
        given = hyperparams.get("policy_kwargs") or {}
        check_policy_kwargs(given, cls.policy_parameters(), where)
        policy, policy_kwargs = cls.policy_for(env.observation_space, build_policy_kwargs(given, where))
        if policy_kwargs:
            arguments["policy_kwargs"] = policy_kwargs
        try:
            return cls.model_class()(
                policy,
                env,
                seed=seed,
                device=check_device(cls.default_device() if device == "auto" else device),
                tensorboard_log=tensorboard_log,
                **arguments,
            )
        except (AssertionError, TypeError, ValueError) as error:
            if not _is_refusal(error):
                raise
            sentence = " ".join(str(error).split()).rstrip(".")
            raise UserError(f"{where} refuses these hyperparameters: {sentence}.") from error

    @classmethod
    def save_state(cls, model: "BaseAlgorithm") -> dict[str, Any]:
        from rl_baselines.model_state import parts, random_state

        return {
            "counters": parts.save_counters(model, cls.counters),
            "observations": parts.save_observations(model),
            "episodes": parts.save_episodes(model),
            "log": parts.save_log(model),
            "exploration": parts.save_exploration(model),
            "random": random_state.save(model),
        }

    @classmethod
    def load_state(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        from rl_baselines.model_state import parts, random_state

        parts.load_counters(model, {name: state["counters"][name] for name in cls.counters})
        parts.load_observations(model, state["observations"])
        parts.load_episodes(model, state["episodes"])
        parts.load_log(model, state["log"])
        random_state.load(model, state["random"])

    @classmethod
    def enter_rollout(cls, model: "BaseAlgorithm", state: Mapping[str, Any]) -> None:
        from rl_baselines.model_state import parts, random_state

        parts.load_exploration(model, state.get("exploration", {}))
        random_state.load(model, state["random"])

    @classmethod
    def _constructor_arguments(cls, hyperparams: Mapping[str, Any], env: "VecEnv", training: bool) -> dict[str, Any]:
        """What the model's constructor takes besides the policy, as it takes it."""
        where = cls.model_class().__name__
        return constructor_arguments(
            where, hyperparams, cls.parameters(), env, training=training, on_policy=cls.on_policy
        )


VALIDATING = ("stable_baselines3", "sb3_contrib", "torch")
"""packages whose constructors check what they are given"""


def _is_refusal(error: Exception) -> bool:
    """Whether a library refused what it was given: its own code raised, called by nothing but libraries and SRL3.

    An error in the code of an algorithm from elsewhere is that code's own, and keeps its traceback.
    """
    packages = [
        str(frame.f_globals.get("__name__", "")).partition(".")[0]
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    return packages[-1] in VALIDATING and set(packages) <= {"rl_baselines", *VALIDATING}


def _check_spaces(where: str, env: "VecEnv", actions: tuple[ActionType, ...]) -> None:
    kind = action_type_of(env.action_space)
    if kind not in actions:
        taken = " and ".join(each.value for each in actions)
        raise UserError(f"{where} takes no {kind.value} actions, such as {env.action_space}, only {taken} ones.")
    if not is_dict(env.observation_space):
        return
    from torch import nn

    taken_names = nn.ModuleDict()
    for key in env.observation_space.spaces:  # type: ignore[attr-defined]
        if "." in key or hasattr(taken_names, key):
            raise UserError(
                f"'{key}' can't be the name of an observation, since torch names a module by it; rename it."
            )


def is_image(space: "spaces.Space[Any]") -> bool:
    """Whether the observation is pixels, with any number of channels."""
    from stable_baselines3.common.preprocessing import is_image_space

    return is_image_space(space, check_channels=False)
