"""Mirroring a training into a tracking service: what arrives there, and that the training does not depend on it."""

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from rl_baselines import train
from rl_baselines.runs.monitors import read_run
from rl_baselines.runs.run_folder import RunFolder, find_runs
from rl_baselines.tracking.trackers import check_tracker
from rl_baselines.tracking.tracking import Tracking, TrackingCallback
from srl3.errors import UserError

FLAGS = (
    *("--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--num-cpu", "2", "--no-vis", "--no-progress"),
    *("--hyperparam", "n_steps:50", "--env-kwargs", "max_steps:20", "--min-episodes-save", "1", "--save-freq", "200"),
)
needs_wandb = pytest.mark.skipif(find_spec("wandb") is None, reason="needs the extra [wandb]")
needs_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs the extra [mlflow]")


class Notebook:
    """A tracker that remembers.

    Attributes:
        noted: what it was told, in order.
        fails_on: raises at this one.
        gate: every call waits for it.
    """

    where = identity = "nowhere"

    def __init__(self, fails_on: str = "") -> None:
        self.noted: list[tuple[object, ...]] = []
        self.fails_on = fails_on
        self.gate = threading.Event()
        self.gate.set()

    def _note(self, what: str, *details: object) -> None:
        self.gate.wait(10)
        if what == self.fails_on:
            raise ConnectionError("the network is down\nand more")
        self.noted.append((what, *details))

    def scalars(self, values: Mapping[str, float], timesteps: int) -> None:
        self._note("scalars", dict(values), timesteps)

    def file(self, path: Path) -> None:
        self._note("file", path.name)

    def finish(self, exit_status: int) -> None:
        self._note("finish", exit_status)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.checkpoints.mkdir(parents=True)
    return folder


def test_calls_arrive_in_order(run):
    notebook = Notebook()
    tracking = Tracking("test", run, notebook)
    for step in range(50):
        tracking.scalars({"x": step}, step)
    tracking.finish(0)
    tracking.finish(1)
    assert notebook.noted == [*(("scalars", {"x": step}, step) for step in range(50)), ("finish", 0)]


def test_files_are_copied_when_they_have_changed(run):
    notebook = Notebook()
    tracking = Tracking("test", run, notebook)
    run.checkpoint(100).touch()
    run.best_model.touch()
    tracking.mirror()
    tracking.mirror()
    run.checkpoint(200).touch()
    tracking.mirror()
    run.latest.touch()
    tracking.finish(0)
    assert [name for _, name in notebook.noted] == [
        "model_100_steps.zip", "model_200_steps.zip", "latest.zip", "best_model.zip", 0,
    ]  # fmt: skip


def test_one_warning_and_then_nothing(run, capsys):
    notebook = Notebook(fails_on="file")
    tracking = Tracking("test", run, notebook)
    tracking.scalars({"x": 1}, 1)
    for steps in (100, 200):
        run.checkpoint(steps).touch()
        tracking.mirror()
    tracking.scalars({"x": 2}, 2)
    tracking.finish(0)
    assert notebook.noted == [("scalars", {"x": 1}, 1)]
    assert capsys.readouterr().err == (
        "warning: tracking by test ends here (the network is down); the training goes on.\n"
    )


def test_a_service_that_does_not_answer_is_not_waited_for(run, capsys):
    notebook = Notebook()
    notebook.gate.clear()
    tracking = Tracking("test", run, notebook, last_seconds=0.2)
    tracking.scalars({"x": 1}, 1)
    assert notebook.noted == [], "the training goes on before it is noted"
    tracking.finish(0)
    assert "ends here (it did not answer for 0 s); the training goes on" in capsys.readouterr().err
    notebook.gate.set()


def test_a_training_is_mirrored(small_train, monkeypatch):
    notebook = Notebook()
    monkeypatch.setattr("rl_baselines.tracking.tracking.start_tracker", lambda *_: notebook)
    tracked = small_train(*FLAGS, "--num-timesteps", "400", "--track", "wandb")
    scalars = [(details[0], details[1]) for what, *details in notebook.noted if what == "scalars"]
    assert [timesteps for _, timesteps in scalars] == [100, 200, 300, 400]
    rows = tracked.progress.read_text().splitlines()
    assert scalars[-1][0]["rollout/ep_rew_mean"] == pytest.approx(
        float(dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))["rollout/ep_rew_mean"])
    )
    files = {details[0] for what, *details in notebook.noted if what == "file"}
    assert files - {"model_400_steps.zip"} == {
        "model_200_steps.zip", "best_model.zip", "latest.zip", "learning_curve.png",
    }  # fmt: skip
    assert notebook.noted[-1] == ("finish", 0)
    assert train.make_parser().parse_args([]).track == "none"


def test_a_training_outlives_its_tracking(small_train, monkeypatch, capsys):
    monkeypatch.setattr("rl_baselines.tracking.tracking.start_tracker", lambda *_: Notebook(fails_on="scalars"))
    tracked = small_train(*FLAGS, "--num-timesteps", "400", "--track", "mlflow")
    assert capsys.readouterr().err.count("warning: tracking by mlflow ends here (the network is down)") == 1
    plain = small_train(*FLAGS, "--num-timesteps", "400")
    assert np.array_equal(read_run(tracked.path).returns, read_run(plain.path).returns), "the same curve"


