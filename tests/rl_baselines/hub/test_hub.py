"""Models go to a hub and come back: against a server of the same interface, as its own client speaks to it."""

import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import stable_baselines3 as sb3
import yaml

from rl_baselines import enjoy, load_from_hub, push_to_hub, train
from rl_baselines.checkpoints.foreign.opened import open_checkpoint
from rl_baselines.plots.runs import load_runs
from rl_baselines.runs.run_folder import find_checkpoint, find_run, find_runs
from srl3.errors import UserError
from tests.rl_baselines.checkpoints.zoo_files import write_zoo_run
from tests.rl_baselines.hub.stand_in import TOKEN, StandIn

constants = pytest.importorskip("huggingface_hub.constants", reason="needs the extra hub")
WORLD = "MobileRobotGymEnv-v0"
POLE = "CartPole-v1"
WHAT = ["--algo", "ppo2", "--env", WORLD]
FEW = ["--n-eval-episodes", "2", "-n", "5", "--verbose", "0"]


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """One short run."""
    folder = tmp_path_factory.mktemp("hub") / "logs"
    argv = ["--env", WORLD, "--srl-model", "ground_truth", "--no-vis", "--no-progress", "--log-dir", str(folder)]
    assert train.main([*argv, "--num-timesteps", "512", "--save-freq", "256", "--env-kwargs", "max_steps:50"]) == 0
    return folder


@pytest.fixture
def server(monkeypatch, tmp_path):
    """The stand-in, and a client that knows it, its token and nothing of the user's."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name in ("HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with StandIn() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server


@pytest.fixture(scope="module")
def written(logs):
    """The repository that ``--dry-run`` writes."""
    folder = logs.parent / "look"
    assert push_to_hub.main([*WHAT, "-f", str(logs), *FEW, "-orga", "my-lab", "--dry-run", str(folder)]) == 0
    return folder


def test_a_dry_run_writes_the_repository(written, logs):
    run = find_run(str(logs))
    there = {path.name for path in written.iterdir()}
    own = {"args.yaml", "env_kwargs.yaml", "train_config.yaml", "versions.yaml", "learning_curve.png"}
    assert there == {f"ppo2-{WORLD}.zip", "README.md", "results.json", "replay.mp4", "train_eval_metrics.zip", *own}
    checkpoint = find_checkpoint(str(run.path))
    assert (written / f"ppo2-{WORLD}.zip").read_bytes() == checkpoint.read_bytes()
    results = json.loads((written / "results.json").read_text())
    assert len(results["returns"]) == results["n_eval_episodes"] == 2
    assert results["is_deterministic"] is False
    with zipfile.ZipFile(written / "train_eval_metrics.zip") as archive:
        assert sorted(archive.namelist()) == ["0.monitor.csv", "progress.csv"]


def test_the_card_says_what_it_earns_and_how_to_use_it(written):
    text = (written / "README.md").read_text(encoding="utf-8")
    _, metadata, body = text.split("---\n", 2)
    (entry,) = yaml.safe_load(metadata)["model-index"]
    results = json.loads((written / "results.json").read_text())
    metric = entry["results"][0]["metrics"][0]
    assert (entry["name"], metric["type"]) == ("PPO", "mean_reward")
    assert metric["value"] == f"{results['mean_reward']:.2f} +/- {results['std_reward']:.2f}"
    assert f"python -m rl_baselines.load_from_hub --algo ppo2 --env {WORLD} -orga my-lab -f logs" in body
    assert "from stable_baselines3 import PPO\n" in body
    assert "max_steps: 50" in body
    for file in written.iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in body


def test_there_and_back(server, logs, tmp_path, capsys):
    assert push_to_hub.main([*WHAT, "-f", str(logs), *FEW, "-orga", "my-lab", "-m", "Second try", "--no-render"]) == 0
    repository = f"my-lab/ppo2-{WORLD}"
    assert server.messages == {repository: ["Second try"]}
    assert "replay.mp4" not in server.repositories[repository]
    fetched = tmp_path / "fetched"
    assert load_from_hub.main([*WHAT, "-f", str(fetched), "-orga", "my-lab", "--verbose", "0"]) == 0
    run = find_run(str(fetched))
    assert run.path.parent == fetched / WORLD / "ground_truth" / "ppo2"
    assert run.best_model.read_bytes() == find_checkpoint(str(logs)).read_bytes()
    assert not list(run.path.glob("**/.cache"))
    theirs, ours = (load_runs([folder])[0] for folder in (logs, fetched))
    assert theirs.episodes.returns.tolist() == ours.episodes.returns.tolist()
    capsys.readouterr()
    returns = []
    for folder in (logs, fetched):
        assert enjoy.main(["--log-dir", str(folder), "--num-episodes", "2", "--json"]) == 0
        returns.append(json.loads(capsys.readouterr().out)["returns"])
    assert returns[0] == returns[1]


@pytest.fixture
def zoo_repository(server, tmp_path):
    """What rl-zoo3's ``push_to_hub`` sends."""
    model, folder = write_zoo_run(tmp_path / "zoo", "a2c", POLE, sb3.A2C, steps=64, n_steps=4)
    metrics = io.BytesIO()
    with zipfile.ZipFile(metrics, "w") as archive:
        for path in folder.glob("*.csv"):
            archive.write(path, path.name)
        archive.writestr("../outside.csv", "no")
        archive.writestr("surprise.py", "no")
    server.repositories[f"sb3/a2c-{POLE}"] = {
        "README.md": b"# A2C",
        f"a2c-{POLE}.zip": (folder / f"{POLE}.zip").read_bytes(),
        f"a2c-{POLE}/policy.pth": b"unpacked there too",
        "args.yml": (folder / POLE / "args.yml").read_bytes(),
        "config.yml": (folder / POLE / "config.yml").read_bytes(),
        "env_kwargs.yml": b"{}\n",
        "replay.mp4": b"a film",
        "train_eval_metrics.zip": metrics.getvalue(),
    }
    return model


