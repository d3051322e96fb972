import subprocess
import sys

import pytest

from rl_baselines.registry import (
    ActionType,
    AlgoType,
    check_action_type,
    find_algo,
    registered_rl,
    retired_rl,
)
from srl3.errors import UserError

BOTH = {"ppo2", "ppo", "a2c", "trpo", "ars", "recurrent_ppo", "cma-es", "random_agent", "distillation"}
DISCRETE = {"dqn", "deepq", "qrdqn", "maskable_ppo"}
CONTINUOUS = {"ddpg", "td3", "sac", "tqc", "crossq"}


def test_names_and_action_types() -> None:
    assert set(registered_rl) >= BOTH | DISCRETE | CONTINUOUS
    for name in BOTH | DISCRETE | CONTINUOUS:
        entry = registered_rl[name]
        assert (ActionType.DISCRETE in entry.actions) == (name in BOTH | DISCRETE)
        assert (ActionType.CONTINUOUS in entry.actions) == (name in BOTH | CONTINUOUS)
    assert registered_rl["cma-es"].algo_type is AlgoType.EVOLUTION_STRATEGIES


def test_two_names_of_one_algorithm_are_one_class() -> None:
    assert find_algo("ppo").load_class() is find_algo("ppo2").load_class()
    assert find_algo("deepq").load_class() is find_algo("dqn").load_class()


@pytest.mark.parametrize(("name", "near"), [("ppo3", "ppo2"), ("SAC", "sac"), ("cmaes", "cma-es")])
def test_unknown_name_gets_close_matches(name: str, near: str) -> None:
    with pytest.raises(UserError, match=f"unknown algorithm '{name}'; did you mean .*{near}"):
        find_algo(name)


def test_retired_names_point_to_registered_ones() -> None:
    assert set(retired_rl) == {"acer", "acktr", "ppo1", "ppo_lstm", "her"}
    for name in retired_rl:
        with pytest.raises(UserError) as error:
            find_algo(name)
        assert any(word.strip("(),.;") in registered_rl for word in str(error.value).split())


def test_action_type_check_names_alternatives() -> None:
    check_action_type("sac", continuous=True)
    with pytest.raises(UserError, match=r"sac takes no discrete actions; add -c, or use one of .*dqn"):
        check_action_type("sac", continuous=False)
    with pytest.raises(UserError, match=r"dqn takes no continuous actions; leave out -c, or use one of .*sac"):
        check_action_type("dqn", continuous=True)


@pytest.mark.parametrize(("algo", "continuous"), [("sac", False), ("dqn", True)])
def test_a_world_with_one_kind_of_actions_is_not_advised_to_use_the_flag(algo: str, continuous: bool) -> None:
    with pytest.raises(UserError, match=rf"{algo} takes no \w+ actions; use one of .*ppo2"):
        check_action_type(algo, continuous=continuous, has_both=False)


def test_registries_and_presets_import_no_library() -> None:
    modules = "rl_baselines.registry, state_representation.registry, rl_baselines.base_classes"
    code = (
        f"import {modules}, sys; print([m for m in ('torch', 'stable_baselines3', 'sb3_contrib') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