def test_text_and_switches_are_no_scalars(run):
    from stable_baselines3.common.logger import Logger

    class Model:
        logger = Logger(None, [])

    notebook = Notebook()
    callback = TrackingCallback(Tracking("test", run, notebook))
    callback.model = Model()  # type: ignore[assignment]
    callback._on_training_start()
    for name, value in {"a": 1, "b": np.float32(0.5), "c": "text", "d": True}.items():
        Model.logger.record(name, value)
    Model.logger.dump(7)
    callback.tracking.finish(0)
    assert notebook.noted[0] == ("scalars", {"a": 1.0, "b": 0.5}, 7)


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_package_is_named_before_anything_is_written(name, tmp_path, monkeypatch):
    monkeypatch.setattr("rl_baselines.tracking.trackers.find_spec", lambda _: None)
    with pytest.raises(UserError) as raised:
        train.main([*FLAGS, "--log-dir", str(tmp_path / "logs"), "--track", name])
    assert (
        str(raised.value) == f"--track {name} needs the package {name}; install the extra: pip install 'srl3[{name}]'."
    )
    assert list(tmp_path.iterdir()) == []
    check_tracker(None)


@needs_wandb
def test_a_service_that_lets_no_run_begin(tmp_path, monkeypatch):
    import wandb

    def refuse(**_: object) -> None:
        raise wandb.errors.UsageError("api_key not configured")

    monkeypatch.setattr("wandb.init", refuse)
    with pytest.raises(UserError, match=r"can't begin \(api_key not configured\); log in with `wandb login`, or set"):
        train.main([*FLAGS, "--log-dir", str(tmp_path / "logs"), "--track", "wandb"])
    assert list(tmp_path.iterdir()) == []


@needs_wandb
def test_wandb_offline(small_train, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_MODE", "offline")
    tracked = small_train(*FLAGS, "--num-timesteps", "300", "--track", "wandb", "--seed", "3")
    assert f"tracked by wandb: wandb sync {tracked.path}/wandb/offline-run-" in capsys.readouterr().out
    history, config, artifacts = read_wandb(tracked.path)
    assert [row["timesteps"] for row in history] == [100, 200, 300]
    assert all("rollout/ep_rew_mean" in row for row in history)
    assert config["seed"] == 3
    assert config["hyperparams"]["n_steps"] == 50
    assert config["env_kwargs"]["max_steps"] == 20
    assert [run.path for run in find_runs(tracked.path.parents[3])] == [tracked.path], "copies are no runs"
    assert {name.partition("-")[2] for name in artifacts} >= {"best_model", "latest", "model_200_steps"}


def read_wandb(folder: Path):
    """History rows, configuration and artifact names that an offline run holds."""
    from wandb.proto.wandb_internal_pb2 import Record
    from wandb.sdk.internal.datastore import DataStore

    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    records: list[Record] = []
    deadline = time.monotonic() + 60
    while not any(record.HasField("exit") for record in records):  # W&B's own process writes, and may be behind
        assert time.monotonic() < deadline, f"{file} has no end"
        time.sleep(0.05)
        store = DataStore()
        with contextlib.suppress(AssertionError):  # half a record
            store.open_for_scan(str(file))
            records = [Record.FromString(data) for data in iter(store.scan_data, None)]
        store.close()
    history, config, artifacts = [], {}, []
    for record in records:
        if record.HasField("history"):
            items = {item.key or ".".join(item.nested_key): item.value_json for item in record.history.item}
            history.append({key: json.loads(value) for key, value in items.items()})
        if record.HasField("run"):
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        if record.HasField("request") and record.request.HasField("log_artifact"):
            artifacts.append(record.request.log_artifact.artifact.name)
        if record.HasField("artifact"):
            artifacts.append(record.artifact.name)
    return history, config, artifacts


@needs_mlflow
def test_mlflow_in_a_local_database(small_train, monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tracked = small_train(*FLAGS, "--num-timesteps", "300", "--track", "mlflow", "--seed", "3")
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path / 'logs' / 'mlflow.db'}")
    number = tracked.read_yaml(tracked.tracking)["mlflow"]
    run = client.get_run(number)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == tracked.path.name
    assert run.data.params["seed"] == "3"
    assert run.data.params["hyperparams.n_steps"] == "50"
    assert [metric.step for metric in client.get_metric_history(number, "rollout/ep_rew_mean")] == [100, 200, 300]
    names = {artifact.path for artifact in client.list_artifacts(number)}
    assert names >= {"best_model.zip", "latest.zip", "model_200_steps.zip", "learning_curve.png"}
    copied = tmp_path / "logs" / "mlartifacts" / number / "artifacts" / "latest.zip"
    assert copied.read_bytes() == tracked.latest.read_bytes()
    assert [run.path for run in find_runs(tmp_path)] == [tracked.path], "copies are no runs"
