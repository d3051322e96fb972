"""The contract of every environment: the registry times its modes, a new world included from its first day."""

import dataclasses
import gc
import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import environments  # noqa: F401  (registers the worlds)
from environments.config import PIXELS, SRLConfig
from environments.registry import find_env, registered_env
from environments.srl_env import SRLGymEnv
from srl3.errors import UserError

STEPS = 6
SMALL = (36, 44)
SETTLE = {"settle_steps": 5}
"""a parameter of the arms: physics steps when the scene is built, of which the contract needs few"""
ACTIONS: dict[str, dict[str, Any]] = {
    "discrete": {"is_discrete": True},
    "continuous": {"is_discrete": False},
    "joint": {"is_discrete": False, "action_joints": True},
}
SRL_WORLDS = [env_id for env_id, entry in registered_env.items() if issubclass(entry.load_config(), SRLConfig)]
"""worlds in the manner of the S-RL Toolbox: those with modes"""
NOT_SWITCHES = {"is_discrete", "action_joints", "renders", "relative_pos"}


def config_of(env_id: str) -> type[SRLConfig]:
    return find_env(env_id).load_config()


def accepted(env_id: str, env_kwargs: dict[str, Any]) -> bool:
    try:
        config_of(env_id).from_kwargs(env_kwargs)
    except UserError:
        return False
    return True


