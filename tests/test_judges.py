"""The commands that say what trained robots do, on trainings of a few steps: docs/climbs.py, gaits.py, hands.py
and turns.py."""

from pathlib import Path

import pytest
import torch

from docs import climbs, films, gaits, hands, turns
from environments.mujoco_gym.maths import product, turned
from rl_baselines import train
from srl3.errors import UserError

Output = pytest.CaptureFixture[str]


def trained(env: str, folder: Path) -> Path:
    flags = "--num-envs 8 --num-timesteps 64 --no-vis --env-kwargs max_steps:150 sim.threads:1 --hyperparam n_steps:8"
    train.main(["--env", env, "--log-dir", str(folder), *flags.split(), "nminibatches:2"])
    return folder


def said(capsys: Output) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())


def test_a_scripted_trot_follows_better_than_a_beginner(tmp_path: Path, capsys: Output) -> None:
    run = str(trained("VelocityFlat", tmp_path))
    capsys.readouterr()
    gaits.main([run, "--robots", "12"])
    beginner = said(capsys)
    gaits.main([run, "--robots", "12", "--oracle"])
    oracle = said(capsys)
    assert set(beginner) == set(oracle)
    error = "mean error of velocity"
    assert 1.5 * float(oracle[error].split()[0]) < float(beginner[error].split()[0])


def test_terms_of_a_hand_add_up_to_its_return(tmp_path: Path, capsys: Output) -> None:
    run = str(trained("BaseTask", tmp_path))
    for policy in ([], ["--oracle"]):
        capsys.readouterr()
        hands.main([run, "--robots", "3", *policy])
        figures = said(capsys)
        terms = [float(figure) for name, figure in figures.items() if name.startswith("term ")]
        assert len(terms) > 3
        assert sum(terms) == pytest.approx(float(figures["return"].split()[0]), abs=0.005 * len(terms) + 0.01)


def test_turns_count_what_is_left_of_them_after_a_second(tmp_path: Path, capsys: Output, monkeypatch) -> None:
    run = str(trained("ParaHandReorient", tmp_path))

    class Spinning:
        """Cubes that turn about z by 0.02 rad a step, and rock about x."""

        num_envs, control_dt = 14, 0.05

        def __init__(self) -> None:
            self.steps, self.object_quat = 0, torch.tensor([[1.0, 0, 0, 0]]).repeat(14, 1)

        def lead_about(self, axes: torch.Tensor) -> None:
            assert axes.shape == (14, 3)

        def step(self, actions: torch.Tensor) -> object:
            self.steps += 1
            spin = turned(torch.tensor([[0.0, 0.0, 0.02 * self.steps]]))
            rocking = turned(torch.tensor([[0.3 * (self.steps % 2), 0.0, 0.0]]))
            self.object_quat = product(spin, rocking).repeat(14, 1)
            return type("Step", (), {"terminated": torch.zeros(14, dtype=torch.bool)})

        def close(self) -> None:
            pass

    world = Spinning()
    opened = turns.opened
    asked = {}
    monkeypatch.setattr(
        turns,
        "opened",
        lambda chosen, ahead, only: asked.update(ahead) or (world, lambda now, starts: torch.zeros(14, 22).numpy()),
    )
    capsys.readouterr()
    turns.main([run, "--robots", "14", "--lead", "0.7"])
    figures = said(capsys)
    assert list(figures) == list(turns.AXES)
    assert figures["+z"] == "0.40 rad/s, stuck 0 %, dropped 0 %"
    assert figures["-z"] == "-0.40 rad/s, stuck 100 %, dropped 0 %"
    assert figures["+x"] == "0.00 rad/s, stuck 100 %, dropped 0 %"
    assert figures["+x-y+z"] == "0.23 rad/s, stuck 0 %, dropped 0 %"
    assert asked["goal_ahead_range"] == [0.7, 0.7]

    monkeypatch.setattr(turns, "opened", opened)  # and of what was trained
    turns.main([run, "--robots", "14"])
    assert list(said(capsys)) == list(turns.AXES)
    hands.main([run, "--robots", "3", "--env-kwargs", "max_steps:4", "success_angle:4", "rewards.success:7"])
    figures = said(capsys)
    assert figures["seconds"] == "0.2"
    assert figures["goals"] == "1.00"  # all goals are near enough, and each is reached once
    assert figures["term success"] == "7.00"
    returns = []
    for how in ([], [], ["--drawn"]):
        hands.main([run, "--robots", "3", "--env-kwargs", "max_steps:4", *how])
        returns.append(said(capsys)["return"])
    assert returns[0] == returns[1]
    assert returns[0] != returns[2]


def test_a_climb_is_read_from_the_log(tmp_path: Path, capsys: Output) -> None:
    points = [(10.0, 1e6, 7.0), (30.0, 2e6, 15.0), (20.0, 3e6, 22.0)]
    assert climbs.passed(points, 20) == "2.0M, 15 s"
    assert climbs.passed(points, 31) == "-"
    log = tmp_path / "run" / "progress.csv"
    log.parent.mkdir()
    (log.parent / "args.yaml").touch()
    log.write_text(
        f"{climbs.RETURN},{climbs.STEPS},{climbs.SECONDS}\nnan,500000,3\n,700000,5\n10,1000000,7\n30,2000000,15\n"
    )
    climbs.main([str(tmp_path), "--returns", "20", "40"])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == ["20: 2.0M, 15 s", "40: -", "at the end: 30 after 2.0M, 15 s"]
    log.write_text(
        f"level,{climbs.STEPS},{climbs.SECONDS}\n"
        + "".join(f"{n},{n}00000,{n}\n" for n in (1, 2, 19, 20))
        + ",2100000,21\n"
    )
    climbs.main([str(tmp_path), "--means", "level"])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == ["up to 0.20M: 1.50", "up to 2.00M: 19.50"]


def test_judges_refuse_what_they_can_not_judge(tmp_path: Path) -> None:
    run = str(trained("BaseTask", tmp_path))
    with pytest.raises(
        UserError, match="was trained on DexHandBaseGymEnv-v0, and this judges runs of ParaHandReorient"
    ):
        turns.main([run])
    with pytest.raises(UserError, match="--lead must be above 0 and at most pi, not 5"):
        turns.main([run, "--lead", "5"])
    with pytest.raises(UserError, match="is no run folder, and there is none below it"):
        climbs.main([str(tmp_path / "nothing")])
    with pytest.raises(UserError, match=r"--command of DexHandBaseGymEnv-v0 takes 0 numbers \(nothing\), not 2"):
        films.main([run, str(tmp_path / "film.gif"), "--command", "1", "2"])
    with pytest.raises(UserError, match=r"writes \.gif; name a file that ends so, not .*film\.png"):
        films.main([run, str(tmp_path / "film.png")])
    with pytest.raises(UserError, match=r"the folder of .* does not exist; make it first"):
        films.main([run, str(tmp_path / "none" / "film.gif")])
    with pytest.raises(UserError, match="unknown parameter of DexHandBaseGymEnv-v0 'success_angle'"):
        films.main([run, str(tmp_path / "film.gif"), "--env-kwargs", "success_angle:0.1"])
    for broken in ([str(tmp_path / "nothing")], [run, "--robots", "0"], [run, "--env-kwargs", "nonsense"]):
        with pytest.raises((UserError, SystemExit)) as refused:
            hands.main(broken)
        assert not isinstance(refused.value, SystemExit) or refused.value.code == 2
