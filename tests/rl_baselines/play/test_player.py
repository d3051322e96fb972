"""Policies are swapped between two steps, compared with the same seeds, and stepped only when somebody looks."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from rl_baselines import train
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.evaluation import evaluate
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.play import main
from rl_baselines.play.core.pace import FULL, Pace
from rl_baselines.play.policies.state_file import MANUAL, Choice, write_choice
from rl_baselines.runs.run_folder import find_runs
from srl3.errors import UserError
from tests.rl_baselines.play.conftest import Watching, saying, turn_until


def of_another_world(path, env_id="MobileRobot1DGymEnv-v0"):
    """Let a checkpoint say that it is of another world."""
    return saying(path, env_id=env_id)


def test_returns_are_those_of_an_evaluation(run, play):
    player = play(run, robots=2, deterministic=True, seed=3)
    while any(slot.statistics.total < 4 for slot in player.slots):
        player.step()
    recent = player.slots[0].statistics.recent
    played = [[each.episode_return for each in recent if each.row == row][:2] for row in range(2)]
    checkpoint = load_checkpoint(run.latest)
    actor = Actor.from_checkpoint(checkpoint)
    venv = make_worlds(checkpoint.info, None, checkpoint.info.env_kwargs, n_envs=2, seed=3)
    expected = evaluate(actor, venv, 4, deterministic=True).returns
    venv.close()
    assert sorted([*played[0], *played[1]]) == pytest.approx(sorted(expected))


def test_a_new_checkpoint_acts_and_the_episode_goes_on(run, play, clock):
    newest = run.latest.read_bytes()
    shutil.copy(run.checkpoint(100), run.latest)
    player, viewer = play(run), Watching()
    assert player.slots[0].trained_steps == 100
    for _ in range(7):
        player.step()
    steps, lengths = player.steps, player.stage.lengths.copy()
    temporary = run.path / "tmp"
    temporary.write_bytes(newest)
    temporary.rename(run.latest)
    player.paused = True
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 400)
    assert player.steps == steps
    assert (player.stage.lengths == lengths).all()
    player.step()
    assert (player.stage.lengths == lengths + 1).all()
    assert viewer.kinds() == ["loaded", "loaded"]


def test_new_episodes_begin_with_a_checkpoint_where_that_is_wanted(run, play, clock):
    player, viewer = play(run, reset_on_load=True), Watching()
    player.turn(viewer)
    for _ in range(7):
        player.step()
    player.paused = True
    player.controller.show(0, run.checkpoint(200))
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 200)
    assert (player.stage.lengths == 0).all()
    assert player.stage.starts.all()


def test_a_file_written_in_place_is_taken_when_it_is_whole(run, play, clock):
    whole = run.checkpoint(300).read_bytes()
    player, viewer = play(run), Watching()
    player.paused = True
    player.turn(viewer)
    with run.latest.open("r+b") as file:
        file.truncate(0)
        for start in range(0, len(whole), len(whole) // 4 + 1):
            file.write(whole[start : start + len(whole) // 4 + 1])
            file.flush()
            player.turn(viewer)
            clock.sleep(0.1)
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 300)
    assert "problem" not in viewer.kinds()


def test_half_a_file_leaves_the_policy_and_says_why(run, play, clock):
    player, viewer = play(run), Watching()
    player.paused = True
    whole = run.latest.read_bytes()
    run.latest.write_bytes(whole[: len(whole) // 2])
    turn_until(player, viewer, clock, lambda: bool(player.slots[0].problem))
    assert player.slots[0].trained_steps == 400
    assert "only part of one" in player.slots[0].problem
    run.latest.write_bytes(run.checkpoint(200).read_bytes())
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 200)
    assert player.slots[0].problem == ""


def test_a_checkpoint_that_is_deleted_goes_on_acting(run, play, clock):
    player, viewer = play(run), Watching()
    player.controller.show(0, run.checkpoint(100))
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 100)
    run.checkpoint(100).unlink()
    turn_until(player, viewer, clock, lambda: "is gone" in player.slots[0].problem)
    player.step()
    assert player.slots[0].trained_steps == 100


def test_another_panel_chooses_through_the_state_file(run, play, clock):
    player, viewer = play(run), Watching()
    player.paused = True
    write_choice(run, Choice(MANUAL, run.checkpoint(100), "another panel"))
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 100)
    run.checkpoint_state.write_text('{"mode": "ma')
    turn_until(player, viewer, clock, lambda: bool(player.slots[0].problem))
    assert player.slots[0].chosen == run.checkpoint(100)
    player.controller.follow(0)
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 400)
    assert json.loads(run.checkpoint_state.read_text())["mode"] == "auto"
    assert [event.data["writer"] for event in viewer.events if event.kind == "choice"] == ["another panel"]


def test_the_newest_of_many_wishes_wins(run, play, clock):
    player, viewer = play(run), Watching()
    player.paused = True
    player.turn(viewer)
    for steps in (100, 200, 300, 200, 100, 300):
        player.controller.show(0, run.checkpoint(steps))
        clock.sleep(0.2)
        player.turn(viewer)
        clock.sleep(0.2)
        player.turn(viewer)
    turn_until(player, viewer, clock, lambda: player.slots[0].trained_steps == 300)
    for _ in range(10):
        clock.sleep(0.2)
        player.turn(viewer)
    assert player.slots[0].trained_steps == 300


def test_slots_have_the_same_seeds(run, play):
    player = play(run, run.checkpoint(300), "zero", robots=2, seed=5)
    stage = player.stage
    first = np.asarray(stage.observed(0))
    assert not np.array_equal(first[0], first[1])
    for slot in (1, 2):
        assert np.array_equal(np.asarray(stage.observed(slot)), first)
    player.step()
    assert player.steps == 6


def test_slots_of_the_same_deterministic_policy_do_the_same(run, play, clock):
    player, viewer = play(run, run.checkpoint(300), deterministic=True), Watching()
    player.paused = True
    player.controller.show(0, run.checkpoint(300))
    turn_until(player, viewer, clock, lambda: {slot.trained_steps for slot in player.slots} == {300})
    player.begin(11)
    for _ in range(20):
        player.step()
        assert np.array_equal(np.asarray(player.stage.observed(0)), np.asarray(player.stage.observed(1)))


def test_a_checkpoint_of_another_world_is_refused_and_nothing_stops(run, play, clock):
    player, viewer = play(run), Watching()
    player.paused = True
    path = of_another_world(run.checkpoint(100))
    player.controller.show(0, path)
    turn_until(player, viewer, clock, lambda: bool(player.slots[0].problem))
    assert player.slots[0].problem.startswith(f"{path} is of MobileRobot1DGymEnv-v0, and ")
    assert player.slots[0].trained_steps == 400


def test_the_world_is_in_the_stage_of_the_curriculum_that_its_policy_had_reached(play, clock, tmp_path):
    curriculum = '[{"after": 20, "values": {"rewards.alive": 100}}]'
    world = ("--env", "AntGymEnv-v0", "--env-kwargs", "max_steps:8", "sim.threads:1", f"curriculum:{curriculum}")
    small = ("--algo", "ppo2", "--num-cpu", "2", "--hyperparam", "n_steps:16", "batch_size:16", "n_epochs:1")
    flags = (*world, *small, "--num-timesteps", "64", "--save-freq", "32", "--no-vis", "--no-progress")
    assert train.main([*flags, "--log-dir", str(tmp_path / "logs")]) == 0
    run = find_runs(tmp_path / "logs")[-1]
    newest = run.latest.read_bytes()
    shutil.copy(run.checkpoint(32), run.latest)
    player, viewer = play(run), Watching()
    held = play(run, env_kwargs={"rewards.alive": 7.0})

    def paid(playing) -> float:
        playing.step()
        return float(playing.stage.rewards[0])

    assert paid(player) < 10
    run.latest.write_bytes(newest)
    for playing in (player, held):
        playing.paused = True
        (slot,) = playing.slots
        turn_until(playing, viewer, clock, lambda slot=slot: slot.trained_steps == 64)
    assert paid(player) > 90
    assert 3 < paid(held) < 20


def test_nothing_is_stepped_while_nobody_looks_or_it_is_paused(run, play, clock):
    player, viewer = play(run), Watching()
    viewer.looks = False
    for _ in range(5):
        player.turn(viewer)
        clock.sleep(0.2)
    assert player.steps == 0
    viewer.looks = True
    player.turn(viewer)
    assert player.steps == 1
    player.paused = True
    clock.sleep(1.0)
    player.turn(viewer)
    assert player.steps == 1


def test_another_number_of_robots(run, play):
    player = play(run)
    player.set_robots(3)
    player.step()
    assert player.stage.count == 3
    player.set_robots(100)
    assert "64 are shown at most" in player.notes
    assert player.stage.count == 3


def test_a_slot_begins_anew_alone(run, play):
    player = play(run, "random", robots=2)
    for _ in range(5):
        player.step()
    player.stage.begin_slot(1)
    assert player.stage.lengths.tolist() == [5, 5, 0, 0]


def test_pace():
    pace = Pace(0.1, speed=2.0)
    due = [pace.due(0.01 * tick) for tick in range(21)]
    assert sum(due) == 5
    assert pace.due(10.0)
    assert not pace.due(10.01)
    pace.speed = FULL
    assert all(pace.due(11.0) for _ in range(100))


def test_posts_are_done_between_two_steps(run, play):
    player, viewer = play(run), Watching()
    player.post(lambda: player.begin(9))
    player.turn(viewer)
    assert player.stage.setting.seed == 9
    assert player.steps == 1


def test_the_command_follows_and_ends(run, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    flags = ["--viewer", "none", "--json", "--num-episodes", "3", "--speed", "max", "--num-envs", "2"]
    assert main(["--compare", "robot_1", "random", *flags]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["event"] == "loaded"
    assert lines[0]["trained_steps"] == 400
    episodes = [line for line in lines if line["event"] == "episode"]
    assert len(episodes) == 3
    assert all(set(line) >= {"slot", "return", "length", "steps"} for line in episodes)


@pytest.mark.parametrize("flags", [[], ["--run", "a", "--compare", "b"], ["--run", "x", "--wiat"]])
def test_flags_that_do_not_go_together(flags):
    with pytest.raises(UserError):
        main(flags)


@pytest.mark.parametrize("first", ["run", "random"])
def test_what_is_named_side_by_side_is_of_one_world(run, play, first):
    other = of_another_world(run.checkpoint(100))
    specs = [run, other] if first == "run" else [run.checkpoint(200), "random", other]
    with pytest.raises(UserError, match="is of MobileRobot1DGymEnv-v0, and MobileRobotGymEnv-v0 is shown"):
        play(*specs)


def test_a_damaged_file_named_side_by_side_is_refused(run, play):
    path = run.checkpoint(100)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=path.name):
        play(run, path)


def test_all_slots_act_from_the_first_step(run, play):
    player = play(run, run.checkpoint(100), "random")
    assert [slot.trained_steps for slot in player.slots] == [400, 100, 0]


def test_a_device_that_is_not_there_is_refused_and_not_waited_for(run, play):
    with pytest.raises(UserError, match="torch can't use the device 'gpu0'"):
        play(run, device="gpu0")


def test_an_actor_takes_the_next_checkpoint_as_if_it_were_made_of_it(run, play):
    player = play(run)
    observed = np.asarray(player.stage.observations)
    fresh = Actor.load(run.checkpoint(100), seed=5)
    fresh.seed(5)
    taken = Actor.load(run.checkpoint(300))
    taken.act(observed)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    assert taken.take(load_checkpoint(run.checkpoint(100), only_to_act=True))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    taken.seed(5)
    drawn = [[actor.act(observed, deterministic=False).tolist() for _ in range(20)] for actor in (fresh, taken)]
    assert drawn[0] == drawn[1]
    assert np.array_equal(fresh.distribution(), taken.distribution())


def test_an_actor_refuses_a_checkpoint_of_another_network_and_stays(run, play, tmp_path):
    player = play(run)
    observed = np.asarray(player.stage.observations)
    actor = Actor.load(run.latest)
    actor.act(observed)
    before = actor.distribution()
    other = load_checkpoint(run.checkpoint(100), only_to_act=True)
    info = dataclasses.replace(
        other.info, hyperparams={**other.info.hyperparams, "policy_kwargs": "dict(net_arch=[8])"}
    )
    assert not actor.take(dataclasses.replace(other, info=info))
    actor.act(observed)
    assert np.array_equal(actor.distribution(), before)


def test_policies_are_built_once_and_filled_from_then_on(run, play, clock):
    player, viewer = play(run), Watching()
    player.paused = True
    seen = set()
    for steps in (100, 200, 300, 100, 200):
        player.controller.show(0, run.checkpoint(steps))
        turn_until(player, viewer, clock, lambda steps=steps: player.slots[0].trained_steps == steps)
        seen.add(id(player.slots[0].agent))
        fresh = Actor.load(run.checkpoint(steps))
        for actor in (fresh, player.slots[0].agent):
            actor.act(np.asarray(player.stage.observations))
        assert np.array_equal(fresh.distribution(), player.slots[0].agent.distribution())
    assert len(seen) == 2