def modes_of(env_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mode of a world by name: actions times observations, then each switch of its own, seen and as a state."""
    config = config_of(env_id)
    fields = {field.name: field for field in dataclasses.fields(config)}
    common = {"img_shape": SMALL, "max_steps": STEPS, **{name: v for name, v in SETTLE.items() if name in fields}}
    kinds = {name: kwargs for name, kwargs in ACTIONS.items() if accepted(env_id, kwargs)}
    for (actions, kwargs), state in itertools.product(kinds.items(), config.modes.states):
        yield f"{actions}-{state}", {**common, **kwargs, "srl_model": state}
    first = next(iter(kinds))
    switches = [name for name, field in fields.items() if isinstance(field.default, bool) and name not in NOT_SWITCHES]
    for state, name in itertools.product((config.modes.states[0], config.modes.states[1]), switches):
        mode = {**common, **kinds[first], "srl_model": state, name: not fields[name].default}
        if accepted(env_id, mode):
            yield f"{name}-{state}", mode
    state = config.modes.states[1]
    yield f"absolute-{state}", {**common, **kinds[first], "srl_model": state, "relative_pos": False}
    yield f"repeat-{state}", {**common, **kinds[first], "srl_model": state, "action_repeat": 2}


def modes_of_the_gate(env_id: str, turn: int) -> set[str]:
    """The modes of a world that the gate tries; the others are slow.

    Each world has each of its actions, observations and switches once. What is combined with what turns from world
    to world (``turn``), so that every two that several worlds have meet in one of them.
    """
    names = [name for name, _ in modes_of(env_id)]
    states = config_of(env_id).modes.states
    actions = list(dict.fromkeys(name.partition("-")[0] for name in names if name.partition("-")[0] in ACTIONS))
    switches = list(dict.fromkeys(name.partition("-")[0] for name in names if name.partition("-")[0] not in ACTIONS))
    rounds = range(max(len(actions), len(states)))
    wanted = {f"{actions[(i + turn) % len(actions)]}-{states[i % len(states)]}" for i in rounds}
    for number, switch in enumerate(switches):
        modes = [name for name in names if name.startswith(f"{switch}-")]
        wanted.add(modes[(number + turn) % len(modes)])
    return wanted


def cases() -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every mode of every world as a parameter set, and its ``env_kwargs``."""
    for turn, env_id in enumerate(SRL_WORLDS):
        quick = modes_of_the_gate(env_id, turn)
        for name, kwargs in modes_of(env_id):
            marks = () if name in quick else pytest.mark.slow
            yield pytest.param(env_id, kwargs, id=f"{env_id}-{name}", marks=marks), kwargs


CASES = [case for case, _ in cases()]
STATE_CASES = [case for case, kwargs in cases() if kwargs["srl_model"] != PIXELS and not kwargs.get("record_data")]


def make(env_id: str, **env_kwargs: Any) -> SRLGymEnv:
    env = gymnasium.make(env_id, **env_kwargs).unwrapped
    assert isinstance(env, SRLGymEnv)
    return env


def actions_for(env: SRLGymEnv) -> list[Any]:
    env.action_space.seed(0)
    return [env.action_space.sample() for _ in range(STEPS)]


@pytest.mark.parametrize(("env_id", "env_kwargs"), CASES)
def test_it_passes_both_checkers(env_id: str, env_kwargs: dict[str, Any]) -> None:
    env = make(env_id, **env_kwargs, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True)
        sb3_check_env(env, skip_render_check=True)
    env.close()
    env.close()


@pytest.mark.parametrize(("env_id", "env_kwargs"), CASES)
def test_same_seed_and_actions_give_the_same_trajectory_beside_other_environments(
    env_id: str, env_kwargs: dict[str, Any]
) -> None:
    one, two, other = (make(env_id, **env_kwargs) for _ in range(3))
    other.reset(seed=9)
    other.step(other.action_space.sample())
    one.reset(seed=4)
    one.step(one.action_space.sample())
    observations = [env.reset(seed=3)[0] for env in (one, two)]
    np.testing.assert_array_equal(*observations)
    for action in actions_for(one):
        left = one.step(action)
        other.reset()
        right = two.step(action)
        np.testing.assert_array_equal(left[0], right[0])
        assert left[1:4] == right[1:4]
        assert left[4]["reward_terms"] == right[4]["reward_terms"]
        assert sum(left[4]["reward_terms"].values()) == pytest.approx(left[1])
        if left[2] or left[3]:
            break
    np.testing.assert_array_equal(one.reset()[0], two.reset()[0])
    for env in (one, two, other):
        env.close()


@pytest.mark.parametrize(("env_id", "env_kwargs"), STATE_CASES)
def test_nothing_is_drawn_when_states_are_observed(
    env_id: str, env_kwargs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = make(env_id, **env_kwargs)

    def draw(*_: Any) -> np.ndarray:
        raise AssertionError("drawn without need")

    for drawing in ("get_image", "render"):
        monkeypatch.setattr(env, drawing, draw)
    world = getattr(env, "world", None)
    if world is not None:
        monkeypatch.setattr(world, "images", draw)
    env.reset(seed=0)
    assert env.step(actions_for(env)[0])[0].dtype == np.float32
    env.close()


@pytest.mark.parametrize("env_id", registered_env)
def test_an_episode_is_truncated_at_max_steps_and_then_needs_a_reset(env_id: str) -> None:
    env = make(env_id, srl_model="ground_truth", max_steps=2)
    env.reset(seed=0)
    first, second = actions_for(env)[:2]
    assert env.step(first)[2:4] == (False, False)
    *_, terminated, truncated, info = env.step(second)
    assert (terminated, truncated) == (False, True)
    assert info.get("is_success") in ((True, False) if env.reports_success else (None,))
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(first)
    env.close()


@pytest.mark.parametrize("env_id", registered_env)
def test_rendering_gives_an_upright_colour_image_of_the_asked_size(env_id: str) -> None:
    env = make(env_id, srl_model="ground_truth", img_shape=(48, 64), render_mode="rgb_array")
    env.reset(seed=0)
    image = env.render()
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    assert image.std() > 5
    env.close()


@pytest.mark.parametrize("actions", ACTIONS)
@pytest.mark.parametrize("env_id", registered_env)
def test_a_wrong_action_is_refused_with_the_worlds_name_and_changes_nothing(env_id: str, actions: str) -> None:
    mode = {**ACTIONS[actions], "srl_model": "ground_truth", "max_steps": STEPS}
    if not accepted(env_id, mode):
        with pytest.raises(UserError, match=rf"{env_id}|-joints"):
            make(env_id, **mode)
        return
    env, untouched = make(env_id, **mode), make(env_id, **mode)
    for each in (env, untouched):
        each.reset(seed=1)
    space = env.action_space
    wrong: list[Any]
    if isinstance(space, spaces.Discrete):
        wrong = [int(space.n), -1, 0.5, float("nan"), [0], None]
    else:
        assert isinstance(space, spaces.Box)
        length = space.shape[0]
        wrong = [np.full(length, value) for value in (np.nan, np.inf, space.high[0] * 1.01, space.low[0] * 1.01)]
        wrong += [np.zeros(length + 1), 0.0]
    for action in wrong:
        with pytest.raises((ValueError, TypeError), match=env_id):
            env.step(action)
    action = actions_for(env)[0]
    np.testing.assert_array_equal(env.step(action)[0], untouched.step(action)[0])
    env.close()
    untouched.close()


WRONG: list[dict[str, Any]] = [
    {"img_shape": (20, 64)},
    {"img_shape": (64, 20)},
    {"max_steps": 0},
    {"max_steps": -5},
    {"action_repeat": 0},
    {"max_stepz": 10},
    {"srl_model": "thoughts"},
    {"max_steps": float("nan")},
    {"render_mode": "ascii"},
]


@pytest.mark.parametrize(
    ("env_id", "wrong"),
    [
        pytest.param(
            env_id, wrong, id=f"{wrong}-{env_id}", marks=() if turn % len(WRONG) == number else pytest.mark.slow
        )
        for turn, env_id in enumerate(registered_env)
        for number, wrong in enumerate(WRONG)
    ],
)
def test_a_wrong_parameter_is_refused_naming_the_world(env_id: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=env_id):
        find_env(env_id).load_class()(**wrong)


@pytest.mark.parametrize("env_id", SRL_WORLDS)
def test_a_mode_that_the_world_lacks_is_refused_naming_it(env_id: str) -> None:
    modes = config_of(env_id).modes
    lacking: list[dict[str, Any]] = [
        {"srl_model": "joints"} if "joints" not in modes.states else {},
        *({name: True} if not getattr(modes, name) else {} for name in ("random_target", "shape_reward", "multi_view")),
        *(ACTIONS[name] if not getattr(modes, field) else {} for name, field in _ACTION_MODES.items()),
    ]
    for wrong in filter(None, lacking):
        with pytest.raises(UserError, match=env_id):
            find_env(env_id).load_class()(**wrong)


_ACTION_MODES = {"discrete": "discrete", "continuous": "continuous", "joint": "joints"}


ONE_OF_A_KIND = ("MobileRobotGymEnv-v0", "KukaButtonGymEnv-v0")
"""a world of arrays and a world of PyBullet"""


@pytest.mark.parametrize(
    ("env_id", "cycles"),
    [
        pytest.param(env_id, cycles, marks=() if env_id in ONE_OF_A_KIND and cycles == 50 else pytest.mark.slow)
        for env_id in registered_env
        for cycles in (50, 1000)
    ],
)
@pytest.mark.timeout(1800)
def test_making_and_closing_does_not_grow_memory(env_id: str, cycles: int) -> None:
    fields = {field.name for field in dataclasses.fields(config_of(env_id))}
    settle = {name: value for name, value in SETTLE.items() if name in fields}

    def cycle(count: int) -> None:
        for index in range(count):
            env = make(env_id, srl_model=PIXELS if index % 5 == 0 else "ground_truth", img_shape=SMALL, **settle)
            env.reset(seed=0)
            env.step(actions_for(env)[0])
            env.close()

    cycle(15)
    before = _resident_megabytes()
    cycle(cycles)
    assert _resident_megabytes() - before < 10


def _resident_megabytes() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
