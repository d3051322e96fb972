"""Runs that plain Stable-Baselines3 and rl-zoo3 left, read as if they were ours."""

import os
from collections import OrderedDict
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import yaml
from stable_baselines3.common.monitor import Monitor

from rl_baselines.plots.command import run as plots
from rl_baselines.plots.methods import group_runs
from rl_baselines.plots.runs import load_runs
from srl3.errors import UserError

POLE = "CartPole-v1"


def play(file: Path, steps: int = 60, env_id: str = POLE) -> list[float]:
    """Random episodes under SB3's own monitor; gives the returns of those that ended."""
    env = Monitor(gym.make(env_id), str(file))
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    env.close()
    return env.get_episode_rewards()


def zoo(folder: Path, seed: int | None = None, env_id: str = POLE) -> list[float]:
    """A run in rl-zoo3's layout, with the files as its experiment manager writes them."""
    inner = folder / env_id
    inner.mkdir(parents=True)
    if seed is not None:
        used = OrderedDict([("algo", "ppo"), ("env", env_id), ("seed", seed), ("env_kwargs", None)])
        (inner / "args.yml").write_text(yaml.dump(used))
    (inner / "config.yml").write_text(yaml.dump(OrderedDict([("n_steps", 8), ("clip_range", (0.1, 0.2))])))
    return play(folder / "0.monitor.csv")


@pytest.mark.parametrize("name", ["monitor.csv", "0.monitor.csv", "pole.monitor.csv"])
def test_a_folder_of_plain_sb3(tmp_path: Path, name: str):
    returns = play(tmp_path / "mine" / name)
    (run,) = load_runs([tmp_path])
    assert (run.path, run.env, run.seed) == (tmp_path / "mine", POLE, 0)
    assert run.episodes.returns.tolist() == returns
    assert run.episodes.timesteps.tolist() == np.cumsum(run.episodes.lengths).tolist()
    (group,) = group_runs([run])
    assert (group.env, group.method) == (POLE, "mine")


def test_runs_of_rl_zoo3_are_one_method(tmp_path: Path):
    zoo(tmp_path / "ppo" / f"{POLE}_1", seed=11)
    zoo(tmp_path / "ppo" / f"{POLE}_2", seed=12)
    zoo(tmp_path / "a2c" / f"{POLE}_3")
    a2c, ppo = group_runs(load_runs([tmp_path]))
    assert [(each.env, each.method, each.seeds) for each in (a2c, ppo)] == [
        (POLE, "a2c", [3]),
        (POLE, "ppo", [11, 12]),
    ]


def test_evaluations_where_there_is_no_monitor_file(tmp_path: Path):
    folder = tmp_path / "sac" / "Pendulum-v1_1"
    folder.mkdir(parents=True)
    results = np.array([[-900.0, -800.0], [-300.0, -200.0]])
    np.savez(folder / "evaluations.npz", timesteps=[1000, 2000], results=results, ep_lengths=np.full((2, 2), 200))
    (run,) = load_runs([tmp_path])
    assert (run.env, run.arguments["algo"]) == ("Pendulum-v1", "sac")
    assert run.episodes.timesteps.tolist() == [1000, 1000, 2000, 2000]
    assert run.episodes.returns.tolist() == [-900, -800, -300, -200]
    (folder / "evaluations.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"evaluations\.npz is damaged"):
        load_runs([tmp_path])


def test_ours_and_theirs_beside_each_other(tmp_path: Path, make_run):
    ours = make_run([1, 2])
    play(tmp_path / "logs" / "theirs" / "monitor.csv")
    assert [run.path for run in load_runs([tmp_path])] == [ours, tmp_path / "logs" / "theirs"]


def test_links_are_followed_once(tmp_path: Path):
    play(tmp_path / "elsewhere" / "monitor.csv")
    (tmp_path / "logs").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "logs" / "link")
    os.symlink(tmp_path / "logs", tmp_path / "logs" / "circle")
    assert len(load_runs([tmp_path / "logs"])) == 1


def test_code_in_their_files_is_not_run(tmp_path: Path):
    zoo(tmp_path / "ppo" / f"{POLE}_1")
    args = tmp_path / "ppo" / f"{POLE}_1" / POLE / "args.yml"
    args.write_text(f"!!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    with pytest.raises(UserError, match=r"args\.yml is damaged"):
        load_runs([tmp_path])
    assert not (tmp_path / "made").exists()


def test_the_commands_draw_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for number in (1, 2):
        zoo(tmp_path / "logs" / "ppo" / f"{POLE}_{number}", seed=number)
    picture = tmp_path / "curve.png"
    assert plots(["run", "--log-dir", str(tmp_path / "logs" / "ppo" / f"{POLE}_1"), "-o", str(picture)]) == 0
    assert picture.stat().st_size > 1000
    assert plots(["aggregate", "-i", str(tmp_path / "logs"), "-o", str(tmp_path / "seeds.png")]) == 0
    assert "ppo" in capsys.readouterr().out
    with pytest.raises(UserError, match="is above several runs of another tool; name one of the 2 runs"):
        plots(["run", "--log-dir", str(tmp_path / "logs")])
