"""Services that keep track of runs: Weights & Biases and MLflow. Neither is imported before it is used."""

import logging
import os
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from environments.foreign import escaped_id
from rl_baselines.runs.layouts import log_folder
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError

TRACKERS = {"wandb": "wandb", "mlflow": "mlflow"}
"""the packages behind ``--track``; the extras of SRL3 have the same names"""
PROJECT = "srl3"
"""project (W&B) or experiment (MLflow), where the service's own variable names no other"""
_MLFLOW_PARAMS_AT_ONCE = 100
_MLFLOW_LONGEST = 6000
_MLFLOW_STATUS = {0: "FINISHED", 1: "FAILED"}
"""by exit status; others are of a signal"""


class Tracker(Protocol):
    """A run of a tracking service."""

    identity: str
    """by which the service knows it"""
    where: str
    """what to do to see it"""

    def scalars(self, values: Mapping[str, float], timesteps: int) -> None:
        """Note numbers after so many timesteps."""

    def file(self, path: Path) -> None:
        """Keep a copy of a file as it is now."""

    def finish(self, exit_status: int) -> None:
        """End the run; 0 for a training that did all its steps."""


def check_tracker(name: str | None) -> None:
    """Raise `UserError` unless the package of this tracker is installed."""
    if name is None:
        return
    spec = find_spec(TRACKERS[name])
    if spec is None or spec.origin is None:  # a mere folder of that name has no origin
        raise UserError(f"--track {name} needs the package {name}; install the extra: pip install 'srl3[{name}]'.")


def start_tracker(name: str, run: RunFolder, config: Mapping[str, Any]) -> Tracker:
    """Begin a run of the service, or go on with the one that the run folder names.

    Args:
        name: key of `TRACKERS`.
        run: the run folder; the service's run is called as it is, and noted in it.
        config: flags (``env``, ``srl_model`` and ``algo`` among them), hyperparameters and so on.

    Raises:
        UserError: when the service does not let it begin.
    """
    saved = run.read_yaml(run.tracking) if run.tracking.is_file() else {}
    services: dict[str, type[_Wandb] | type[_Mlflow]] = {"wandb": _Wandb, "mlflow": _Mlflow}
    try:
        tracker = services[name](run, config, saved.get(name))
    except Exception as error:  # whatever the service's client raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"tracking by {name} can't begin ({reason}); {_ADVICE[name]}, or train without it.") from None
    run.write_yaml(run.tracking, {**saved, name: tracker.identity})
    return tracker


_ADVICE = {
    "wandb": "log in with `wandb login`, or set WANDB_MODE=offline",
    "mlflow": "check MLFLOW_TRACKING_URI",
}


class _Wandb:
    """W&B's client talks to a process of its own, so no call waits for the network."""

    def __init__(self, run: RunFolder, config: Mapping[str, Any], identity: Any) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        self._wandb = wandb
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.path.name,
            group=" ".join((escaped_id(config["env"]), config["srl_model"], config["algo"])),
            id=identity,
            resume=None if identity is None else "allow",
            dir=str(run.path),
            config=dict(config),
            # the console is in train.log, and W&B must not stand between it and the terminal
            settings=wandb.Settings(silent=True, console="off"),
        )
        self._run.define_metric("timesteps", hidden=True)
        self._run.define_metric("*", step_metric="timesteps")
        self.identity = self._run.id
        offline = self._run.settings.mode == "offline"
        self.where = f"wandb sync {Path(self._run.dir).parent}" if offline else str(self._run.url)

    def scalars(self, values: Mapping[str, float], timesteps: int) -> None:
        self._run.log({**values, "timesteps": timesteps})

    def file(self, path: Path) -> None:
        kind = "model" if path.suffix == ".zip" else "file"
        artifact = self._wandb.Artifact(f"{self.identity}-{path.stem}", type=kind)
        artifact.add_file(str(path))
        self._run.log_artifact(artifact)

    def finish(self, exit_status: int) -> None:
        self._run.finish(exit_code=exit_status)


class _Mlflow:
    """MLflow's client waits for its server or database."""

    def __init__(self, run: RunFolder, config: Mapping[str, Any], identity: Any) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault(
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2"
        )  # its 7 take four minutes to say that nobody is there
        import mlflow
        from mlflow.entities import Metric, Param

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        self._metric = Metric
        log_dir = log_folder(run, config["env"], config["srl_model"], config["algo"])
        own = f"sqlite:///{log_dir / 'mlflow.db'}"
        uri = os.environ.get("MLFLOW_TRACKING_URI") or own
        self._client = mlflow.MlflowClient(tracking_uri=uri)
        if identity is None:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
            experiment = self._client.get_experiment_by_name(name)
            artifacts = (log_dir / "mlartifacts").as_uri() if uri == own else None
            number = experiment.experiment_id if experiment else self._client.create_experiment(name, artifacts)
            identity = self._client.create_run(number, run_name=run.path.name).info.run_id
            flat = [Param(key, str(value)[:_MLFLOW_LONGEST]) for key, value in _flat(config)]
            for first in range(0, len(flat), _MLFLOW_PARAMS_AT_ONCE):
                self._client.log_batch(identity, params=flat[first : first + _MLFLOW_PARAMS_AT_ONCE])
        else:
            self._client.update_run(identity, status="RUNNING")
        self.identity = identity
        self.where = f"mlflow ui --backend-store-uri {uri}" if uri.startswith("sqlite") else f"{uri}, run {identity}"

    def scalars(self, values: Mapping[str, float], timesteps: int) -> None:
        now = int(time.time() * 1000)
        metrics = [self._metric(name, value, now, timesteps) for name, value in values.items()]
        self._client.log_batch(self.identity, metrics=metrics)

    def file(self, path: Path) -> None:
        self._client.log_artifact(self.identity, str(path))

    def finish(self, exit_status: int) -> None:
        self._client.set_terminated(self.identity, _MLFLOW_STATUS.get(exit_status, "KILLED"))


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """``a.b`` and its value for every leaf."""
    pairs: list[tuple[str, Any]] = []
    for name, value in config.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(f"{prefix}{name}", value)]
    return pairs
