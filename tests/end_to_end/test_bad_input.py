"""Every mistake ends with one clear sentence, exit status 2, and nothing written."""

import dataclasses
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

import pytest

from rl_baselines import train
from rl_baselines.runs.run_folder import find_runs
from srl3.errors import run_command
from tests.end_to_end.conftest import environment, main_of

MOBILE = "--env MobileRobotGymEnv-v0 --srl-model ground_truth"
OMNIROBOT_ONLY = "-sc is a task of OmnirobotEnv-v0"

# as processes of their own, as a terminal starts them: some before anything heavy is loaded, and some after torch is
AS_PROCESSES = [
    ("srl3 trian", "unknown command 'trian'; did you mean train?"),
    ("list KukaButtonGymEnv-v00", "unknown environment 'KukaButtonGymEnv-v00'"),
    ("enjoy --log-dir nothing", "no checkpoint at nothing; there are no runs in logs/"),
    ("train --num-timestep 5", "unknown flag '--num-timestep'; did you mean --num-timesteps"),
    (f"train {MOBILE} --log-dir {{locked}}/logs", "may not be written to; choose another --log-dir"),
    (f"train {MOBILE} --port {{port}}", "is in use by something that is not visdom; pass another --port"),
    ("srl3 enjoy --log-dir {truncated}", "only part of one"),
]