def test_a_model_of_rl_zoo3_comes_as_its_run_folder(zoo_repository, tmp_path, capsys):
    argv = ["--algo", "a2c", "--env", POLE, "-f", str(tmp_path / "agents"), "--verbose", "0"]
    assert load_from_hub.main(argv) == 0
    run = tmp_path / "agents" / "a2c" / f"{POLE}_1"
    there = sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    inner = [f"{POLE}/{name}" for name in ("args.yml", "config.yml", "env_kwargs.yml")]
    assert there == sorted([f"{POLE}.zip", "0.monitor.csv", "1.monitor.csv", *inner])
    checkpoint = open_checkpoint(find_checkpoint(str(run)))
    theirs = zoo_repository.policy.state_dict()
    assert all((checkpoint.parameters["policy"][name] == tensor).all() for name, tensor in theirs.items())
    assert enjoy.main(["--log-dir", str(run), "--num-episodes", "1"]) == 0
    assert load_from_hub.main(argv) == 0
    assert (run.parent / f"{POLE}_2").is_dir()
    with pytest.raises(UserError, match="is there already; give --force"):
        load_from_hub.main([*argv, "--exp-id", "1"])
    (run / "mine.txt").touch()
    assert load_from_hub.main([*argv, "--exp-id", "1", "--force"]) == 0
    assert not (run / "mine.txt").exists()
    assert sorted(path.name for path in run.parent.iterdir()) == [f"{POLE}_1", f"{POLE}_2"]


