"""Any world's spaces in the form that algorithms take."""

import numpy as np
import pytest
from gymnasium import spaces

from rl_baselines.vec_envs.plain_spaces import with_plain_spaces
from srl3.errors import UserError
from srl3.spaces import same
from tests.rl_baselines.vec_envs.space_worlds import ACTIONS, OBSERVED, SpaceWorld


@pytest.mark.parametrize("observed", list(OBSERVED))
def test_plain_worlds_stay_as_they_are(observed):
    world = SpaceWorld(OBSERVED[observed], ACTIONS["continuous"])
    assert with_plain_spaces(world) is world


def test_nested_dictionaries_and_tuples_become_one_dict():
    box = spaces.Box(0, 1, (), np.float32)
    inner = spaces.Dict({"left": spaces.Discrete(3, start=2), "right": spaces.Tuple((box, spaces.MultiBinary([2, 3])))})
    world = SpaceWorld(spaces.Dict({"hands": inner, "time": spaces.Box(0, 1, (1,), np.float32)}), ACTIONS["discrete"])
    env = with_plain_spaces(world)
    assert same(
        env.observation_space,
        spaces.Dict(
            {
                "hands:left": spaces.Discrete(3),
                "hands:right:0": spaces.Box(0, 1, (1,), np.float32),
                "hands:right:1": spaces.MultiBinary(6),
                "time": spaces.Box(0, 1, (1,), np.float32),
            }
        ),
    )
    observation, _ = env.reset(seed=4)
    world.reset(seed=4)
    world.np_random = np.random.default_rng()
    again = SpaceWorld(world.observation_space, world.action_space).reset(seed=4)[0]
    assert observation["hands:left"] == again["hands"]["left"] - 2
    assert observation["hands:right:0"].shape == (1,)
    assert observation["hands:right:0"][0] == again["hands"]["right"][0]
    assert np.array_equal(observation["hands:right:1"], again["hands"]["right"][1].ravel())


@pytest.mark.parametrize(
    ("space", "plain", "action", "given"),
    [
        (spaces.Discrete(3, start=5), spaces.Discrete(3), np.int64(1), 6),
        (
            spaces.MultiDiscrete([[2, 3], [4, 5]], start=[[1, 1], [1, 1]]),
            spaces.MultiDiscrete([2, 3, 4, 5]),
            np.array([0, 1, 2, 3]),
            [[1, 2], [3, 4]],
        ),
        (spaces.MultiBinary([2, 2]), spaces.MultiBinary(4), np.array([0, 1, 1, 0], np.int8), [[0, 1], [1, 0]]),
        (spaces.Box(-2, 2, (), np.float32), spaces.Box(-2, 2, (1,), np.float32), np.array([1.5], np.float32), 1.5),
    ],
)
def test_actions_reach_the_world_as_it_wants_them(space, plain, action, given):
    world = SpaceWorld(OBSERVED["box"], space)
    env = with_plain_spaces(world)
    assert same(env.action_space, plain)
    env.reset(seed=0)
    env.step(action)
    assert np.array_equal(world.actions[-1], given)


def test_an_image_with_the_channels_first_is_turned_round():
    space = spaces.Box(0, 255, (3, 40, 36), np.uint8)
    env = with_plain_spaces(SpaceWorld(space, ACTIONS["discrete"]))
    assert env.observation_space.shape == (40, 36, 3)
    image, _ = env.reset(seed=1)
    seen, _ = SpaceWorld(space, ACTIONS["discrete"]).reset(seed=1)
    assert np.array_equal(image[..., 2], seen[2])


def test_what_a_world_says_is_no_image_is_flat():
    world = SpaceWorld(OBSERVED["dict"], ACTIONS["discrete"])
    world.image_paths = ()
    env = with_plain_spaces(world)
    assert env.observation_space["camera"].shape == (40 * 36 * 3,)
    assert env.reset(seed=1)[0]["camera"].shape == (40 * 36 * 3,)


def test_other_spaces_are_refused():
    with pytest.raises(UserError, match="Text observations are not supported"):
        with_plain_spaces(SpaceWorld(spaces.Text(4), ACTIONS["discrete"]))
    with pytest.raises(UserError, match="Dict actions are not supported; use Box"):
        with_plain_spaces(SpaceWorld(OBSERVED["box"], spaces.Dict({"a": spaces.Discrete(2)})))
