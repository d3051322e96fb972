"""Worlds whose steps and resets are captured and played as on a GPU, against the same ones without: every bit."""

import gc
import re
import weakref
from typing import Any

import pytest
import torch

from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.rows import those
from environments.mujoco_gym.task import Task
from environments.mujoco_gym.task_parts import played
from environments.mujoco_gym.tasks import velocity
from environments.mujoco_gym.tasks.hands import reorient
from environments.mujoco_gym.tasks.velocity import VelocityFlatTask
from environments.mujoco_gym.tasks.velocity_config import VelocityFlatConfig
from environments.mujoco_gym.terms import events
from tests.environments.mujoco_gym.replay.test_worlds import WORLDS, step_both
from tests.environments.mujoco_gym.worlds import actions, make

ROBOTS = 7
OFTEN = {
    "VelocityFlatGymEnv-v0": {
        "command.seconds": [0.1, 0.3],
        "randomize.push.seconds": [0.1, 0.4],
        "randomize.friction": {"range": [0.5, 1.0], "when": "interval", "seconds": [0.1, 0.3]},
        "randomize.com": {
            "operation": "add",
            "range": [-0.01, 0.01],
            "names": ".*trunk.*|.*base.*|.*torso.*",
            "when": "interval",
        },
        "randomize.gravity": {"range": [0.9, 1.1], "when": "interval", "seconds": [0.2, 0.3]},
    },
    "VelocityRoughGymEnv-v0": {"command.seconds": [0.1, 0.3]},
    "ParaHandReorientGymEnv-v0": {"success_angle": 1.5},
}
AHEAD = {"goal_ahead_range": [0.3, 0.9], "axis_seconds": 0.3}


@pytest.fixture
def graphs(graphs_on_a_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs without CUDA, of three robots that begin anew or of all."""
    monkeypatch.setattr(played, "RESET_SIZES", (3,))


def pair(env_id: str, **env_kwargs: Any) -> tuple[Task, Task]:
    settings = {"max_steps": 24, **env_kwargs}
    worlds = make(env_id, ROBOTS, **settings), make(env_id, ROBOTS, **settings, **{"sim.cuda_graphs": False})
    for world in worlds:
        world.elapsed[:] = 3 * torch.arange(ROBOTS)
    return worlds


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("env_id", WORLDS)
def test_graphs_are_played_and_change_no_bit(env_id: str) -> None:
    captured, plain = pair(env_id)
    assert plain._replays is None
    step_both(captured, plain, 70)
    replays = captured._replays
    assert replays is not None
    assert replays.play
    assert replays.resets[3][1].plays
    state = captured.resume_state()
    step_both(captured, plain, 10, first=70)
    for world in (captured, plain):
        world.restore_state(state)
    step_both(captured, plain, 10, first=70)


def masked(mask: torch.Tensor, anyway: bool = True) -> tuple[torch.Tensor, torch.Tensor | None]:
    return those(mask, True)


@pytest.mark.parametrize(("env_id", "often"), [*OFTEN.items(), ("ParaHandReorientGymEnv-v0", AHEAD)])
def test_all_robots_and_a_mask_give_what_the_places_of_some_give(
    env_id: str, often: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, which is not asked how many they are."""
    with_mask, with_places = (make(env_id, ROBOTS, **often, **{"sim.replay_up_to": 0}) for _ in range(2))
    with_mask.events._masked = True
    step = with_mask.step

    def masked_step(actions: Any) -> Any:
        with monkeypatch.context() as patch:
            for module in (velocity, reorient, events):
                patch.setattr(module, "those", masked)
            return step(actions)

    with_mask.step = masked_step  # type: ignore[method-assign]
    step_both(with_mask, with_places, 100)


@pytest.mark.usefixtures("graphs")
def test_so_are_masks_in_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (velocity, reorient, events):
        monkeypatch.setattr(module, "those", masked)
    for env_id, often in OFTEN.items():
        captured, plain = pair(env_id, **often)
        for world in (captured, plain):
            world.events._masked = True
        assert step_both(captured, plain, 50) >= 40


class Counting(VelocityFlatTask):
    """A class of a user's that adds something up over the robots whose episodes begin."""

    replayable = True

    def setup(self) -> None:
        super().setup()
        self.begun = torch.zeros((), dtype=torch.int64)

    def begin(self, draws: Draws) -> None:
        super().begin(draws)
        self.begun += self.count


@pytest.mark.usefixtures("graphs")
def test_who_counts_the_robots_that_begin_is_found_out(caplog: pytest.LogCaptureFixture) -> None:
    world = Counting(VelocityFlatConfig(), ROBOTS)
    world.seed(range(ROBOTS))
    world.reset()
    for _ in range(8):
        world.step(actions(world, 0))
        world.reset(torch.tensor([1]))
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 1
    assert re.match(
        r"a recording of Counting's reset does not give .* or adds up over the robots that begin\.", said[0]
    )
    begun = int(world.begun)
    world.reset(torch.tensor([2]))
    assert int(world.begun) == begun + 1


@pytest.mark.usefixtures("graphs")
def test_an_evaluation_that_stays_at_a_stage_keeps_the_graphs() -> None:
    world = make("AntGymEnv-v0", ROBOTS)
    for step in range(6):
        world.step(actions(world, step))
    assert world._replays is not None
    tape = world._replays.rest._tape
    for steps in (1000, 2000, 3000):
        world.stay_at(steps)
        world.step(actions(world, steps))
    assert world._replays.rest._tape is tape
    assert tape is not None


@pytest.mark.usefixtures("graphs")
def test_graphs_that_are_lost_are_freed_at_once() -> None:
    world = make("AntGymEnv-v0", ROBOTS)
    for step in range(6):
        world.step(actions(world, step))
    assert world._replays is not None
    gc.collect()
    gc.disable()
    try:
        lost = weakref.ref(world._replays.rest._tape)
        world.close()
        assert lost() is None
    finally:
        gc.enable()
