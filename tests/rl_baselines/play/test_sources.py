"""What is named is found, or waited for."""

import pytest

from rl_baselines.play import main
from rl_baselines.play.core.beginning import Tools, Wanted, begin
from rl_baselines.play.policies.sources import duration, find_source, wait_for_source
from srl3.errors import UserError


def test_a_run_by_folder_name_and_part_of_its_name(run, tmp_path):
    for spec in (str(run.path), str(tmp_path / "logs"), "robot_1", "bot_1"):
        source = find_source(spec, tmp_path / "logs")
        assert source.run is not None
        assert source.run.path.resolve() == run.path
        assert source.file is None


def test_a_file_of_a_run_stays_and_its_run_is_listed(run, tmp_path):
    source = find_source(str(run.checkpoint(100)), tmp_path / "logs")
    assert (source.file, source.run) == (run.checkpoint(100), run)
    assert set(source.checkpoints()) == {run.latest, *run.numbered()}


def test_latest_of_a_run_is_followed(run, tmp_path):
    assert find_source(str(run.latest), tmp_path).file is None


def test_checkpoints_are_listed_newest_first(run, tmp_path):
    files = find_source(str(run.path), tmp_path).checkpoints()
    times = [path.stat().st_mtime_ns for path in files]
    assert times == sorted(times, reverse=True)
    assert set(files) == {run.latest, *run.numbered()}
    assert len(files) > 3


def test_a_run_without_latest_is_followed_by_its_newest(run, tmp_path):
    run.latest.unlink()
    assert find_source(str(run.path), tmp_path).newest() == run.numbered()[-1]


def test_a_run_that_comes_later(run, tmp_path, clock):
    hidden = tmp_path / "elsewhere"
    run.path.rename(hidden)
    said: list[str] = []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now >= 70 and hidden.exists():
            hidden.rename(run.path)

    source = wait_for_source("robot_1", tmp_path / "logs", said.append, clock, sleep)
    assert source.run == run
    assert [line.partition("(")[2] for line in said] == ["", "30 s so far) …", "60 s so far) …"]
    assert str(tmp_path / "logs") in said[0]


def test_a_first_checkpoint_that_comes_later(run, tmp_path, clock):
    latest, hidden = run.latest, tmp_path / "hidden.zip"
    latest.rename(hidden)
    for path in run.numbered():
        path.unlink()
    said: list[str] = []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now >= 40 and hidden.exists():
            hidden.rename(latest)

    player = begin(Wanted([str(run.path)], tmp_path), Tools(said.append, clock, sleep))
    try:
        assert player.slots[0].trained_steps == 400
        assert "first checkpoint" in said[0]
        assert str(latest) in said[0]
        assert "30 s so far" in said[1]
    finally:
        player.close()


@pytest.mark.parametrize(
    ("specs", "env", "said"),
    [
        (["nowhere"], None, "no run at nowhere; .*--wait waits for it"),
        (["random"], None, "name one with --env"),
        (["robot_1"], "Ant", "leave out --env"),
        (["robot_1"] * 17, None, "up to 16 policies"),
    ],
)
def test_what_can_not_be_shown_is_said(run, tmp_path, clock, specs, env, said):
    with pytest.raises(UserError, match=said):
        begin(Wanted(specs, tmp_path / "logs", env=env), Tools(lambda line: None, clock, clock.sleep))


def test_a_file_that_is_no_checkpoint_is_said(run, tmp_path, clock):
    broken = run.checkpoints / "model_999_steps.zip"
    broken.write_bytes(run.latest.read_bytes()[:1000])
    with pytest.raises(UserError, match="not a whole zip file"):
        begin(Wanted([str(broken)], tmp_path), Tools(lambda line: None, clock, clock.sleep))


def test_times_in_words():
    assert [duration(each) for each in (5, 99, 600, 7200)] == ["5 s", "99 s", "10 min", "2 h"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--run", "random"], "need a world"),
        (["--run", "zero", "--env", "Antt"], "did you mean Ant"),
        (["--compare", "random", " ", "--env", "Ant"], "name of a run is empty"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_a_page_opens(flags, said, capsys):
    with pytest.raises(UserError, match=said):
        main(flags)
    assert capsys.readouterr().err == ""
