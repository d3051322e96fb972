"""Ids of Gymnasium's own registry as entries of ours."""

import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from environments.flags import make_config
from environments.foreign import escaped_id
from environments.foreign.world import foreign_world
from environments.registry import ThreadingType, find_env
from srl3.errors import UserError


def test_an_id_is_found_with_its_constants():
    entry = find_env("Pendulum-v1")
    assert entry.threading is ThreadingType.PROCESS
    config = make_config("Pendulum-v1", {"g": 9.0, "action_repeat": 2})
    assert (config.max_steps, config.is_discrete, config.srl_model) == (200, False, "ground_truth")
    assert config.as_dict()["g"] == 9.0
    assert type(config).from_kwargs(config.as_dict()) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert make_config("CartPole-v1", {}).is_discrete
    assert make_config("MountainCarContinuous-v0", {"max_steps": None}).max_steps is None


@pytest.mark.parametrize(
    ("env_id", "kwargs", "sentence"),
    [
        ("CartPole-v1", {"img_shape": (48, 48)}, "CartPole-v1 has no img_shape; leave out --img-shape"),
        ("CartPole-v1", {"random_target": True}, "has no random_target; leave out --random-target"),
        ("CartPole-v1", {"shape_reward": True}, "has no shape_reward"),
        ("CartPole-v1", {"simple_continual_target": True}, "-sc is a task of OmnirobotEnv-v0"),
        ("CartPole-v1", {"is_discrete": False}, "CartPole-v1 has discrete actions; leave out -c"),
        ("CartPole-v1", {"srl_model": "raw_pixels"}, "does not observe 'raw_pixels'; it observes ground_truth"),
        ("CartPole-v1", {"record_data": True}, "leave out record_data"),
        ("CartPole-v1", {"max_steps": 0}, "must be at least 1"),
        ("CartPole-v1", {"max_steps": "many"}, "max_steps of CartPole-v1 must be a whole number, not 'many'"),
        ("Pendulum-v1", {"gravity": 9.0}, "unknown parameter of Pendulum-v1 'gravity'"),
        ("Pendulum-v1", {"g": "strong"}, "parameter g of Pendulum-v1 must be a number, not 'strong'"),
        ("CartPole-v1", {"sutton_barto_reward": "maybe"}, "must be true or false, not 'maybe'"),
        ("CartPol-v1", {}, "unknown environment 'CartPol-v1'; did you mean CartPole-v1"),
        ("MobileRobotGymEnv-v9", {}, "did you mean MobileRobotGymEnv-v0"),
    ],
)
def test_what_such_a_world_has_no_use_for_is_refused_by_name(env_id, kwargs, sentence):
    with pytest.raises(UserError, match=sentence):
        make_config(env_id, kwargs)


def test_continuous_actions_need_no_flag_and_take_it():
    assert not make_config("Pendulum-v1", {"is_discrete": False}).is_discrete


def test_ids_with_a_namespace_are_one_name():
    assert escaped_id("ALE/Pong-v5") == "ALE-Pong-v5"


