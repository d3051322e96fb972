"""`open_checkpoint`: a checkpoint of SRL3, or a model that plain Stable-Baselines3 or rl-zoo3 saved, as one.

Of such a model the weights are read as tensors, and its settings from JSON and YAML. Its world is made once, to learn
the spaces.
"""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gymnasium import spaces

from environments.flags import make_config
from environments.registry import canonical_id
from rl_baselines.checkpoints.archive import Checkpoint, load_checkpoint
from rl_baselines.checkpoints.foreign.data import PlainData
from rl_baselines.checkpoints.foreign.said import NOTHING_SAID, Said
from rl_baselines.checkpoints.foreign.settings import configured, hyperparams_of, is_of_library
from rl_baselines.checkpoints.foreign.statistics import no_statistics, read_statistics
from rl_baselines.checkpoints.info import INFO_ENTRY, CheckpointInfo
from rl_baselines.hyperparams.zoo import ZooPreset
from rl_baselines.registry import find_algo, registered_rl
from rl_baselines.runs.zoo import STATISTICS, ZooRun, zoo_run
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.frame_stack import stacked_space
from rl_baselines.vec_envs.images import image_paths
from rl_baselines.vec_envs.wrappers.named import Wrappers
from srl3.errors import UserError
from srl3.formats.damage import damage_is_said
from srl3.formats.json import value_of
from srl3.formats.tensors import ERRORS, tensors_of
from srl3.spaces import ROOT, describe, in_words

DATA, WEIGHTS, VARIABLES, VERSION = "data", "policy.pth", "pytorch_variables", "_stable_baselines3_version"
_ADVICE = "use another file"
_CLASS_END = "'>"


