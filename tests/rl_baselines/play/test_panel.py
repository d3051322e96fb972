"""The menu in a terminal, and a play that obeys it."""

import pytest

from rl_baselines import checkpoint_panel
from rl_baselines.play.policies.state_file import AUTO, MANUAL, read_choice
from rl_baselines.play.policies.terminal_menu import WRITER, Menu
from srl3.errors import UserError
from tests.rl_baselines.play.conftest import Watching, turn_until


def test_a_choice_is_obeyed_by_a_running_play(run, play, clock, tmp_path, capsys):
    player, viewer = play(run), Watching()
    player.paused = True
    panel = ["--experiment", "robot_1", "--log-dir", str(tmp_path / "logs")]
    assert checkpoint_panel.main([*panel, "--show", "model_200"]) == 0
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 200)
    assert checkpoint_panel.main([*panel, "--auto"]) == 0
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 400)
    said = capsys.readouterr().out.splitlines()
    assert said == ["model_200_steps.zip is shown", "the newest checkpoint is followed"]
    assert {event.data["writer"] for event in viewer.events if event.kind == "choice"} == {WRITER}


def test_the_page_and_the_panel_never_disagree(run, play, clock):
    player, viewer = play(run), Watching()
    player.paused = True
    menu = Menu(run)
    for _ in range(3):
        player.controller.show(0, run.checkpoint(100))
        menu.do("a")
        turn_until(player, viewer, clock, lambda: player.slots[0].mode == AUTO)
        assert read_choice(run).mode == AUTO
        menu.show(run.checkpoint(300))
        player.turn(viewer)
        player.controller.show(0, run.checkpoint(200))
        turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 200)
        assert read_choice(run).checkpoint.name == "model_200_steps.zip"


def test_slots_of_one_run_are_steered_one_by_one(run, play, clock, tmp_path):
    """By files of their own: what is chosen for one leaves the others, whoever chooses."""
    player, viewer = play(run, "zero", run), Watching()
    player.paused = True
    first, _, second = player.slots
    assert (first.source.name, second.source.name) == ("robot_1", "robot_1 (2)")
    panel = ["--experiment", "robot_1", "--log-dir", str(tmp_path / "logs")]
    assert checkpoint_panel.main([*panel, "--slot", "2", "--show", "model_200"]) == 0
    turn_until(player, viewer, clock, lambda: second.trained_steps == 200)
    player.controller.show(0, run.checkpoint(300))
    turn_until(player, viewer, clock, lambda: first.trained_steps == 300)
    assert [read_choice(run, place).checkpoint.name for place in (1, 2)] == [
        "model_300_steps.zip",
        "model_200_steps.zip",
    ]
    assert checkpoint_panel.main([*panel, "--auto"]) == 0
    turn_until(player, viewer, clock, lambda: first.trained_steps == 400)
    player.controller.show(2, run.checkpoint(100))
    turn_until(player, viewer, clock, lambda: second.trained_steps == 100)
    assert (read_choice(run).mode, read_choice(run, 2).checkpoint.name) == (AUTO, "model_100_steps.zip")
    assert first.trained_steps == 400
    run.checkpoint_state_of(2).write_text("{")
    turn_until(player, viewer, clock, lambda: bool(second.problem))
    assert ".checkpoint_state_2.json is damaged" in second.problem
    assert first.problem == ""


def test_a_play_that_begins_takes_what_was_chosen_for_each_slot(run, play, clock):
    Menu(run).show(run.checkpoint(300))
    Menu(run, 2).show(run.checkpoint(100))
    player, viewer = play(run, run), Watching()
    player.paused = True
    turn_until(player, viewer, clock, lambda: [slot.trained_steps for slot in player.slots] == [300, 100])


@pytest.mark.parametrize("slot", ["0", "17", "second"])
def test_a_slot_that_no_play_has(run, slot):
    with pytest.raises(UserError, match=f"'{slot}' is"):
        checkpoint_panel.main(["--run", str(run.path), "--slot", slot, "--auto"])


def test_the_menu(run, capsys):
    lines = iter(["/model_1", "1", "nonsense", None, "a", "/", "s2", "2", "s1", "2", "q", "1"])
    menu = Menu(run)
    menu.run(lambda: next(lines))
    assert next(lines) == "1", "it went on after q"
    printed = capsys.readouterr().out
    assert "model_100_steps.zip is shown" in printed
    assert "'nonsense' is nothing to choose" in printed
    assert "the newest checkpoint is followed" in printed
    assert "is shown, slot 2 of this run" in printed
    assert read_choice(run).mode == read_choice(run, 2).mode == MANUAL


def test_the_menu_ends_with_its_input(run):
    def ended() -> None:
        raise EOFError

    before = read_choice(run)
    Menu(run).run(ended)
    assert read_choice(run) == before


def test_a_damaged_state_file_is_said_and_mended(run):
    run.checkpoint_state.write_text("{")
    menu = Menu(run)
    assert "half-written" in menu.text()
    menu.follow()
    assert "half-written" not in menu.text()


def test_a_list_marks_what_is_shown(run, capsys, tmp_path):
    Menu(run).show(run.checkpoint(300))
    assert checkpoint_panel.main(["--run", str(run.path), "--list"]) == 0
    (marked,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("*")]
    assert "model_300_steps.zip" in marked


@pytest.mark.parametrize(("name", "said"), [("model", "several"), ("gone", "no checkpoint of this run")])
def test_names_that_do_not_mean_one(run, name, said):
    with pytest.raises(UserError, match=said):
        checkpoint_panel.main(["--run", str(run.path), "--show", name])
    assert not run.checkpoint_state.exists()
