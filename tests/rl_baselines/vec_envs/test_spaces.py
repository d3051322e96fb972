"""Every kind of space through workers, stacks, normalisers and algorithms."""

from contextlib import closing

import numpy as np
import pytest
from gymnasium import spaces

from rl_baselines.registry import check_action_space, find_algo
from rl_baselines.vec_envs.create import restore_vec_env_state, vec_env_state
from rl_baselines.vec_envs.leaves import leaves_of
from srl3.errors import UserError
from tests.rl_baselines.vec_envs.space_worlds import ACTIONS, OBSERVED, SpaceWorld, space_envs

PAIRWISE = [
    # observed, acted, workers, stack, normalise: each pair of values is in some row
    ("box", "discrete", 1, 2, True),
    ("box", "continuous", 2, 1, False),
    ("discrete", "multi_discrete", 2, 1, False),
    ("discrete", "continuous", 1, 1, True),
    ("multi_discrete", "multi_binary", 1, 1, False),
    ("multi_binary", "discrete", 2, 1, True),
    ("dict", "multi_binary", 2, 2, True),
    ("dict", "multi_discrete", 1, 1, True),
    ("dict", "continuous", 1, 2, False),
    ("dict", "discrete", 2, 1, False),
    ("image", "multi_discrete", 1, 2, False),
    ("image", "multi_binary", 2, 1, True),
]


def equal(one, other):
    one, other = leaves_of(one), leaves_of(other)
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def steps(venv, actions):
    """Observations, rewards, dones and last observations of some steps."""
    told = []
    for action in actions:
        observations, rewards, dones, infos = venv.step(action)
        last = [infos[rank]["terminal_observation"] for rank in np.flatnonzero(dones)]
        told.append((observations, rewards.tolist(), dones.tolist(), last))
    return told


@pytest.mark.parametrize(("observed", "acted", "workers", "stack", "normalize"), PAIRWISE)
def test_observations_are_of_their_space_and_go_on_where_they_were(observed, acted, workers, stack, normalize):
    """10 steps, 4 more in other environments made the same way, against 14 in one go: the same to the last bit."""
    can_stack = observed in ("box", "image", "dict")
    options = {"workers": workers, "stack": stack if can_stack else 1, "normalize": normalize and observed != "image"}
    options["normalize"] = options["normalize"] and observed in ("box", "dict")
    space = ACTIONS[acted]
    space.seed(3)
    actions = [np.stack([space.sample(), space.sample()]) for _ in range(14)]
    one = space_envs(observed, acted, **options)
    first = one.reset()
    for key, leaf in leaves_of(first).items():
        wanted = one.observation_space[key] if key else one.observation_space
        assert leaf.shape == (2, *wanted.shape)
        for row in leaf:
            # gymnasium holds int8 arrays and int64 scalars for elements of these spaces
            assert wanted.contains(row if leaf.ndim > 1 else np.int64(row))
    steps(one, actions[:10])
    state = vec_env_state(one)
    expected = steps(one, actions[10:])
    assert any(dones[0] for _, _, dones, _ in expected)
    other = space_envs(observed, acted, seed=99, **options)
    other.reset()
    restore_vec_env_state(other, state)
    for (a, rewards, dones, last), (b, again, over, ends) in zip(expected, steps(other, actions[10:]), strict=True):
        assert equal(a, b)
        assert (rewards, dones) == (again, over)
        assert all(equal(x, y) for x, y in zip(last, ends, strict=True))
    one.close()
    other.close()


@pytest.mark.parametrize("acted", list(ACTIONS))
def test_workers_give_what_one_process_gives(acted):
    space = ACTIONS[acted]
    space.seed(5)
    actions = [np.stack([space.sample() for _ in range(3)]) for _ in range(9)]
    alone = space_envs("dict", acted, n_envs=3)
    spread = space_envs("dict", acted, n_envs=3, workers=2)
    assert equal(alone.reset(), spread.reset())
    for (a, _, dones, last), (b, _, over, ends) in zip(steps(alone, actions), steps(spread, actions), strict=True):
        assert equal(a, b)
        assert dones == over
        assert all(equal(x, y) for x, y in zip(last, ends, strict=True))
    assert np.array_equal(np.stack(spread.env_method("taken")), np.stack(actions, axis=1))
    alone.close()
    spread.close()


LEARNING = [
    ("ppo2", "dict", "multi_discrete", {"n_steps": 8, "batch_size": 8, "n_epochs": 1}),
    ("ppo2", "discrete", "multi_binary", {"n_steps": 8, "batch_size": 8, "n_epochs": 1}),
    ("a2c", "dict", "multi_binary", {"n_steps": 8}),
    ("trpo", "multi_discrete", "multi_discrete", {"n_steps": 8, "batch_size": 8}),
    ("recurrent_ppo", "dict", "multi_binary", {"n_steps": 8, "batch_size": 8, "n_epochs": 1}),
    ("maskable_ppo", "dict", "multi_discrete", {"n_steps": 8, "batch_size": 8, "n_epochs": 1}),
    ("dqn", "dict", "discrete", {"learning_starts": 4, "buffer_size": 50, "batch_size": 4}),
    ("qrdqn", "multi_binary", "discrete", {"learning_starts": 4, "buffer_size": 50, "batch_size": 4}),
    ("sac", "dict", "continuous", {"learning_starts": 4, "buffer_size": 50, "batch_size": 4}),
    ("tqc", "dict", "continuous", {"learning_starts": 4, "buffer_size": 50, "batch_size": 4}),
    ("td3", "discrete", "continuous", {"learning_starts": 4, "buffer_size": 50, "batch_size": 4}),
    ("crossq", "multi_discrete", "continuous", {"learning_starts": 4, "buffer_size": 50, "batch_size": 4}),
    ("ars", "dict", "discrete", {"n_delta": 2, "n_top": 1}),
    ("cma-es", "dict", "continuous", {"population_size": 4, "policy_kwargs": {"net_arch": [4]}}),
    ("random_agent", "dict", "multi_binary", {"n_steps": 8}),
    ("random_agent", "dict", "multi_discrete", {"n_steps": 8}),
]