def is_foreign(path: Path) -> bool:
    """Whether a file is a model that Stable-Baselines3 saved without SRL3."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return INFO_ENTRY not in names and DATA in names and WEIGHTS in names


def open_checkpoint(
    path: Path,
    said: Said = NOTHING_SAID,
    *,
    device: str = "cpu",
    note: Callable[[str], None] | None = None,
    only_to_act: bool = False,
) -> Checkpoint:
    """Read a checkpoint, or a model of Stable-Baselines3 or rl-zoo3, without running code from it.

    Args:
        path: the file.
        said: what the user says of it, where it does not say so itself.
        device: where its tensors go.
        note: takes sentences about what could not be read of a model's settings.
        only_to_act: as for `load_checkpoint`.

    Raises:
        UserError: when the file is missing, damaged, none of these, needs a pickle that is not trusted, or does not fit
            the world and algorithm that the user named.
    """
    if not is_foreign(path):
        return load_checkpoint(path, device, only_to_act=only_to_act)
    run = zoo_run(path.parent)
    algo, env_id = _named(path, run, said)
    algorithm = find_algo(algo).load_class()
    if not is_of_library(algorithm):
        able = ", ".join(name for name, entry in registered_rl.items() if is_of_library(entry.load_class()))
        raise UserError(f"{path} is of Stable-Baselines3, which has no {algo}; --algo is one of {able}.")
    data, tensors, version = _read(path, said, device)
    preset = configured(run)
    optimizers = [state for name, state in tensors.items() if name.endswith("optimizer")]
    hyperparams, unread = hyperparams_of(data, algorithm, {} if preset is None else preset.hyperparams, optimizers)
    if unread and note is not None:
        note(
            f"{', '.join(unread)} of {path} can only be read from a pickle (--trust-pickle), and will be as "
            "they are by default."
        )
    of_the_same = said.env is None or canonical_id(said.env) == env_id
    own_kwargs = {**({} if preset is None else preset.env_kwargs), **_zoo_kwargs(run)}
    env_kwargs = make_config(env_id, {**own_kwargs, **(said.env_kwargs if of_the_same else {})}).as_dict()
    observed, images, actions = _spaces(env_id, env_kwargs, Wrappers.of(hyperparams))
    num_stack = _stacked(data, observed, images) or (preset.num_stack if preset is not None else None) or 1
    _check_actions(data, actions, env_id)
    normalize, normalises = _statistics(path, run, preset, observed, images, said)
    if normalises["norm_obs"] and num_stack > 1:
        raise UserError(
            f"{path} observes {num_stack} stacked frames that were normalised before, and SRL3 normalises them after."
        )
    if any(normalises.values()):
        hyperparams["normalize"] = normalises if normalises["norm_reward"] else True
    seed = data.number("seed")
    info = CheckpointInfo(
        algo=algo,
        policy="feedforward",
        env_id=env_id,
        env_kwargs=env_kwargs,
        srl_model=env_kwargs["srl_model"],
        num_stack=num_stack,
        n_envs=hyperparams["n_envs"],
        seed=0 if seed is None else seed % 2**32,
        hyperparams=hyperparams,
        total_timesteps=data.number("_total_timesteps") or data.number("num_timesteps") or 0,
        observation_space=describe(stacked_space(observed, num_stack), images),
        action_space=describe(actions),
        versions={"stable_baselines3": version},
        num_timesteps=data.number("num_timesteps") or 0,
    )
    variables = tensors.pop(VARIABLES, None) or {}
    return Checkpoint(
        path, info, _as_today(tensors), variables, {"normalize": normalize, "encoder": None, "training": None}
    )


def check_said(checkpoint: Checkpoint, said: Said) -> None:
    """Raise `UserError` where the user names another algorithm or world than the file itself."""
    info = checkpoint.info
    if said.algo is not None and find_algo(said.algo).load_class() is not find_algo(info.algo).load_class():
        raise UserError(f"{checkpoint.path} was trained with {info.algo}, not with {said.algo}; leave out --algo.")
    if said.env is not None and canonical_id(said.env) != info.env_id:
        raise UserError(f"{checkpoint.path} was trained on {info.env_id}, not on {said.env}; leave out --env.")


def _named(path: Path, run: ZooRun | None, said: Said) -> tuple[str, str]:
    algo = (None if run is None else run.algo) or said.algo
    env = said.env if run is None else run.env
    missing = [flag for flag, value in (("--algo", algo), ("--env", env)) if value is None]
    if algo is None or env is None:
        raise UserError(
            f"{path} was saved by Stable-Baselines3 and does not say of what it is; add {' and '.join(missing)}."
        )
    return algo, canonical_id(env)


def _read(path: Path, said: Said, device: str) -> tuple[PlainData, dict[str, Any], str]:
    """Settings, tensors by name, and the version of Stable-Baselines3 that wrote them."""
    with damage_is_said(path, _ADVICE, ERRORS), zipfile.ZipFile(path) as archive:
        content = value_of(archive.read(DATA))
        if not isinstance(content, dict):
            raise ValueError(f"its {DATA} is no object")
        names = archive.namelist()
        tensors = {
            name.removesuffix(".pth"): tensors_of(archive.read(name), device) for name in names if name.endswith(".pth")
        }
        version = archive.read(VERSION).decode().strip() if VERSION in names else "unknown"
    return PlainData(path, content, said), tensors, version


def _zoo_kwargs(run: ZooRun | None) -> Mapping[str, Any]:
    """Parameters of the world that rl-zoo3 was given in ``--env-kwargs``."""
    kwargs = None if run is None else run.arguments().get("env_kwargs")
    found = dict(kwargs) if isinstance(kwargs, Mapping) else {}
    return {name: value for name, value in found.items() if name != "render_mode"}


def _spaces(
    env_id: str, env_kwargs: Mapping[str, Any], wrappers: Wrappers
) -> tuple[spaces.Space[Any], frozenset[str], spaces.Space[Any]]:
    """What the world observes in its wrappers, which of it are images, and its actions."""
    venv = create_envs(env_id, env_kwargs, normalize=False, raw_images=True, training=False, wrappers=wrappers)
    try:
        return venv.observation_space, image_paths(venv), venv.action_space
    finally:
        venv.close()


def _stacked(data: PlainData, observed: spaces.Space[Any], images: frozenset[str]) -> int | None:
    """How many frames the policy observes at once; None where its space does not tell.

    Raises:
        UserError: when it observes something else than this world shows.
    """
    shape = data.text("observation_space", "_shape")
    if not isinstance(observed, spaces.Box) or not isinstance(shape, list):
        return None
    own = list(observed.shape)
    saved = [*shape[1:], shape[0]] if ROOT in images and len(shape) == 3 and shape != own else list(shape)
    if saved == own:
        return 1
    if len(saved) == len(own) and saved[:-1] == own[:-1] and own[-1] and saved[-1] % own[-1] == 0:
        return int(saved[-1] // own[-1])
    raise UserError(
        f"{data.path} observes numbers of shape {'x'.join(map(str, shape))}, and this world shows "
        f"{in_words(describe(observed, images))}; name the world (and its parameters) in which it was trained."
    )


def _check_actions(data: PlainData, actions: spaces.Space[Any], env_id: str) -> None:
    what = describe(actions)
    kind = str(data.text("action_space", ":type:"))
    count, shape = data.text("action_space", "n"), data.text("action_space", "_shape")
    fits = kind == "None" or f".{what['type']}'" in kind
    if isinstance(actions, spaces.Discrete) and count is not None:
        fits = fits and str(count) == str(actions.n)
    elif isinstance(actions, spaces.Box) and isinstance(shape, list):
        fits = fits and shape == list(actions.shape)
    if not fits:
        size = f"of {count}" if count is not None else f"of shape {'x'.join(map(str, shape or ()))}"
        raise UserError(
            f"{data.path} acts with {kind.rpartition('.')[2].removesuffix(_CLASS_END)} actions {size}, and {env_id} "
            f"takes {in_words(what)}; name the world (and its parameters) in which it was trained."
        )


def _statistics(
    path: Path,
    run: ZooRun | None,
    preset: ZooPreset | None,
    observed: spaces.Space[Any],
    images: frozenset[str],
    said: Said,
) -> tuple[dict[str, Any] | None, dict[str, bool]]:
    """The statistics that go with a model, and what was normalised."""
    nothing = {"norm_obs": False, "norm_reward": False}
    file = next((each for name in STATISTICS if (each := path.parent / name).is_file()), None)
    if run is not None:
        file = run.statistics(path)
    if run is not None and preset is not None:
        asked = preset.hyperparams.get("normalize", False)
        chosen = asked if isinstance(asked, Mapping) else dict.fromkeys(nothing, bool(asked))
        if not chosen.get("norm_obs", True):
            rewards = bool(chosen.get("norm_reward", True))
            return (no_statistics() if rewards else None), {**nothing, "norm_reward": rewards}
        if file is None:
            raise UserError(f"{path} acts on normalised observations, and {run.settings / STATISTICS[0]} is missing.")
    return (None, nothing) if file is None else read_statistics(file, observed, images, said)


def _as_today(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors of earlier versions of Stable-Baselines3 as today's policies have them, as its own loader does it."""
    today = dict(tensors)
    policy = today.get("policy")
    if not isinstance(policy, Mapping):
        return today
    shared = {name: tensor for name, tensor in policy.items() if name.startswith("features_extractor.")}
    if shared and any(name.startswith("mlp_extractor.") for name in policy):  # before 1.7
        parts = {f"{part}_{name}": tensor for part in ("pi", "vf") for name, tensor in shared.items()}
        today["policy"] = {**parts, **policy}
    groups = today.get("policy.optimizer", {}).get("param_groups", [])
    online = [name for name in policy if "_target." not in name]
    if len(online) * 2 == len(policy) and [len(group["params"]) for group in groups] == [len(policy)]:  # before 2.4
        whole = {**groups[0], "params": groups[0]["params"][: len(online)]}
        today["policy.optimizer"] = {**today["policy.optimizer"], "param_groups": [whole]}
    return today
