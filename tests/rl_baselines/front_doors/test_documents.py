"""Every command of the documents that SRL3's front doors come from runs here; every flag of their tables is there."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from environments.flags import make_config
from rl_baselines import checkpoint_control_panel, enjoy, export, train, train_velocity
from rl_baselines.front_doors import dexhand, isaacgymenvs, reorient, velocity
from rl_baselines.front_doors.shared.order import Order, carry_out
from rl_baselines.play import command as play
from rl_baselines.runs.find import find_runs
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError
from tests.rl_baselines.front_doors.documents import (
    COMMANDS,
    DEFAULTS,
    DEXHAND,
    DIFFERENCES,
    MJLAB,
    REORIENT,
    TOOLBOX,
    TRAIN_PLAY,
)

ROOT = Path(__file__).parents[3]
SCRIPTS = {
    r"python train_reorient\.py": "train_reorient",
    r"python train\.py": "train_dexhand",
    r"python -m torch\.distributed\.launch \S+ train\.py": "train_dexhand",
    r"python isaacgymenvs/train_play\.py": "train_play",
    r"torchrun .* isaacgymenvs/train_play\.py": "train_play",
    r"python isaacgymenvs/checkpoint_control_panel\.py": "checkpoint_control_panel",
    r"python -m rl_baselines\.train": "train",
}
"""a document's script, and the command that is put in its place"""
UNDERSTAND: dict[str, Callable[[list[str]], Order]] = {
    "train_reorient": reorient.understand,
    "train_dexhand": dexhand.understand,
    "train_play": isaacgymenvs.understand,
}
PARSERS = {
    REORIENT: reorient.make_parser,
    DEXHAND: dexhand.make_parser,
    TRAIN_PLAY: isaacgymenvs.make_parser,
    MJLAB: velocity.make_parser,
}
CUT = {
    "train_reorient": "--num_envs=2 --unroll_length=2 --batch_size=2 --num_minibatches=2 --num_updates_per_batch=1 "
    "--num_timesteps=40 --num_evals=5 --norun_evals --num_videos=0 --episode_length=8",
    "train_dexhand": "--num-envs 2 --max-iterations 2",
    "train_play": "num_envs=2 max_iterations=2 checkpoint_save_freq=1 train.params.config.horizon_length=4 "
    "train.params.config.minibatch_size=8 train.params.config.mini_epochs=1 task.max_steps=8 wandb_activate=False",
    "train": "--num-timesteps 32 --hyperparam n_steps:16 n_epochs:1 --env-kwargs max_steps:8 --num-cpu 1 --no-vis "
    "--no-progress",
}
"""what makes a training short; the last of two equal flags counts"""
WATCHING_CUT = ("--viewer", "none", "--num-episodes", "1", "--speed", "max", "--env-kwargs", "max_steps:8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def here(text: str) -> tuple[str, list[str]]:
    """Command and arguments of a document's line; a GPU that there is not is the CPU."""
    script, name = next((script, name) for script, name in SCRIPTS.items() if re.match(script + r"(?!\S)", text))
    rest = re.sub(f"^{script}", "", text)
    if not torch.cuda.is_available():
        rest = re.sub(r"cuda:\d", "cpu", rest)
    return name, shlex.split(rest)


def training_lines(document: str) -> list[str]:
    return [each.text for each in COMMANDS[document] if re.match("|".join(SCRIPTS), each.text)]


def run(text: str, *cut: str) -> None:
    """Run a line, cut short, in the current folder."""
    name, arguments = here(text)
    order = UNDERSTAND[name]([*arguments, *cut])
    commands = {"enjoy": enjoy.main, "play": lambda argv: play.run([*argv, *WATCHING_CUT])}
    assert carry_out(order, name, [*arguments, *cut], commands) == 0, text


def plan_of(text: str) -> Order:
    """What a line asks for as it stands; nothing is written, and a training passes every check."""
    name, arguments = here(text)
    before = sorted(Path().rglob("*"))
    order = UNDERSTAND[name](arguments)
    request = order.request
    if request is not None and request.track is not None and find_spec(request.track) is None:
        with pytest.raises(UserError, match="install the extra"):
            resolve(request)
    elif request is not None:
        resolve(request)
    assert sorted(Path().rglob("*")) == before, text
    return order


def rename_newest(folder: str, name: str) -> Path:
    """Call the newest run in a folder as the document does."""
    newest = find_runs(Path(folder))[-1].path
    return newest.rename(newest.with_name(name))


def is_shown_by_tensorboard(text: str) -> None:
    pattern = shlex.split(text)[-1]
    folders = list(Path().glob(pattern))
    assert any(list(folder.rglob("events.out.tfevents*")) for folder in folders), text


def test_the_commands_of_train_reorient(folder: Path) -> None:
    tensorboard, first, second, playing, pixels = (each.text for each in COMMANDS[REORIENT])
    cut = CUT["train_reorient"].split()
    for text in (pixels, second, first):
        order = plan_of(text)
        assert order.request is not None
        run(text, *cut, *(["--num_timesteps=4", "--num_evals=1"] if text == pixels else []))
    is_shown_by_tensorboard(tensorboard)
    rename_newest("logs", "ParaHandReorient-20250101-120000")
    run(playing, "--num_videos=1", "--episode_length=3", "--num_eval_envs=2")
    assert len(list(Path("logs/ParaHandReorient-20250101-120000").glob("*.mp4"))) == 1


def test_the_commands_of_dexhand(folder: Path) -> None:
    shutil.copytree(dexhand.CFG, "dexhand_env/cfg")
    first, second, again, playing, many, copying, own, tensorboard = (each.text for each in COMMANDS[DEXHAND])
    cut = CUT["train_dexhand"].split()
    plan_of(first)
    run(first, *cut)
    plan_of(second)
    rename_newest("runs", "BaseTask_20240101_120000")
    run(second, *cut)
    trained = Path("runs/BaseTask_20240101_120000")
    (trained / "nn/checkpoint_1000.pth").symlink_to("../latest.zip")  # a short training has no thousandth iteration
    (trained / "nn/checkpoint_best.pth").symlink_to("../latest.zip")
    plan_of(again)
    run(again, *cut)
    run(playing)
    source, target = shlex.split(copying)[1:]
    shutil.copy(source, target)
    shutil.copy("dexhand_env/cfg/task/BaseTask.yaml", "dexhand_env/cfg/task/MyTask.yaml")  # the reader's own task
    plan_of(own)
    run(own, *cut)
    is_shown_by_tensorboard(tensorboard)
    assert plan_of(many).request is not None


def test_the_commands_of_train_play(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [text for text in training_lines(TRAIN_PLAY) if "train_play.py" in text]
    cut = CUT["train_play"].split()
    for text in lines:
        if "mode=train" in text:
            plan_of(text)
            if "torchrun" not in text:
                run(text, *cut)
    rename_newest("runs", "Ant_2025-01-14_10-30-45")
    for text in lines:
        if "mode=play" in text:
            run(text)
    (panel,) = [text for text in training_lines(TRAIN_PLAY) if "control_panel.py" in text]
    assert checkpoint_control_panel.main([*here(panel)[1], "--list"]) == 0
    assert "latest.zip" in capsys.readouterr().out


@pytest.mark.slow
def test_two_processes_train(folder: Path) -> None:
    many = [text for document in (TRAIN_PLAY, DEXHAND) for text in training_lines(document) if "nproc_per_node" in text]
    for text, world in zip(many, ("task=Ant", "--task Ant"), strict=True):
        name, arguments = here(text)
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
        command = [*launcher, "-m", f"rl_baselines.{name}", *arguments, *CUT[name].split(), *world.split()]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 0, done.stderr
        assert "in 2 processes" in done.stdout
    assert len(find_runs(folder)) == 2


def test_the_commands_of_the_toolbox(folder: Path) -> None:
    first, second = (here(text)[1] for text in training_lines(TOOLBOX))
    cut = CUT["train"].split()
    assert train.main([*first, *cut]) == 0
    (trained,) = find_runs(Path("logs"))
    second[-1] = f"{trained.path}/ppo2.pkl"
    assert train.main([*second, *cut]) == 0
    assert len(find_runs(Path("logs"))) == 2


@pytest.mark.parametrize("document", PARSERS)
def test_flags_and_defaults_are_the_documents(document: str) -> None:
    defaults = vars(PARSERS[document]().parse_args([]))
    for name, documented in DEFAULTS[document].items():
        assert name in defaults, f"{document} has {name}"
        ours = defaults[name]
        ours = str(ours) if isinstance(ours, Path) else ours
        differs = documented is not None and ours != documented
        assert differs == ((document, name) in DIFFERENCES), f"{name}: {documented} there, {ours} here"
    assert all(reason for reason in DIFFERENCES.values())


def test_the_reader_lines_of_the_onnx_paragraph(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx", reason="the extra [export] is not installed")
    tiny = "--env.scene.num-envs 2 --agent.num-steps-per-env 4 --agent.num-mini-batches 1 --agent.max-iterations 1"
    assert train_velocity.main(["VelocityFlat", *tiny.split()]) == 0
    assert export.main([str(find_runs(folder)[-1].path), "-o", "policy.onnx"]) == 0
    capsys.readouterr()
    exec(
        """
import onnx
m = onnx.load("policy.onnx")
meta = {p.key: p.value for p in m.metadata_props}
print(meta["observation_names"])
"""
    )
    names = capsys.readouterr().out.strip().split(",")
    assert names[:3] == ["base_lin_vel", "base_ang_vel", "projected_gravity"]


def test_every_fields_of_mjlab_is_understood() -> None:
    fields = """policy.init_noise_std=0.5 policy.noise_std_type=log policy.actor_obs_normalization=True
    policy.critic_obs_normalization=True policy.actor_hidden_dims=8,8 policy.critic_hidden_dims=8 policy.activation=elu
    algorithm.num_learning_epochs=2 algorithm.num_mini_batches=2 algorithm.learning_rate=1e-3
    algorithm.schedule=adaptive algorithm.gamma=0.9 algorithm.lam=0.9 algorithm.entropy_coef=0.01
    algorithm.desired_kl=0.02 algorithm.max_grad_norm=1 algorithm.value_loss_coef=1
    algorithm.use_clipped_value_loss=True algorithm.clip_param=0.2
    algorithm.normalize_advantage_per_mini_batch=True num_steps_per_env=8 clip_actions=1.0"""
    for one in fields.split():
        order = velocity.understand(["VelocityFlat", f"--agent.{one}", "--env.scene.num-envs", "8"])
        assert order.request is not None
        resolve(order.request)


def test_the_package_of_the_hands_worlds(folder: Path) -> None:
    para_env = importlib.import_module("para_env")
    assert "ParaHandReorient" in para_env.ALL_ENVS
    for name in para_env.ALL_ENVS:
        assert make_config(name, para_env.get_domain_randomizer(name)) != make_config(name, {})
