"""The commands that say what trained robots do, on trainings of a few steps: docs/climbs.py, gaits.py and hands.py."""

from pathlib import Path

import pytest

from docs import climbs, gaits, hands
from rl_baselines import train

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
