"""rl_games' configurations, as DexHand and IsaacGymEnvs have them: flat, or nested below ``params``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rl_baselines.front_doors.shared.table import truth
from srl3.errors import UserError
from srl3.formats.yaml import read_by_hand

RUNNING = {"max_epochs": "iterations", "max_iterations": "iterations", "save_frequency": "save_iterations"}
"""keys that are choices of the training, not hyperparameters"""
WITHOUT_EFFECT = {
    "name", "full_experiment_name", "env_name", "env_config", "ppo", "multi_gpu", "mixed_precision", "device",
    "device_name", "value_bootstrap", "normalize_value", "normalize_advantage", "score_to_win", "max_frames",
    "save_best_after", "print_stats", "truncate_grads", "use_smooth_clamp", "seq_len", "bounds_loss_coef",
    "load_checkpoint", "load_path", "player", "clip_actions", "zero_rnn_on_done", "use_diagnostics",
}  # fmt: skip
"""keys of rl_games that say what always or never holds here"""


@dataclass
class GamesConfig:
    """What such a configuration says."""

    hyperparameters: dict[str, Any] = field(default_factory=dict)
    """by any name that the algorithm understands"""
    running: dict[str, int] = field(default_factory=dict)
    """choices of the request"""
    ignored: list[str] = field(default_factory=list)
    """keys without effect here"""

    def put(self, name: str, value: Any, where: str) -> None:
        """Note a key of ``params.config`` or of a flat file.

        Raises:
            UserError: for a value that can't be.
        """
        if name in RUNNING:
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UserError(f"{where}: {name} must be a whole number of at least 1, not {value!r}.")
            self.running[RUNNING[name]] = value
        elif name == "lr_schedule":
            self._schedule(value, where)
        elif name == "reward_shaper":
            scale = value.get("scale_value", 1) if isinstance(value, Mapping) else value
            self.hyperparameters["reward_scale"] = scale
        elif name == "clip_value":
            self.hyperparameters["use_clipped_value_loss"] = truth(str(value))
        elif name in WITHOUT_EFFECT:
            self.ignored.append(name)
        else:
            self.hyperparameters[name] = value

    def _schedule(self, value: Any, where: str) -> None:
        if value in (None, "None", "identity"):
            self.hyperparameters["desired_kl"] = None
        elif value == "linear":
            self.hyperparameters["desired_kl"] = None
            rate = self.hyperparameters.get("learning_rate")
            if rate is not None:
                self.hyperparameters["learning_rate"] = f"lin_{rate}"
        elif value != "adaptive":
            raise UserError(f"{where}: lr_schedule must be adaptive, linear or null, not {value!r}.")

    def settle(self) -> None:
        """Leave out the threshold of a schedule that is not adaptive."""
        if "desired_kl" in self.hyperparameters:
            self.hyperparameters.pop("kl_threshold", None)


def read_games_config(path: Path, shown: str) -> GamesConfig:
    """Read ``--train-config``.

    Args:
        path: the file.
        shown: what messages call it.

    Raises:
        UserError: when it can't be read, or holds what can't be.
    """
    content = read_by_hand(path, "--train-config takes rl_games' keys, such as learning_rate: 3.0e-4")
    found = GamesConfig()
    if not isinstance(content, Mapping | None):
        raise UserError(f"{shown} must be a mapping of hyperparameters, such as learning_rate: 3.0e-4.")
    params = (content or {}).get("params")
    flat = content if params is None else params.get("config") if isinstance(params, Mapping) else None
    if not isinstance(flat, Mapping | None):
        raise UserError(f"{shown}: params must have a mapping config, as rl_games' files do.")
    items = dict(flat or {})
    schedule = items.pop("lr_schedule", "adaptive")
    for name, value in items.items():
        found.put(str(name), value, shown)
    if "lr_schedule" in (flat or {}):
        found.put("lr_schedule", schedule, shown)
    if isinstance(params, Mapping):
        _network(params, found, shown)
    found.settle()
    return found


def _network(params: Mapping[str, Any], found: GamesConfig, shown: str) -> None:
    """Sizes and activation of ``params.network.mlp``."""
    network = params.get("network") or {}
    mlp = network.get("mlp") if isinstance(network, Mapping) else None
    if not isinstance(mlp, Mapping):
        return
    if "units" in mlp:
        found.hyperparameters["hidden_dims"] = mlp["units"]
    if "activation" in mlp:
        found.hyperparameters["activation"] = mlp["activation"]


def fit_minibatches(hyperparameters: dict[str, Any], n_envs: int) -> str | None:
    """Let minibatches be no larger than an iteration, and divide it.

    Args:
        hyperparameters: by rl_games' names; changed.
        n_envs: environments.

    Returns:
        a sentence on what was changed; None when nothing was.
    """
    wanted, steps = hyperparameters.get("minibatch_size"), hyperparameters.get("horizon_length")
    if not (isinstance(wanted, int) and isinstance(steps, int)) or wanted < 1 or steps < 1:
        return None
    samples = n_envs * steps
    if samples % wanted == 0:
        return None
    fitting = next(size for size in range(min(wanted, samples), 0, -1) if samples % size == 0)
    hyperparameters["minibatch_size"] = fitting
    return (
        f"minibatch_size: {samples} samples ({n_envs} environments x horizon_length {steps}) do not divide by "
        f"{wanted}; {fitting} is taken."
    )
