"""Worlds of few robots, which play tapes, against the same ones without: every bit."""

import gc
import weakref
from typing import Any

import pytest
import torch

from environments.mujoco_gym.config import TaskConfig
from environments.mujoco_gym.task import Task
from environments.mujoco_gym.tasks.velocity import VelocityFlatTask
from environments.registry import registered_env
from tests.environments.mujoco_gym.worlds import actions, make

WORLDS = [name for name, entry in registered_env.items() if issubclass(entry.load_config(), TaskConfig)]
NOISY = {
    "VelocityFlatGymEnv-v0": {
        "observations.policy.joint_pos.noise": 0.01,
        "observations.policy.joint_vel.noise": 0.1,
        "observations.policy.joint_vel.noise_kind": "gaussian",
        "observations.policy.base_ang_vel.delay": 2,
        "observations.policy.command.history": 3,
        "actions.delay": 1,
        "actions.moving_average": 0.7,
        "randomize.push.seconds": [0.1, 0.4],
        "randomize.friction.range": [0.5, 1.0],
        "randomize.friction.when": "interval",
        "randomize.friction.seconds": [0.2, 0.3],
        "command.seconds": [0.2, 0.5],
    },
    "AntGymEnv-v0": {
        "curriculum": [
            {"after": 25, "values": {"rewards.alive": 3.0}},
            {"after": 50, "values": {"rewards.action_cost": -0.1}},
        ]
    },
    "ParaHandReorientGymEnv-v0": {"goal_ahead_range": [0.3, 0.9], "axis_seconds": 0.3},
}


def pair(env_id: str, num_envs: int, **env_kwargs: Any) -> tuple[Task, Task]:
    settings = {"max_steps": 40, **env_kwargs}
    return make(env_id, num_envs, **settings), make(env_id, num_envs, **settings, **{"sim.replay_up_to": 0})


def plays(world: Task) -> bool:
    return world._replays is not None and world._replays.play


def step_both(replaying: Task, calling: Task, steps: int, first: int = 0) -> int:
    """How many of the steps were played; robots whose episodes end begin others."""
    played = 0
    for number in range(first, first + steps):
        results = [world.step(actions(world, number)) for world in (replaying, calling)]
        for name in ("reward", "terminated", "truncated", "success", "terms"):
            one, other = (getattr(result, name) for result in results)
            assert one.numpy().tobytes() == other.numpy().tobytes(), (number, name)
        for name, ended in results[1].endings.items():
            assert torch.equal(results[0].endings[name], ended), (number, name)
        for name in (*replaying.task_arrays, "elapsed", "applied", "episode_return", "episode_terms"):
            one, other = (getattr(world, name).numpy().tobytes() for world in (replaying, calling))
            assert one == other, (number, name)
        for group in replaying.observation_spaces:
            one, other = (world.observe(group=group).numpy().tobytes() for world in (replaying, calling))
            assert one == other, (number, group)
        assert torch.equal(replaying.ground_truth(), calling.ground_truth())
        played += plays(replaying)
        over = results[1].terminated | results[1].truncated
        for world in (replaying, calling):
            world.reset(over)
    return played


@pytest.mark.parametrize("num_envs", [1, 5])
@pytest.mark.parametrize("env_id", WORLDS)
def test_tapes_are_played_and_change_no_bit(env_id: str, num_envs: int) -> None:
    replaying, calling = pair(env_id, num_envs)
    assert calling._replays is None
    assert step_both(replaying, calling, 60) >= 40
    state = replaying.resume_state()  # and from a snapshot
    step_both(replaying, calling, 10, first=60)
    for world in (replaying, calling):
        world.restore_state(state)
    step_both(replaying, calling, 10, first=60)
    assert plays(replaying)


@pytest.mark.parametrize("env_id", NOISY)
def test_nor_with_noise_delay_history_events_and_curricula(env_id: str) -> None:
    replaying, calling = pair(env_id, 4, **NOISY[env_id])
    assert step_both(replaying, calling, 90) >= 20


@pytest.mark.parametrize(
    ("env_id", "command"),
    [("VelocityFlatGymEnv-v0", [0.5, 0.0, 0.2]), ("ParaHandReorientGymEnv-v0", [20.0, 10.0, 5.0])],
)
def test_a_persons_commands_and_pushes_are_obeyed(env_id: str, command: list[float]) -> None:
    replaying, calling = pair(env_id, 2)
    step_both(replaying, calling, 10)
    for told in (command, [value / 2 for value in command], None):
        for world in (replaying, calling):
            world.set_command(told)
            if world.can_be_pushed:
                world.push(slice(0, 1), [0.3, 0.0, 0.0])
        step_both(replaying, calling, 10)
    assert plays(replaying)