# by the command's main in this process
HERE = [
    ("srl3", "name a command: train, enjoy, "),
    ("srl3 --algo ppo2 train", "unknown flag '--algo'; flags of a command come after its name"),
    ("srl3 list --jsn", "unknown flag '--jsn'; did you mean --json"),
    ("enjoy", "--log-dir"),
    ("enjoy --log-dir {run} --num-episodes 0", "--num-episodes: '0' is not at least 1"),
    ("enjoy --log-dir {run} --deterministic --stochastic", "not allowed with"),
    ("enjoy --log-dir {run} --video film.avi", "--video writes .mp4; name a file that ends so, not film.avi"),
    ("enjoy --log-dir {run} --video missing/film.mp4", "the folder of missing/film.mp4 does not exist"),
    ("enjoy --log-dir {run} --video /proc/film.mp4", "--video /proc/film.mp4 (can't be written|does not exist)"),
    ("export {run} -o /proc/policy.onnx", "/proc/policy.onnx (can't be written|does not exist)"),
    ("enjoy --log-dir {run} --video film.mp4 --render", "--render and --video are two ways of looking"),
    ("enjoy --log-dir {empty_folder}", "no checkpoint at .*empty_folder; there are no runs"),
    ("train ppo2", "unexpected argument 'ppo2'"),
    ("train --algo", "--algo: expected one argument"),
    ("train --algo pp02", "unknown algorithm 'pp02'; did you mean .*ppo2"),
    ("train --algo acer", "acer did not outlive TensorFlow 1 .* qrdqn"),
    ("train --algo acktr", "acktr did not outlive TensorFlow 1 .* trpo"),
    ("train --algo ppo1", "ppo1 was PPO over MPI .* use ppo2"),
    ("train --algo distillation", "distillation learns from recorded teachers; give --teacher-data-folder"),
    ("train --env KukaButonGymEnv-v0", "unknown environment 'KukaButonGymEnv-v0'; did you mean KukaButtonGymEnv-v0"),
    ("train --env Baxter-v0", "Baxter-v0 needs ROS .* use KukaButtonGymEnv-v0"),
    ("train --srl-model ground_thruth", "unknown representation .*'ground_thruth'; did you mean ground_truth"),
    ("train --srl-model autoencoder", "names no 'autoencoder' for KukaButtonGymEnv-v0"),
    ("train --env MobileRobotGymEnv-v0 --srl-model joints", "MobileRobotGymEnv-v0 does not observe 'joints'"),
    ("train --srl-model-path model.zip", "--srl-model-path chooses a learned representation"),
    ("train --algo dqn -c", "dqn takes no continuous actions; leave out -c, or use one of .*ppo2"),
    ("train --algo sac", "sac takes no discrete actions; add -c, or use one of .*ppo2"),
    (f"train {MOBILE} -c -joints", "MobileRobotGymEnv-v0 has no joint actions; leave out -joints"),
    ("train -joints", "joint actions are continuous; add -c to -joints"),
    ("train -sc -cc", "-sc and -cc are different tasks; give one of them"),
    ("train -sc", f"{OMNIROBOT_ONLY}; KukaButtonGymEnv-v0 does not have it"),
    ("train --num-timesteps 0", "--num-timesteps: '0' is not at least 1"),
    ("train --num-timesteps -5", "--num-timesteps: '-5' is not at least 1"),
    ("train --num-timesteps abc", "--num-timesteps: 'abc' is not a number"),
    ("train --num-timesteps 1.5", "--num-timesteps: '1.5' is not a whole number"),
    ("train --num-timesteps 1e400", "--num-timesteps: '1e400' is not a whole number"),
    ("train --num-timesteps nan", "--num-timesteps: 'nan' is not a whole number"),
    ("train --num-cpu 0", "--num-cpu: '0' is not at least 1"),
    ("train --seed -2", "--seed: '-2' is not a whole number"),
    ("train --seed 4294967296", "--seed: '4294967296' is too large"),
    ("train --img-shape 10x10", "must be at least 36x36, not 10x10"),
    ("train --img-shape 64", "HEIGHTxWIDTH, for example 64x64, not '64'"),
    ("train --env-kwargs max_steps", "--env-kwargs takes name:value"),
    ("train --env-kwargs max_stepz:5", "unknown parameter of KukaButtonGymEnv-v0 'max_stepz'; did you mean max_steps"),
    ("train --env-kwargs max_steps:many", "max_steps of KukaButtonGymEnv-v0 must be a whole number, not 'many'"),
    ("train --env-kwargs max_steps:0", "max_steps of KukaButtonGymEnv-v0 must be at least 1, not 0"),
    ("train --env-kwargs max_steps:[1", "the value in --env-kwargs max_steps:\\[1 can't be read"),
    ("train -r --env-kwargs random_target:false", "contradicts the flag that sets random_target"),
    ("train --port 80", "--port: '80' is not a port from 1024 to 65535"),
    ("train --port 70000", "--port: '70000' is not a port from 1024 to 65535"),
    ("train --policy gru", "--policy: invalid choice: 'gru'"),
    ("train --suffix a/b", "--suffix becomes part of a folder's name, and 'a/b' can't"),
    ("train --new-lr 1e-4", "--new-lr is the rate of a retraining; add --load-rl-model-path"),
    ("train --new-lr 0", "--new-lr: '0' is not a number above 0"),
    ("train --teacher-data-folder here", "is for --algo distillation; ppo2 learns from rewards"),
    ("train --load-rl-model-path nothing", "no checkpoint at nothing"),
    ("train --resume nothing", "no run at nothing; there are no runs in logs/"),
    ("train --resume {run} --num-timesteps 100", "leave out --num-timesteps, or retrain"),
    ("train --resume {without_latest}", "has no latest.zip to resume from"),
    (f"train {MOBILE} --log-dir {{file}}", "is a file, not a folder; choose another --log-dir"),
    (f"train {MOBILE} --no-vis --device nonsense", "torch can't use the device 'nonsense' here; use auto or cpu"),
    (
        f"train {MOBILE} --no-vis --hyperparam n_stepz:5",
        "unknown hyperparameter of ppo2 .*'n_stepz'; did you mean n_step",
    ),
    (f"train {MOBILE} --no-vis --load-rl-model-path {{run}} -c", "Discrete.* but this environment has Box"),
    ("enjoy --log-dir {truncated}", "only part of one"),
    ("srl3 enjoy --log-dir {run} --srl-model raw_pixels", "unknown flag '--srl-model'"),
    (f"train {MOBILE} --no-vis --hyperparam n_steps", "--hyperparam takes name:value"),
    (f"train {MOBILE} --no-vis --hyperparam n_steps:many", "n_steps must be a whole number, not 'many'"),
    (f"train {MOBILE} --no-vis --hyperparam gamma:1.5", "gamma must be .*not 1.5"),
    (f"train {MOBILE} --no-vis --hyperparam n_steps:[1", "'\\[1' is no value that YAML can read"),
    (f"train {MOBILE} --no-vis --conf-file {{unknown_key}}", "unknown hyperparameter of ppo2 .*'n_stepz'"),
    (f"train {MOBILE} --no-vis --conf-file {{not_a_mapping}}", "must be a mapping"),
    (f"train {MOBILE} --no-vis --conf-file {{not_yaml}}", "is not YAML"),
    (f"train {MOBILE} --no-vis --conf-file missing.yaml", "missing.yaml is missing; --conf-file takes sections"),
    (f"train {MOBILE} --no-vis -c --algo sac --policy lstm", "lstm"),
    ("train --no-vis --load-rl-model-path {run} --algo a2c", "was trained with ppo2, and can't be retrained with a2c"),
    ("train --no-vis --load-rl-model-path {run} --srl-model raw_pixels", "was trained from ground_truth, and can't"),
    ("train --no-vis --load-rl-model-path {run} --policy lstm", "has a feedforward policy, and can't"),
    ("train --no-vis --load-rl-model-path {run} --num-stack 2", "was trained on 1 stacked frame"),
    (
        "train --no-vis --load-rl-model-path {run} --env KukaButtonGymEnv-v0",
        "but this environment has Box\\(3, float32",
    ),
    ("train --no-vis --load-rl-model-path {run} --conf-file {not_yaml}", "use --hyperparam, not --conf-file"),
    ("train --no-vis --load-rl-model-path {run} --hyperparam learning_rate:1", "is --new-lr; leave learning_rate out"),
    ("train --no-vis --load-rl-model-path {truncated}", "only part of one"),
    ("train --no-vis --resume {run}", "has trained all its 64 steps"),
    ("enjoy --log-dir {not_a_zip}", "is not a checkpoint, or only part of one"),
    ("enjoy --log-dir {empty_file}", "is not a checkpoint, or only part of one"),
    ("enjoy --log-dir {flipped}", "is damaged"),
    ("enjoy --log-dir {plain_zip}", "saved by Stable-Baselines3 and does not say of what it is; add --algo and --env"),
    ("enjoy --log-dir {later_format}", "has format 99, which this version does not know"),
    ("enjoy --log-dir {run} -c", "Discrete.* but this environment has Box"),
    (
        "enjoy --log-dir {run} --env-kwargs srl_model:raw_pixels",
        "observes ground_truth, and can't act from raw_pixels",
    ),
    ("enjoy --log-dir {run} --device nonsense", "can't use the device 'nonsense' here; use auto or cpu"),
]


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a command ended."""

    status: int
    out: str
    err: str
    left_behind: list[str]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Good and bad files by name, and a port that something else holds."""
    folder = tmp_path_factory.mktemp("given")
    flags = "--num-cpu 1 --hyperparam n_steps:32 --num-timesteps 64 --no-vis --no-progress"
    assert train.main([*f"{MOBILE} {flags}".split(), "--log-dir", str(folder / "trained")]) == 0
    (run,) = find_runs(folder / "trained")
    whole = run.latest.read_bytes()
    paths = {name: folder / name for name in ("truncated", "not_a_zip", "empty_file", "flipped", "file", "locked")}
    paths["truncated"].write_bytes(whole[: len(whole) // 2])
    paths["not_a_zip"].write_text("weights")
    paths["empty_file"].touch()
    middle = len(whole) // 2
    paths["flipped"].write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    paths["file"].touch()
    paths["locked"].mkdir(mode=0o555)
    paths["empty_folder"] = folder / "empty_folder"
    paths["empty_folder"].mkdir()
    paths["plain_zip"] = _changed(
        run.latest, folder / "plain_zip", lambda name, content: None if "srl3" in name else content
    )
    paths["later_format"] = _changed(
        run.latest, folder / "later_format", lambda _, content: content.replace(b'"format": 2', b'"format": 99')
    )
    paths["without_latest"] = folder / "without_latest"
    shutil.copytree(run.path, paths["without_latest"], ignore=shutil.ignore_patterns("*.zip"))
    for name, text in (
        ("unknown_key", "default:\n  n_stepz: 5\n"),
        ("not_a_mapping", "- n_steps\n"),
        ("not_yaml", "default: [\n"),
    ):
        paths[name] = folder / f"{name}.yaml"
        paths[name].write_text(text)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield {
            **{name: str(path) for name, path in paths.items()},
            "run": str(run.path),
            "port": str(holder.getsockname()[1]),
        }


def _changed(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of a zip with each entry as ``change(name, content)`` gives it (None leaves it out)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def _arguments(line: str, given: dict[str, str]) -> list[str]:
    return [re.sub(r"\{(\w+)\}", lambda match: given[match[1]], word) for word in line.split()]


@pytest.fixture(scope="module")
def endings(given: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ending]:
    """How the real commands end, each run in an empty folder; two at once."""

    def run(line: str) -> Ending:
        folder = tmp_path_factory.mktemp("case", numbered=True)
        name, *arguments = _arguments(line, given)
        module = "srl3" if name == "srl3" else f"rl_baselines.{name}"
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env={**environment(), "TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            timeout=240,
        )
        left = [name for name in os.listdir(folder) if not fnmatch(name, "srl3-visdom-*.lock")]  # among temporary files
        return Ending(done.returncode, done.stdout, done.stderr, left)

    lines = [line for line, _ in AS_PROCESSES]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(lines, pool.map(run, lines), strict=True))


def check(ending: Ending, says: str) -> None:
    assert ending.status == 2, ending
    assert ending.out == ""
    assert re.fullmatch(r"error: [^\n]+\n", ending.err), ending.err
    assert re.search(says, ending.err), ending.err
    assert ending.left_behind == []


@pytest.mark.parametrize(("line", "says"), AS_PROCESSES, ids=[line for line, _ in AS_PROCESSES])
def test_the_command_ends_with_one_sentence(endings: dict[str, Ending], line: str, says: str):
    check(endings[line], says)


@pytest.mark.parametrize(("line", "says"), HERE, ids=[line for line, _ in HERE])
def test_main_ends_with_one_sentence(
    given: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    line: str,
    says: str,
):
    monkeypatch.chdir(tmp_path)
    name, *arguments = _arguments(line, given)
    with pytest.raises(SystemExit) as ended:
        run_command(main_of(name), arguments)
    assert isinstance(ended.value.code, int)
    check(Ending(ended.value.code, *capfd.readouterr(), os.listdir(tmp_path)), says)


def test_the_mistakes_changed_nothing_that_was_there(given: dict[str, str], endings: dict[str, Ending]):
    assert os.listdir(given["locked"]) == os.listdir(given["empty_folder"]) == []
    assert len(find_runs(Path(given["run"]).parents[3])) == 1
    assert not list(Path(given["run"]).glob(".*"))