def played(world, actions):
    return [world.step(action)[:4] for action in actions]


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "CartPole-v1", "Acrobot-v1"])
def test_an_episode_is_resumed_by_replaying_it(env_id):
    world, again = foreign_world(env_id)(), foreign_world(env_id)()
    world.action_space.seed(0)
    actions = [world.action_space.sample() for _ in range(8)]
    world.reset(seed=3)
    world.reset()  # an episode that begins from a generator in use
    played(world, actions[:5])
    state = world.resume_state()
    assert again.restore_state(state)
    for one, other in zip(played(world, actions[5:]), played(again, actions[5:]), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert np.array_equal(world.reset()[0], again.reset()[0])


class Restless(gymnasium.Env):
    """Never the same twice."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)
    rng = np.random.default_rng()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.rng.standard_normal(1), {"large": object()}

    def step(self, action):
        return self.rng.standard_normal(1), 1.0, False, False, {"is_success": True, "large": object()}


def test_an_episode_that_does_not_repeat_ends_where_it_was_interrupted():
    gymnasium.register("Restless-v0", Restless, max_episode_steps=20)
    try:
        world, again = foreign_world("Restless-v0")(), foreign_world("Restless-v0")()
        assert world.reset(seed=0)[1] == {}
        last = world.step(0)
        assert last[4] == {"is_success": True}
        assert not again.restore_state(world.resume_state())
        observation, reward, terminated, truncated, _ = again.step(1)
        assert np.array_equal(observation, last[0])
        assert (reward, terminated, truncated) == (0.0, False, True)
        again.reset()
        assert again.step(1)[1:4] == (1.0, False, False)
    finally:
        del gymnasium.registry["Restless-v0"]


def test_an_action_is_repeated_and_the_time_limit_is_the_configurations():
    world = foreign_world("Pendulum-v1")(action_repeat=4, max_steps=8)
    plain = gymnasium.make("Pendulum-v1")
    world.reset(seed=1)
    plain.reset(seed=1)
    action = np.array([0.5], np.float32)
    expected = sum(plain.step(action)[1] for _ in range(4))
    assert world.step(action)[1] == expected
    assert world.step(action)[3]


class Wrong(gymnasium.Env):
    """What it observes and earns is set by each test."""

    action_space = spaces.Discrete(2)
    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    observation = np.zeros(2, np.float32)
    next_observation = None
    reward = 1.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation, {}

    def step(self, action):
        return (
            self.observation if self.next_observation is None else self.next_observation,
            self.reward,
            False,
            False,
            {},
        )


PARTS = spaces.Dict({"place": spaces.Box(-1, 1, (2,), np.float32), "floor": spaces.Discrete(3)})
PICTURE = spaces.Box(0, 255, (40, 40, 3), np.uint8)
PAIR = spaces.Tuple((spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(3)))


@pytest.fixture
def wrong(monkeypatch):
    """``wrong(reward=…)`` gives a registered world with these attributes."""

    def make(**attributes):
        spec = gymnasium.envs.registration.EnvSpec("Wrong-v0", type("Wrong", (Wrong,), attributes))
        monkeypatch.setitem(gymnasium.registry, "Wrong-v0", spec)
        return foreign_world.__wrapped__("Wrong-v0")()

    return make


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"observation": np.zeros(1, np.float32)}, r"observations of shape \(2,\), but an observation has \(1,\)"),
        ({"observation": np.full(2, 5, np.float32)}, r"observations in \[-1, 1\], but an observation lies outside"),
        ({"observation": np.full(2, np.nan, np.float32)}, "must be finite, but an observation holds nan"),
        ({"observation": "hello"}, "but an observation is a str"),
        ({"observation_space": PICTURE, "observation": np.full((40, 40, 3), 0.5)}, "of uint8, but .* is of float64"),
        ({"observation_space": PARTS, "observation": {"place": np.zeros(2, np.float32)}}, "has the parts"),
        (
            {"observation_space": PARTS, "observation": {"place": np.zeros(2, np.float32), "floor": 7}},
            r"declares observations Discrete\(3\), but an observation's floor is 7",
        ),
        (
            {"observation_space": PAIR, "observation": (np.zeros(3, np.float32), 1)},
            r"an observation's part 0 has \(3,\)",
        ),
        ({"observation_space": PAIR, "observation": (np.zeros(2, np.float32),)}, "declares 2 observations"),
    ],
)
def test_what_such_a_world_gives_first_is_held_against_its_spaces(wrong, attributes, sentence):
    with pytest.raises(UserError, match=f"Wrong-v0 .*{sentence}"):
        wrong(**attributes).reset(seed=0)
    fitting = attributes.get("observation_space", Wrong.observation_space).sample()
    world = wrong(**{**attributes, "observation": fitting, "next_observation": attributes["observation"]})
    world.reset(seed=0)
    with pytest.raises(UserError, match=f"Wrong-v0 .*{sentence}"):
        world.step(0)


@pytest.mark.parametrize(
    ("reward", "sentence"),
    [("one", "one number"), (np.ones(2), "one number"), (np.ones(1), "one number"), (float("nan"), "must be finite")],
)
def test_the_first_reward_of_such_a_world_is_one_finite_number(wrong, reward, sentence):
    world = wrong(reward=reward)
    world.reset(seed=0)
    with pytest.raises(UserError, match=f"the reward of Wrong-v0 must be .*{sentence.removeprefix('must be ')}"):
        world.step(0)


def numbers(observation):
    """All that an observation holds, flat."""
    parts = observation if isinstance(observation, tuple) else (observation,)
    return [float(value) for part in parts for value in np.ravel(part)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"observation": np.zeros(2)},
        {"observation": [0.0, 0.5]},
        {"observation_space": PAIR, "observation": (np.zeros(2, np.float32), 1)},
        {"observation_space": spaces.Box(0, 1, (), np.float32), "observation": 0.5},
        {"reward": np.float32(2)},
    ],
)
def test_what_gymnasium_takes_for_an_array_is_one(wrong, attributes):
    world = wrong(**attributes)
    given = attributes.get("observation", Wrong.observation)
    first, _ = world.reset(seed=0)
    second, reward, *_ = world.step(0)
    for seen in (first, second):
        assert numbers(seen) == numbers(given)
    assert reward == attributes.get("reward", Wrong.reward)


class Older(gymnasium.Env):
    """A world of the interface before Gymnasium 0.26."""

    observation_space = gymnasium.spaces.Box(-1, 1, (3,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, today: str = "") -> None:
        self.today = today

    def reset(self, **kwargs):
        if self.today == "arguments":
            return np.zeros(3, np.float32)
        return np.zeros(3, np.float32), {}

    def step(self, action):
        if self.today == "own":
            raise ValueError("not enough values to unpack (expected 2, got 1)")
        return np.zeros(3, np.float32), 0.0, False, {}


@pytest.mark.parametrize("limit", [5, None])
def test_a_world_of_the_older_interface_is_named(limit):
    gymnasium.register("Older-v0", Older)
    try:
        make = find_env("Older-v0").load_class()
        with pytest.raises(
            UserError, match=r"reset of Older-v0 is of the interface before .*give \(observation, info\)"
        ):
            make(max_steps=limit, today="arguments").reset(seed=0)
        world = make(max_steps=limit, today="reset")
        world.reset(seed=0)
        with pytest.raises(UserError, match=r"step of Older-v0 is of .*expected 5, got 4.*terminated, truncated, info"):
            world.step(0)
        world = make(max_steps=limit, today="own")
        world.reset(seed=0)
        with pytest.raises(ValueError, match="unpack"):  # a slip of its own keeps its traceback
            world.step(0)
    finally:
        del gymnasium.registry["Older-v0"]


def test_an_observation_of_two_numbers_is_no_observation_and_info():
    class Pair(Older):
        observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)

        def reset(self, **kwargs):
            return np.zeros(2, np.float32)

    gymnasium.register("Pair-v0", Pair)
    try:
        with pytest.raises(UserError, match=r"reset of Pair-v0 is of the interface before .*\(observation, info\)"):
            find_env("Pair-v0").load_class()().reset(seed=0)
    finally:
        del gymnasium.registry["Pair-v0"]


def test_a_reset_that_takes_no_seed_is_named():
    class Unseeded(Older):
        def reset(self):
            return np.zeros(3, np.float32)

    gymnasium.register("Unseeded-v0", Unseeded)
    try:
        with pytest.raises(
            UserError, match=r"reset of Unseeded-v0 .*'seed'.*it must be reset\(seed=None, options=None\)"
        ):
            find_env("Unseeded-v0").load_class()().reset(seed=0)
    finally:
        del gymnasium.registry["Unseeded-v0"]


def test_what_a_constructor_refuses_is_one_sentence():
    pytest.importorskip("Box2D")
    with pytest.raises(UserError, match=r"LunarLander-v3 can't be made with gravity:-20: .*between -12 and 0\."):
        make_config("LunarLander-v3", {"gravity": -20}).as_dict()
