"""Names that other systems give to the hyperparameters of `BatchedPPO`: rsl_rl's and mjlab's (old and new), Brax's and
MuJoCo Playground's, rl_games' and those of DexHand."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from srl3.errors import UserError, unknown_name

Translation = Callable[[Any, Mapping[str, Any]], dict[str, Any]]
"""From a value, and all values beside it, to SRL3's hyperparameters; what is of ``policy_kwargs`` has a dotted name."""

ACTIVATIONS = {
    "elu": "ELU",
    "relu": "ReLU",
    "lrelu": "LeakyReLU",
    "leaky_relu": "LeakyReLU",
    "tanh": "Tanh",
    "gelu": "GELU",
    "silu": "SiLU",
    "swish": "SiLU",
    "softplus": "Softplus",
}
_PRIVATE = "policy_kwargs."


def _as(name: str) -> Translation:
    return lambda value, beside: {name: value}


def _layers(part: str) -> Translation:
    def translate(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
        sizes = [int(size) for size in value.split(",")] if isinstance(value, str) else value
        sizes = [sizes] if isinstance(sizes, int) else list(sizes)
        parts = ("pi", "vf") if part == "both" else (part,)
        return {f"{_PRIVATE}net_arch.{one}": sizes for one in parts}

    return translate


def _activation(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    if str(value).lower() not in ACTIVATIONS and value not in ACTIVATIONS.values():
        raise unknown_name("activation", str(value), ACTIVATIONS)
    return {f"{_PRIVATE}activation_fn": ACTIVATIONS.get(str(value).lower(), value)}


def _noise_std(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise UserError(f"the initial standard deviation of the actions must be more than 0, not {value!r}.")
    return {f"{_PRIVATE}log_std_init": math.log(value)}


def _schedule(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    if value == "fixed":
        return {"desired_kl": None}
    if value != "adaptive":
        raise UserError(f"schedule must be adaptive or fixed, not {value!r}.")
    return {} if "desired_kl" in beside else {"desired_kl": 0.01}


def _clipped_value(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    return {"clip_range_vf": beside.get("clip_param", beside.get("clip_range", 0.2)) if _is_true(value) else None}


def _std_type(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    return {"std_type": "state" if value in ("heteroscedastic", "state_dependent") else value}


def _normalize_observations(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {
        _is_true(beside[name]) for name in ("actor_obs_normalization", "critic_obs_normalization") if name in beside
    }
    if len(wanted) > 1:
        raise UserError("batched_ppo normalises the observations of actor and critic alike; set both to the same.")
    return {"normalize_observations": _is_true(value)}


def _distribution(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    known = {"init_std", "std_type", "class_name"}
    if not isinstance(value, Mapping) or not set(value) <= known:
        raise UserError(f"distribution_cfg takes {', '.join(sorted(known))}, not {value!r}.")
    result: dict[str, Any] = {}
    if "init_std" in value:
        result |= _noise_std(value["init_std"], beside)
    if "std_type" in value:
        result |= _std_type(value["std_type"], beside)
    return result


def _rnd(value: Any, beside: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {"rnd": value}
    return {"rnd": {("weight_per_second" if name == "weight" else name): each for name, each in value.items()}}


def _is_true(value: Any) -> bool:
    return value.lower() == "true" if isinstance(value, str) else bool(value)


RSL_RL: dict[str, Translation] = {
    # the policy, as RslRlPpoActorCriticCfg (mjlab before 1.0) and RslRlModelCfg (since) have it
    "init_noise_std": _noise_std,
    "init_std": _noise_std,
    "noise_std_type": _std_type,
    "distribution_cfg": _distribution,
    "actor_obs_normalization": _normalize_observations,
    "critic_obs_normalization": _normalize_observations,
    "obs_normalization": _normalize_observations,
    "empirical_normalization": _normalize_observations,
    "actor_hidden_dims": _layers("pi"),
    "critic_hidden_dims": _layers("vf"),
    "hidden_dims": _layers("both"),
    "activation": _activation,
    "rnn_num_layers": _as("rnn_num_layers"),
    # the algorithm, RslRlPpoAlgorithmCfg
    "num_learning_epochs": _as("n_epochs"),
    "num_mini_batches": _as("nminibatches"),
    "schedule": _schedule,
    "lam": _as("gae_lambda"),
    "entropy_coef": _as("ent_coef"),
    "value_loss_coef": _as("vf_coef"),
    "use_clipped_value_loss": _clipped_value,
    "clip_param": _as("clip_range"),
    "normalize_advantage_per_mini_batch": _as("normalize_advantage_per_minibatch"),
    "rnd_cfg": _rnd,
    # the runner, RslRlOnPolicyRunnerCfg
    "num_steps_per_env": _as("n_steps"),
    "num_envs": _as("n_envs"),
}
"""Fields of rsl_rl and mjlab."""

BRAX: dict[str, Translation] = {
    "reward_scaling": _as("reward_scale"),
    "normalize_observations": _as("normalize_observations"),
    "unroll_length": _as("n_steps"),
    "num_envs": _as("n_envs"),
    "discounting": _as("gamma"),
    "entropy_cost": _as("ent_coef"),
    "num_minibatches": _as("nminibatches"),
    "num_updates_per_batch": _as("n_epochs"),
    "clipping_epsilon": _as("clip_range"),
    "policy_hidden_layer_sizes": _layers("pi"),
    "value_hidden_layer_sizes": _layers("vf"),
}
"""Flags of Brax's trainer, of MuJoCo Playground's and of the ParaHand's."""

DEXHAND: dict[str, Translation] = {
    "horizon_length": _as("n_steps"),
    "minibatch_size": _as("batch_size"),
    "mini_epochs": _as("n_epochs"),
    "tau": _as("gae_lambda"),
    "e_clip": _as("clip_range"),
    "kl_threshold": _as("desired_kl"),
    "grad_norm": _as("max_grad_norm"),
    "critic_coef": _as("vf_coef"),
    "num_actors": _as("n_envs"),
    "normalize_input": _as("normalize_observations"),
}
"""Keys of rl_games' configurations, which DexHand's and IsaacGymEnvs' are."""

ELSEWHERE: dict[str, str] = {
    "max_iterations": "--num-timesteps (iterations x n_steps x n_envs)",
    "num_timesteps": "--num-timesteps",
    "save_interval": "--save-freq (in steps)",
    "experiment_name": "--log-dir",
    "run_name": "--suffix",
    "logger": "--track",
    "wandb_project": "--track wandb",
    "resume": "--resume",
    "load_run": "--load-rl-model-path",
    "load_checkpoint": "--load-rl-model-path",
    "seed": "--seed",
    "device": "--device",
    "num_evals": "--num-evals",
    "episode_length": "the world's max_steps",
    "action_repeat": "the world's action_repeat",
}
"""Fields that are no hyperparameters here, and what to use."""

TABLES = {"rsl_rl and mjlab": RSL_RL, "Brax and MuJoCo Playground": BRAX, "rl_games and DexHand": DEXHAND}


def translated(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """``values`` by SRL3's names; names that are SRL3's already stay.

    Args:
        values: hyperparameters by any of the names in `TABLES`.
        where: what messages say of their origin.

    Raises:
        UserError: for one that is set twice, by two names, or is no hyperparameter here.
    """
    result: dict[str, Any] = {}
    origins: dict[str, str] = {}
    policy_kwargs: dict[str, Any] = dict(values.get("policy_kwargs") or {})
    for name, value in values.items():
        if name in ELSEWHERE:
            raise UserError(f"{where}: {name} is no hyperparameter here; use {ELSEWHERE[name]}.")
        if name == "policy_kwargs":
            continue
        translation = next((table[name] for table in TABLES.values() if name in table), None)
        for ours, given in ({name: value} if translation is None else translation(value, values)).items():
            if ours in origins and origins[ours] != name and result.get(ours) != given:
                raise UserError(f"{where} sets {ours} twice, by {origins[ours]} and by {name}; set it once.")
            origins[ours] = name
            result[ours] = given
    for name in [name for name in result if name.startswith(_PRIVATE)]:
        _put(policy_kwargs, name.removeprefix(_PRIVATE).split("."), result.pop(name))
    if policy_kwargs or "policy_kwargs" in values:
        result["policy_kwargs"] = policy_kwargs or values["policy_kwargs"]
    return result


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        below = tree.get(name)
        tree[name] = dict(below) if isinstance(below, Mapping) else {}
        tree = tree[name]
    tree[path[-1]] = value