def test_a_bad_model_leaves_nothing(server, written, tmp_path):
    repository = f"my-lab/ppo2-{WORLD}"
    files = {path.name: path.read_bytes() for path in written.iterdir()}
    fetch = [*WHAT, "-f", str(tmp_path / "fetched"), "-orga", "my-lab", "--verbose", "0"]
    good = files[f"ppo2-{WORLD}.zip"]
    for content, sentence in [
        (good[: len(good) // 2], "can't be used: .*not a whole zip file|can't be used"),
        (b"not a zip", "can't be used"),
    ]:
        server.repositories[repository] = {**files, f"ppo2-{WORLD}.zip": content}
        with pytest.raises(UserError, match=sentence):
            load_from_hub.main(fetch)
    server.repositories[repository] = {**files, "train_eval_metrics.zip": b"PK"}
    with pytest.raises(UserError, match=r"train_eval_metrics\.zip of the repository is damaged"):
        load_from_hub.main(fetch)
    del files[f"ppo2-{WORLD}.zip"]
    server.repositories[repository] = files
    with pytest.raises(UserError, match=f"has no ppo2-{WORLD}.zip"):
        load_from_hub.main(fetch)
    assert not (tmp_path / "fetched").exists()


def test_what_goes_wrong_is_one_sentence(server, logs, tmp_path, monkeypatch):
    push = [*WHAT, "-f", str(logs), *FEW, "--no-render", "-orga"]
    fetch = [*WHAT, "-f", str(tmp_path), "--verbose", "0", "-orga"]
    with pytest.raises(UserError, match=r"the hub has no repository my-lab/ppo2-.* that this token may see"):
        load_from_hub.main([*fetch, "my-lab"])
    with pytest.raises(UserError, match=r"may not write to not-mine/.*status 403"):
        push_to_hub.main([*push, "not-mine"])
    server.broken = True
    with pytest.raises(UserError, match=r"the hub answered with status 500"):
        load_from_hub.main([*fetch, "my-lab"])
    server.broken = False
    monkeypatch.setenv("HF_TOKEN", "hf_a_wrong_one")
    with pytest.raises(UserError, match=r"may not write to my-lab/.*status 401|no repository"):
        push_to_hub.main([*push, "my-lab"])
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"the hub can't be reached at http://127\.0\.0\.1:9"):
        load_from_hub.main([*fetch, "my-lab"])
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UserError, match="there is no token of the hub here; make a token at"):
        push_to_hub.main([*push, "my-lab"])
    assert server.repositories == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "say where to: -orga"),
        (["-orga", "my lab"], "--organization 'my lab' is no name on the hub"),
        (["--dry-run", "."], "is there already; --dry-run takes the name of a new folder"),
        (["--dry-run", "no/such"], "does not exist; make it first"),
        (["--dry-run", "new", "--load-checkpoint", "7"], r"has no such checkpoint; it has latest\.zip"),
        (["--dry-run", "new", "--exp-id", "3"], r"--exp-id 3 is none of the 1 run\(s\)"),
        (["--dry-run", "new", "--env", POLE], f"no run that SRL3 trained of ppo2 on {POLE}"),
    ],
)
def test_wrong_words(logs, tmp_path, monkeypatch, flags, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence):
        push_to_hub.main([*WHAT, "-f", str(logs), *FEW, "--no-render", *flags])
    assert not list(tmp_path.iterdir())


def test_an_exported_policy_goes_only_with_its_own_checkpoint(logs, tmp_path, capsys):
    pytest.importorskip("onnx", reason="needs the extra export")
    from rl_baselines.export.command import run as export

    copy = tmp_path / "logs"
    shutil.copytree(logs, copy)
    run = find_runs(copy)[0]
    assert export([str(run.path), "--checkpoint", "latest"]) == 0
    argv = [*WHAT, "-f", str(run.path), "--exp-id", "-1", *FEW, "--no-render"]
    assert push_to_hub.main([*argv, "--load-latest", "--dry-run", str(tmp_path / "one")]) == 0
    assert (tmp_path / "one" / "policy.onnx").read_bytes() == run.policy.read_bytes()
    numbered = ["--load-last-checkpoint", "--dry-run", str(tmp_path / "other")]
    assert push_to_hub.main([*argv, *numbered]) == 0
    assert not (tmp_path / "other" / "policy.onnx").exists()
    assert re.search(r"policy\.onnx stays here: it was exported from another", capsys.readouterr().err)
    assert (tmp_path / "other" / f"ppo2-{WORLD}.zip").read_bytes() == run.numbered()[-1].read_bytes()


def test_private_repositories(server, logs, tmp_path, monkeypatch):
    assert push_to_hub.main([*WHAT, "-f", str(logs), *FEW, "--no-render", "-orga", "my-lab", "--private"]) == 0
    fetch = [*WHAT, "-f", str(tmp_path / "fetched"), "-orga", "my-lab", "--verbose", "0"]
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_stranger")
    with pytest.raises(UserError, match="for a private one HF_TOKEN"):
        load_from_hub.main(fetch)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert load_from_hub.main(fetch) == 0
    assert isinstance(find_run(str(tmp_path / "fetched")).path, Path)
