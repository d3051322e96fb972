"""A saved moment goes on to the last bit, in this play or another."""

import json
import shutil

import numpy as np
import pytest

from rl_baselines.play import main
from rl_baselines.play.core.saved import go_to, moment, read_saved, write_saved
from srl3.errors import UserError


def observed_after(player, steps: int) -> np.ndarray:
    for _ in range(steps):
        player.step()
    return np.asarray(player.stage.observations).copy()


def test_going_back_repeats_what_followed(run, play, tmp_path):
    player = play(run, "zero", robots=2, deterministic=True)
    observed_after(player, 7)
    path = tmp_path / "moment.zip"
    write_saved(path, moment(player))
    first = observed_after(player, 12)
    lengths, returns = player.stage.lengths.copy(), player.stage.returns.copy()
    go_to(player, read_saved(path))
    assert np.array_equal(observed_after(player, 12), first)
    assert np.array_equal(player.stage.lengths, lengths)
    assert np.array_equal(player.stage.returns, returns)


def test_a_moment_of_others_is_refused(run, play):
    saved = moment(play(run))
    with pytest.raises(UserError, match="2 × 1 of MobileRobotGymEnv-v0 are shown"):
        go_to(play(run, "zero"), saved)


def test_a_damaged_moment_is_said(run, play, tmp_path):
    path = tmp_path / "moment.zip"
    with pytest.raises(UserError, match="missing"):
        read_saved(path)
    write_saved(path, moment(play(run)))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=r"is damaged .*save the moment once more"):
        read_saved(path)


def test_the_command_goes_on_from_it(run, play, tmp_path, capsys):
    player = play(run, robots=2, seed=3, deterministic=True)
    observed_after(player, 5)
    path = tmp_path / "moment.zip"
    write_saved(path, moment(player))
    while not player.slots[0].statistics.total:
        player.step()
    flags = ["--viewer", "none", "--json", "--num-episodes", "1", "--speed", "max", "--deterministic"]
    assert main(["--state", str(path), *flags]) == 0
    episode = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert episode["return"] == pytest.approx(player.slots[0].statistics.recent[0].episode_return)
    assert episode["length"] == player.slots[0].statistics.recent[0].length
    shutil.rmtree(run.path)
    with pytest.raises(UserError, match="is not there; name policies with --compare"):
        main(["--state", str(path), *flags])
