"""Each parameter of each world is followed by a curriculum, or refused; walked over the registry."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from environments.mujoco_gym.config import Stage
from environments.mujoco_gym.task import Task
from environments.registry import find_env, registered_env
from srl3.errors import UserError
from tests.environments.mujoco_gym import worlds

WORLDS = [name for name, entry in registered_env.items() if entry.entry_point.startswith("environments.mujoco_gym")]
LENGTH = 12
SMALL = {"sim.threads": 1, "max_steps": LENGTH}


def numbers_of(env_id: str) -> Iterator[tuple[str, Any]]:
    """Another value of each parameter that is a number or some."""
    config_class = find_env(env_id).load_config()
    for name, value in config_class.from_kwargs(SMALL).flat().items():
        if isinstance(value, bool | str | None) or value == [] or name.partition(".")[0] in ("sim", "max_steps"):
            continue
        if isinstance(value, list):
            if not all(isinstance(part, int | float) for part in value):
                continue
            changed: Any = [part * 1.5 + 0.01 for part in value]
        else:
            changed = value + 1 if isinstance(value, int) else value * 0.6 if value else 0.3
        try:
            config_class.from_kwargs({**SMALL, name: changed})
        except UserError:
            continue
        yield name, changed


def make(env_id: str, **env_kwargs: Any) -> Task:
    face: Any = find_env(env_id).load_class()
    drawn = {"terrain.curriculum": False} if face.config_class.has("terrain") else {}  # no levels that were reached
    world: Task = face.world_class(face.config_class.from_kwargs({**SMALL, **drawn, **env_kwargs}), 2)
    return world


def lived(world: Task) -> list[torch.Tensor]:
    """What two robots see and earn in an episode and the beginning of the next."""
    generator = torch.Generator().manual_seed(0)
    world.seed([0, 1])
    world.reset()
    found = []
    for _ in range(LENGTH + 3):
        found.append(world.observe().clone())
        step = world.step(torch.rand((2, *world.action_space.shape), generator=generator) * 2 - 1)  # type: ignore[misc]
        found += [step.reward, step.terms, step.terminated, step.truncated]
        over = (step.terminated | step.truncated).nonzero(as_tuple=True)[0]
        if len(over):
            world.reset(over)
    return found


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_weights_are_followed_in_all_worlds() -> None:
    for env_id in WORLDS:
        names = list(find_env(env_id).load_config().from_kwargs({}).rewards)  # type: ignore[attr-defined]
        weights = {f"rewards.{name}": 0.1 * (number + 1) for number, name in enumerate(names)}
        world = make(env_id, curriculum=[{"after": 5, "values": weights}])
        world.stay_at(5)
        assert same(lived(world), lived(make(env_id, **weights))), env_id


@pytest.mark.slow
@pytest.mark.parametrize("env_id", WORLDS)
def test_each_parameter_is_followed_or_refused(env_id: str) -> None:
    plain = find_env(env_id).load_config().from_kwargs(SMALL).flat()
    changes = {}
    for name, changed in numbers_of(env_id):
        if name.startswith("rewards."):
            continue
        try:
            find_env(env_id).load_config().from_kwargs({"curriculum": [{"after": 1, "values": {name: changed}}]})
        except UserError:
            continue
        changes[name] = changed
    assert changes
    back = [{name: plain[name]} for name in changes]
    stages = [
        {"after": number, "values": {**(back[number - 1] if number else {}), name: changed}}
        for number, (name, changed) in enumerate(changes.items())
    ]
    staged = make(env_id, curriculum=stages)
    for number, (name, changed) in enumerate(changes.items()):
        staged.stay_at(number)
        assert same(lived(staged), lived(make(env_id, **{name: changed}))), name


def test_stages_come_in_the_order_of_their_beginnings() -> None:
    stages = (Stage(after=8, values={"rewards.alive": 3.0}), Stage(after=4, values={"rewards.alive": 2.0}))
    config = find_env("AntGymEnv-v0").load_config().from_kwargs({"curriculum": stages})
    alive = [config.as_trained(steps).rewards["alive"] for steps in (3, 4, 8)]  # type: ignore[attr-defined]
    assert alive == [0.5, 2.0, 3.0]
    assert config.as_trained(5, further=True).as_trained(3).rewards["alive"] == 3.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("curriculum", "words"),
    [
        ([{"after": -1, "values": {"rewards.alive": 1.0}}], "at least 0 steps, not -1"),
        ([{"after": 1, "values": {"observations.policy.joint_vel.noise": 0.1}}], "can't change observations"),
        ([{"after": 1, "values": {"actions.moving_average": 0.5}}], "can't change actions.moving_average"),
        ([{"after": 1, "values": {"sim": 3.0}}], "can't change sim"),
    ],
)
def test_what_a_curriculum_can_not_be(curriculum: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(UserError, match=words):
        find_env("AntGymEnv-v0").load_config().from_kwargs({"curriculum": curriculum})


def test_a_length_in_seconds_gives_way_to_steps() -> None:
    config_class = find_env("AntGymEnv-v0").load_config()
    seconds = config_class.from_kwargs({"episode_length_s": 0.2})
    assert config_class.from_kwargs({**seconds.as_dict(), "max_steps": 4}).max_steps == 4
    stages = [{"after": 2, "values": {"episode_length_s": 0.2}}]
    staged = config_class.from_kwargs({"max_steps": 8, "curriculum": stages})
    assert staged.as_trained(2).max_steps == seconds.max_steps == 12
    assert staged.holding(["max_steps"]).as_trained(2).max_steps == 8


def test_what_a_stage_changes_is_computed_anew():
    stages = [{"after": 5, "values": {"termination_height": 9.0}}]
    world = worlds.make("AntGymEnv-v0", 2, curriculum=stages)
    assert not world.fallen.any()
    world.count_from(5)
    assert world.fallen.all()