def test_a_state_that_failed_is_noticed(tmp_path) -> None:
    replaying, calling = pair("AntGymEnv-v0", 3)
    for world in (replaying, calling):
        world.failures_folder = tmp_path
    step_both(replaying, calling, 10)
    assert plays(replaying)
    for world in (replaying, calling):
        world.exact("qvel")[1, 3] = 1e9
    results = [world.step(actions(world, 10)) for world in (replaying, calling)]
    for result in results:
        assert result.endings["non_finite"].tolist() == [False, True, False]
        assert result.terms[:, 1].tolist() == [0.0] * len(result.terms)
    assert replaying.failures.count == calling.failures.count == 1


def test_every_failure_of_a_robot_is_noticed() -> None:
    world = make("AntGymEnv-v0", 2)
    for attempt in range(3):
        for number in range(8):
            world.step(actions(world, number))
        world.exact("qvel")[1, 3] = 1e9
        failed = world.step(actions(world, 8)).endings["non_finite"]
        assert failed.tolist() == [False, True], attempt
        world.reset(failed)
    assert world.failures.count == 3


class _Limp(VelocityFlatTask):
    """Its motors are off while it is tilted; and a mistake that a subclass may make."""

    replayable = True
    mistake = ""

    def control(self, actions: torch.Tensor) -> torch.Tensor:
        return torch.where(self.projected_gravity[:, 2:] > -0.97, self.default_joint_pos, actions)

    def compute_task_rewards(self) -> dict[str, torch.Tensor]:
        rewards = super().compute_task_rewards()
        if self.mistake == "steps" and self.steps > 30:
            rewards["pose"] = rewards["pose"] * 2
        if self.mistake == "lists" and max(self.age.tolist()) > 20:
            rewards["pose"] = rewards["pose"] * 2
        return rewards


@pytest.mark.parametrize("mistake", ["", "steps", "lists"])
def test_a_class_of_ones_own(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Limp, "mistake", mistake)
    config = make("VelocityFlatGymEnv-v0", 1, max_steps=60).config
    off = type(config).from_kwargs({"max_steps": 60, "sim.replay_up_to": 0})
    replaying, calling = _Limp(config, 3), _Limp(off, 3)
    for world in (replaying, calling):
        world.seed([0, 1, 2])
        world.reset()
    played = step_both(replaying, calling, 70)
    assert (played > 40) == (mistake == "")


def test_a_world_that_is_dropped_is_gone() -> None:
    world = make("AntGymEnv-v0", 2)
    for number in range(8):
        world.step(actions(world, number))
    assert plays(world)
    there = weakref.ref(world)
    gc.disable()
    try:
        del world
        assert there() is None
    finally:
        gc.enable()


def test_a_person_who_turns_a_knob_does_not_slow_the_world_down() -> None:
    world = make("VelocityFlatGymEnv-v0", 2, **{"command.seconds": [500, 600]})
    world.set_command([0.1, 0, 0])
    for number in range(8):
        world.step(actions(world, number))
    assert plays(world)
    for number in range(10):
        world.set_command([0.1 * number, 0, 0])
        world.step(actions(world, number))
        assert plays(world)
        assert world.command[:, 0].tolist() == pytest.approx([0.1 * number] * 2)


def test_many_robots_and_classes_that_promise_nothing_stay_with_torch() -> None:
    world = make("AntGymEnv-v0", 3)
    assert make("AntGymEnv-v0", 3, **{"sim.replay_up_to": 2})._replays is None
    own = type("OwnTask", (type(world),), {})
    assert own(world.config, 3)._replays is None


def test_results_are_copies_that_can_be_learned_from() -> None:
    world = make("AntGymEnv-v0", 2)
    for number in range(8):
        step = world.step(actions(world, number))
    assert plays(world)
    before = step.reward.clone()
    step.terms.zero_()
    world.step(actions(world, 8))
    assert torch.equal(step.reward, before)
    weight = torch.ones(2, requires_grad=True)
    (weight * step.reward).sum().backward()
    assert torch.equal(weight.grad, before)