@pytest.mark.parametrize(("algo", "observed", "acted", "hyperparams"), LEARNING)
def test_algorithms_learn_and_act(algo, observed, acted, hyperparams):
    """They take a rollout and an update, and act within the action space."""
    small = OBSERVED[observed]
    if algo in ("ars", "cma-es"):
        small = spaces.Dict({key: leaf for key, leaf in OBSERVED["dict"].items() if key != "camera"})
    venv = space_envs(small, acted, normalize=observed == "dict")
    model = find_algo(algo).load_class().make_model(venv, hyperparams, seed=0, device="cpu")
    model.learn(40)
    assert model.num_timesteps >= 40
    actions, _ = model.predict(venv.reset(), deterministic=False)
    for action in actions:
        assert ACTIONS[acted].contains(action.astype(ACTIONS[acted].dtype))
    venv.close()


def test_what_an_algorithm_does_not_take_is_refused_by_name():
    check_action_space("ppo", ACTIONS["multi_binary"])
    with pytest.raises(UserError, match=r"dqn takes no multi-discrete actions; use one of ppo2, .*maskable_ppo"):
        check_action_space("dqn", ACTIONS["multi_discrete"])
    with pytest.raises(UserError, match="have no finite bounds"):
        check_action_space("sac", spaces.Box(-np.inf, np.inf, (2,), np.float32))
    with pytest.raises(UserError, match="are a Box of whole numbers; declare them as MultiDiscrete"):
        check_action_space("ppo", spaces.Box(0, 5, (2,), np.int64))
    venv = space_envs("dict", "continuous")
    with pytest.raises(UserError, match="CrossQ observes one array, not a Dict; use ppo"):
        find_algo("crossq").load_class().make_model(venv, {}, seed=0)
    with pytest.raises(UserError, match=r"DQN takes no continuous actions, such as Box.*, only discrete ones"):
        find_algo("dqn").load_class().make_model(venv, {}, seed=0)
    venv.close()
    for name in ("a.b", "items"):
        venv = space_envs(spaces.Dict({name: OBSERVED["box"]}), n_envs=1)
        with pytest.raises(UserError, match=f"'{name}' can't be the name of an observation"):
            find_algo("ppo").load_class().make_model(venv, {}, seed=0)
        venv.close()
    with pytest.raises(UserError, match="can't be stacked; leave out --num-stack"):
        space_envs("discrete", stack=2)


@pytest.mark.parametrize("name", sorted({name for name, *_ in LEARNING} | {"ddpg", "deepq", "ppo"}))
def test_registry_and_class_say_the_same_of_actions(name):
    assert set(find_algo(name).actions) == set(find_algo(name).load_class().actions)


def test_a_replay_buffer_of_a_dict_is_measured_too():
    venv = space_envs("dict", n_envs=1)
    with pytest.raises(UserError, match=r"a replay buffer of 10+ steps takes .* GiB for observations in Dict"):
        find_algo("dqn").load_class().make_model(venv, {"buffer_size": 10**12}, seed=0)
    venv.close()


class Mistaken(find_algo("ppo").load_class()):
    """An algorithm from elsewhere whose constructor has a mistake in it."""

    @classmethod
    def model_class(cls):
        from stable_baselines3 import PPO

        class MistakenPPO(PPO):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                raise TypeError("a mistake of the author's")

        return MistakenPPO


def test_a_mistake_in_an_algorithms_own_code_is_not_put_down_to_hyperparameters():
    venv = space_envs("box", n_envs=1)
    with pytest.raises(TypeError, match="a mistake of the author's"):
        Mistaken.make_model(venv, {}, seed=0)
    with pytest.raises(UserError, match=r"PPO refuses these hyperparameters: .*foo"):
        find_algo("ppo").load_class().make_model(venv, {"policy_kwargs": {"optimizer_kwargs": {"foo": 1}}}, seed=0)
    venv.close()


@pytest.mark.parametrize(
    ("observed", "wrong", "sentence"),
    [
        ("discrete", lambda seen: np.int64(5), r"an observation as Discrete\(5\), but environment 0 gave 5"),
        ("multi_discrete", lambda seen: np.array([1, 4]), r"MultiDiscrete.*, but environment 0 gave \[1 4\]"),
        ("dict", lambda seen: {**seen, "gear": np.int64(-1)}, r"observation gear as Discrete\(4\), .* gave -1"),
        ("dict", lambda seen: {**seen, "lamps": np.array([0, 2, 0], np.int8)}, r"observation lamps as MultiBinary"),
    ],
)
def test_a_choice_that_is_not_declared_is_said_whenever_it_comes(observed, wrong, sentence, monkeypatch):
    monkeypatch.setenv("PYTHON_CPU_COUNT", "1")
    with closing(space_envs(observed)) as venv:
        venv.reset()
        for _ in range(3):
            venv.step(np.zeros(2, np.int64))
        drawn = SpaceWorld._drawn

        def draw(self, space):
            return wrong(drawn(self, space)) if space is self.observation_space else drawn(self, space)

        monkeypatch.setattr(SpaceWorld, "_drawn", draw)
        with pytest.raises(UserError, match=sentence):
            venv.step(np.zeros(2, np.int64))
