"""Environments of several tasks as one `VecEnv`."""

import numpy as np
import pytest

from rl_baselines.vec_envs.create import create_envs, restore_vec_env_state, vec_env_state
from rl_baselines.vec_envs.mixed import MixedVecEnv, shares
from srl3.errors import UserError

OMNIROBOT = "OmnirobotEnv-v0"
SEEN = {"srl_model": "ground_truth", "max_steps": 6}
TASKS = {"sc": {**SEEN, "simple_continual_target": True}, "cc": {**SEEN, "circular_continual_move": True}}


def mixed(n_envs: int = 5, **kwargs) -> MixedVecEnv:
    venv = create_envs(OMNIROBOT, SEEN, n_envs=n_envs, seed=7, mixture=kwargs.pop("mixture", TASKS), normalize=False)
    assert isinstance(venv, MixedVecEnv)
    return venv


def test_environments_are_divided_among_the_tasks():
    assert shares(5, 2) == [3, 2]
    assert shares(6, 3) == [2, 2, 2]


def test_each_environment_is_that_of_its_task_with_its_own_seed():
    together = mixed()
    apart = [
        create_envs(OMNIROBOT, TASKS[name], n_envs=n, seed=s, normalize=False)
        for name, n, s in (("sc", 3, 7), ("cc", 2, 10))
    ]
    np.testing.assert_array_equal(together.reset(), np.concatenate([venv.reset() for venv in apart]))
    rng = np.random.default_rng(0)
    for _ in range(8):
        actions = rng.integers(4, size=5)
        observations, rewards, dones, infos = together.step(actions)
        found = [venv.step(part) for venv, part in zip(apart, (actions[:3], actions[3:]), strict=True)]
        np.testing.assert_array_equal(observations, np.concatenate([each[0] for each in found]))
        np.testing.assert_array_equal(rewards, np.concatenate([each[1] for each in found]))
        np.testing.assert_array_equal(dones, np.concatenate([each[2] for each in found]))
        assert [sorted(info) for info in infos] == [sorted(info) for each in found for info in each[3]]
    assert [config.circular_continual_move for config in together.get_attr("config")] == [False] * 3 + [True] * 2
    assert together.get_attr("config", [4])[0].circular_continual_move
    together.close()


def test_episodes_go_on_where_their_state_was_taken():
    venv = mixed(4)
    venv.reset()
    venv.step(np.array([0, 1, 2, 3]))
    state = vec_env_state(venv)
    after = venv.step(np.array([3, 2, 1, 0]))[0]
    other = mixed(4)
    other.reset()
    restore_vec_env_state(other, state)
    np.testing.assert_array_equal(other.step(np.array([3, 2, 1, 0]))[0], after)


def test_worlds_in_processes_mix_too():
    kuka = {"srl_model": "ground_truth", "max_steps": 3}
    mixture = {"fixed": kuka, "drawn": {**kuka, "random_target": True}}
    venv = create_envs("KukaButtonGymEnv-v0", kuka, n_envs=2, seed=0, mixture=mixture, normalize=False)
    assert venv.reset().shape[0] == 2
    state = vec_env_state(venv)
    after = venv.step(np.array([0, 1]))[0]
    restore_vec_env_state(venv, state)
    np.testing.assert_array_equal(venv.step(np.array([0, 1]))[0], after)
    venv.close()


def test_tasks_that_show_something_else_do_not_mix():
    other = {**SEEN, "escape_continual_move": True}
    with pytest.raises(UserError, match=r"the observation space of the task esc is .* can't learn both at once"):
        mixed(mixture={"sc": TASKS["sc"], "esc": other})
