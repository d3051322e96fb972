"""The one-file checkpoint: SB3's zip, with what acting and resuming need as extra entries.

Plain ``PPO.load(file)`` opens it. Our own `load_checkpoint` unpickles nothing: it rebuilds the
algorithm from its configuration and reads tensors (``weights_only``), JSON and arrays, so a file
from a stranger is safe to open.
"""

import dataclasses
import io
import json
import pickle
import typing
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.common.vec_env import VecEnv

from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import find_normalize, normalize_state
from srl3.errors import UserError
from srl3.files import atomic_path
from srl3.tree import pack, unpack
from state_representation.encoding.encoder import Encoder, EncoderInfo, make_encoder
from state_representation.encoding.vec_wrapper import find_encoder

INFO_ENTRY = "srl3/info.json"
STATE_ENTRY = "srl3/state.json"
ARRAYS_ENTRY = "srl3/arrays.npz"
POLICY_ENTRY = "srl3/policy.json"
"""what an algorithm's own ``save`` adds of its policy that SB3's entries can't hold"""
POLICY_ARRAYS_ENTRY = "srl3/policy.npz"
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself; all of it is JSON."""

    algo: str
    """key of ``registered_rl``"""
    policy: str
    """``feedforward`` or ``lstm``"""
    env_id: str
    env_kwargs: dict[str, Any]
    """every parameter of the environment, defaults included"""
    srl_model: str
    num_stack: int
    n_envs: int
    seed: int
    hyperparams: dict[str, Any]
    """resolved, as in ``train_config.yaml``"""
    total_timesteps: int
    """what the run was asked to train"""
    observation_space: dict[str, Any]
    action_space: dict[str, Any]
    versions: dict[str, Any]
    parent: str | None = None
    """the checkpoint that this run retrains"""
    num_timesteps: int = 0
    """steps trained so far"""
    format: int = FORMAT


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory."""

    path: Path
    info: CheckpointInfo
    parameters: dict[str, Any]
    """state dicts of the networks and optimisers, by SB3's names"""
    variables: dict[str, Any]
    """single tensors, such as SAC's entropy coefficient"""
    state: dict[str, Any]
    """``normalize`` (observation statistics), ``encoder`` (a learned representation) and, for resuming, ``training``"""

    def load_encoder(self, device: str = "auto") -> Encoder | None:
        """The learned representation from which the policy acts, if it acts from one.

        Raises:
            UserError: when it is damaged.
        """
        saved = self.state.get("encoder")
        if saved is None:
            return None
        try:
            info = EncoderInfo.from_dict(saved["info"])
            tensors = {name: torch.from_numpy(values) for name, values in saved["tensors"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{self.path} is damaged (its encoder: {error}); use another checkpoint.") from None
        return make_encoder(info, tensors, device, source=str(self.path))


def save_checkpoint(
    path: Path, model: BaseAlgorithm, info: CheckpointInfo, training_state: dict[str, Any] | None = None
) -> None:
    """Write ``model`` to ``path`` in one piece: a reader sees the previous file or this one.

    Args:
        path: the zip to write.
        model: an SB3 algorithm with its environment.
        info: what the file says of itself; ``num_timesteps`` is filled in.
        training_state: what `rl_baselines.checkpoints.resume.training_state` gave; only `--resume` needs it.
    """
    info = dataclasses.replace(info, num_timesteps=model.num_timesteps)
    normalize = find_normalize(model.env) if model.env is not None else None
    encoder = find_encoder(model.env) if model.env is not None else None
    state = {
        "normalize": normalize_state(normalize) if normalize else None,
        "encoder": _encoder_state(encoder) if encoder else None,
        "training": training_state,
    }
    state_text, arrays = pack(state)
    buffer = io.BytesIO()
    model.save(buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(INFO_ENTRY, json.dumps(dataclasses.asdict(info), indent=1))
        archive.writestr(STATE_ENTRY, state_text)
        archive.writestr(ARRAYS_ENTRY, arrays)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_checkpoint(path: Path, device: str = "cpu") -> Checkpoint:
    """Read a checkpoint without running code from it.

    Raises:
        UserError: when the file is missing, damaged, or no checkpoint of SRL3.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged:
                raise UserError(f"{path} is damaged (its entry {damaged} can't be read); use another checkpoint.")
            names = archive.namelist()
            if INFO_ENTRY not in names:
                raise UserError(
                    f"{path} is no SRL3 checkpoint, or only part of one (it lacks {INFO_ENTRY}); "
                    "use a file written by rl_baselines.train."
                )
            info = json.loads(archive.read(INFO_ENTRY))
            state = unpack(archive.read(STATE_ENTRY).decode(), archive.read(ARRAYS_ENTRY))
            if POLICY_ENTRY in names:
                state["policy"] = unpack(archive.read(POLICY_ENTRY).decode(), archive.read(POLICY_ARRAYS_ENTRY))
            if not isinstance(state, dict) or not state.keys() >= {"normalize", "training"}:
                raise ValueError(f"its {STATE_ENTRY} is incomplete")
            tensors = {
                name.removesuffix(".pth"): torch.load(
                    io.BytesIO(archive.read(name)), map_location=device, weights_only=True
                )
                for name in names
                if name.endswith(".pth")
            }
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; name a checkpoint or a run folder.") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a checkpoint.") from None
    except PermissionError:
        raise UserError(f"{path} may not be read; check its permissions.") from None
    except zipfile.BadZipFile:
        raise UserError(f"{path} is not a checkpoint, or only part of one (not a whole zip file).") from None
    except pickle.UnpicklingError:
        raise UserError(f"{path} holds something other than tensors, and was not opened.") from None
    except (KeyError, ValueError, EOFError, RuntimeError, OSError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}: {error}); use another checkpoint.") from None
    return Checkpoint(path, _read_info(path, info), tensors, tensors.pop("pytorch_variables", None) or {}, state)


def load_model(
    checkpoint: Checkpoint,
    env: VecEnv,
    *,
    hyperparams: dict[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    tensorboard_log: str | None = None,
    training: bool = False,
) -> BaseAlgorithm:
    """The algorithm of a checkpoint on ``env``: weights, optimiser and observation statistics in place.

    Args:
        checkpoint: from `load_checkpoint`.
        env: where it acts; its `VecNormalize` takes over the saved statistics.
        hyperparams: others than the saved ones, e.g. a new learning rate.
        seed: seeds the algorithm; None takes the saved one.
        device: torch device.
        tensorboard_log: folder, or None.
        training: prepare buffers for learning, not only for acting.

    Raises:
        UserError: when ``env`` has other spaces than the checkpoint, or its tensors do not fit.
    """
    info = checkpoint.info
    check_spaces(info, env)
    algorithm = find_algo(info.algo).load_class(info.policy)
    model = algorithm.make_model(
        env,
        info.hyperparams if hyperparams is None else hyperparams,
        seed=info.seed if seed is None else seed,
        device=device,
        tensorboard_log=tensorboard_log,
        training=training,
    )
    try:
        model.set_parameters(checkpoint.parameters, exact_match=True, device=model.device)
        for name, value in checkpoint.variables.items():
            if value is not None:
                recursive_getattr(model, name).data = value.data.to(model.device)
    except (RuntimeError, ValueError, KeyError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{checkpoint.path} does not fit the network that its settings describe: {reason}") from None
    if checkpoint.state.get("policy") is not None:
        model.load_policy_state(checkpoint.state["policy"])  # type: ignore[attr-defined]
    normalize = find_normalize(env)
    if normalize is not None and checkpoint.state["normalize"] is not None:
        from rl_baselines.vec_envs.create import restore_normalize_state

        restore_normalize_state(normalize, checkpoint.state["normalize"])
    return model


def describe_space(space: spaces.Space[Any]) -> dict[str, Any]:
    """A Box or Discrete space as JSON."""
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n)}
    if isinstance(space, spaces.Box):
        return {
            "type": "Box",
            "shape": list(space.shape),
            "dtype": str(space.dtype),
            "low": float(np.min(space.low)),
            "high": float(np.max(space.high)),
        }
    raise TypeError(f"{space} is neither Box nor Discrete")


def check_spaces(info: CheckpointInfo, env: VecEnv) -> None:
    """Raise `UserError` naming both sides unless ``env`` has the checkpoint's spaces."""
    for what, saved, now in (
        ("observation", info.observation_space, raw_observation_space(env)),
        ("action", info.action_space, env.action_space),
    ):
        here = describe_space(now)
        if here != saved:
            raise UserError(
                f"the checkpoint was trained on {info.env_id} with {what} space {_in_words(saved)}, "
                f"but this environment has {_in_words(here)}; use the environment and flags that it was trained with."
            )


def raw_observation_space(env: VecEnv) -> spaces.Space[Any]:
    """The observation space as the world and the stack give it (channels last, whatever SB3 transposes)."""
    from stable_baselines3.common.vec_env import VecEnvWrapper, VecTransposeImage

    while isinstance(env, VecEnvWrapper) and isinstance(env, VecTransposeImage):
        env = env.venv
    return env.observation_space


def _encoder_state(encoder: Encoder) -> dict[str, Any]:
    tensors = {name: tensor.numpy() for name, tensor in encoder.tensors().items()}
    return {"info": encoder.info.as_dict(), "tensors": tensors}


def _in_words(space: dict[str, Any]) -> str:
    if space["type"] == "Discrete":
        return f"Discrete({space['n']})"
    shape = "x".join(map(str, space["shape"]))
    return f"Box({shape}, {space['dtype']})"


def _read_info(path: Path, info: Any) -> CheckpointInfo:
    fields = {field.name for field in dataclasses.fields(CheckpointInfo)}
    if not isinstance(info, dict) or info.get("format") != FORMAT or not set(info) <= fields:
        written = info.get("format") if isinstance(info, dict) else None
        raise UserError(f"{path} has checkpoint format {written}, and this version reads format {FORMAT}.")
    hints = typing.get_type_hints(CheckpointInfo)
    kinds = {name: dict if typing.get_origin(hint) is dict else hint for name, hint in hints.items()}
    odd = [name for name, value in info.items() if not isinstance(value, kinds[name])]
    try:
        read = CheckpointInfo(**info)
    except TypeError:
        raise UserError(f"{path} is damaged (its {INFO_ENTRY} is incomplete); use another checkpoint.") from None
    if odd:
        raise UserError(f"{path} is damaged ({odd[0]} in its {INFO_ENTRY} has a wrong type); use another checkpoint.")
    return read
