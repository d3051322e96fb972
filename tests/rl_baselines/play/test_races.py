"""Trainings that end and go on, and panels that choose at the same time, while a play looks."""

import json
import shutil
import threading

from rl_baselines import train
from rl_baselines.play.policies.state_file import AUTO, MANUAL, Choice, ChoiceReader, read_choice, write_choice
from tests.rl_baselines.play.conftest import Watching, saying, turn_until


def turns(player, viewer, clock, count: int) -> None:
    for _ in range(count):
        player.turn(viewer)
        player.loader.wait(0.05)
        clock.sleep(0.1)


def test_a_run_that_is_resumed_is_followed_on(run, play, clock):
    saying(run.latest, total_timesteps=500)  # as of a training that was interrupted
    player, viewer = play(run, speed=0.1), Watching()
    turns(player, viewer, clock, 3)
    steps = player.steps
    assert player.slots[0].trained_steps == 400
    assert train.main(["--resume", str(run.path), "--no-vis", "--no-progress"]) == 0
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 500)
    assert player.steps >= steps
    assert player.slots[0].problem == ""
    assert viewer.kinds() == ["loaded", "loaded"]


def test_a_training_that_ends_leaves_its_last_policy_acting(run, play, clock):
    player, viewer = play(run, speed=0.1), Watching()
    player.turn(viewer)
    again = run.path / "tmp"
    shutil.copy(run.latest, again)
    again.rename(run.latest)  # the end writes the same once more
    turn_until(player, viewer, clock, lambda: len(viewer.kinds()) == 2)
    turns(player, viewer, clock, 20)
    assert viewer.kinds() == ["loaded", "loaded"]
    assert player.slots[0].trained_steps == 400
    assert (player.stage.lengths == player.steps).all(), "an episode was begun anew"


def test_a_run_that_is_removed_while_it_is_watched_goes_on_acting(run, play, clock):
    player, viewer = play(run), Watching()
    player.turn(viewer)
    shutil.rmtree(run.path)
    turn_until(player, viewer, clock, lambda: "is gone" in player.slots[0].problem)
    steps = player.steps
    clock.sleep(1.0)
    player.turn(viewer)
    assert player.steps > steps
    assert player.slots[0].trained_steps == 400
    player.controller.follow(0)
    turns(player, viewer, clock, 3)
    assert player.slots[0].trained_steps == 400


def test_panels_that_write_at_the_same_time_are_never_read_by_halves(run):
    choices = [Choice(AUTO, None, "one"), Choice(MANUAL, run.checkpoint(100), "another" * 10)]
    ended = threading.Event()

    def write(choice: Choice) -> None:
        while not ended.is_set():
            write_choice(run, choice)

    panels = [threading.Thread(target=write, args=(choice,)) for choice in choices]
    for panel in panels:
        panel.start()
    seen = set()
    try:
        while not seen >= {choice.writer for choice in choices}:
            seen.add(read_choice(run).writer)
        seen |= {read_choice(run).writer for _ in range(200)}
    finally:
        ended.set()
        for panel in panels:
            panel.join()
    assert seen - {""} == {choice.writer for choice in choices}
    assert list(run.path.glob(f".{run.checkpoint_state.name}.*")) == []


def test_a_state_file_that_is_written_in_place_is_obeyed_when_it_is_whole(run, play, clock):
    player, viewer = play(run), Watching()
    player.paused = True
    player.turn(viewer)
    whole = json.dumps({"mode": "manual", "checkpoint_path": "checkpoints/model_200_steps.zip"})
    with run.checkpoint_state.open("w") as file:
        for start in range(0, len(whole), 20):
            file.write(whole[start : start + 20])
            file.flush()
            turns(player, viewer, clock, 1)
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 200)
    assert player.slots[0].problem == ""


def test_a_state_file_that_goes_lets_the_newest_be_followed(run):
    reader = ChoiceReader(run)
    write_choice(run, Choice(MANUAL, run.checkpoint(100)))
    assert reader.look(0.0) is not None
    run.checkpoint_state.unlink()
    assert reader.look(1.0) is None, "a choice stays until another is made"
    assert read_choice(run) == Choice(AUTO, None)
