"""The tensor adapter: the figures of the other adapters as tensors, statistics of ended episodes, torch worlds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from environments.batched import make_batched_vec_env
from environments.batched.sb3 import BatchedVecEnv
from environments.batched.tensors import TensorEnv, WorldTensors
from environments.batched.vector import BatchedVectorEnv
from environments.batched.world import ALL, BatchedWorld, SubstepResult
from environments.config import EnvConfig
from srl3.errors import UserError
from srl3.tree import pack, unpack

ENV = "MobileRobotGymEnv-v0"
KWARGS: dict[str, Any] = {"srl_model": "ground_truth", "random_target": True, "noise_std": 0.02, "max_steps": 7}


class DriftWorld(BatchedWorld):
    """Points in torch that drift by their action; past 1 they fall off, which has a reason; a critic sees the speed."""

    array_kind = "torch"
    state_arrays = ("place", "speed", "resets")

    def __init__(self, config: EnvConfig, num_envs: int, device: str = "cpu") -> None:
        super().__init__(config, num_envs, device)
        self.seeds = torch.arange(num_envs)
        self.place = torch.zeros(num_envs)
        self.speed = torch.zeros(num_envs)
        self.resets = torch.zeros(num_envs, dtype=torch.int64)

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Box(-1.0, 1.0, (1,), np.float32)

    def _make_observation_spaces(self) -> dict[str, spaces.Box]:
        return {
            "policy": spaces.Box(-np.inf, np.inf, (1,), np.float32),
            "critic": spaces.Box(-np.inf, np.inf, (2,), np.float32),
        }

    def term_names(self) -> tuple[str, ...]:
        return ("speed", "alive")

    def seed(self, seeds: Sequence[int | None]) -> None:
        for row, seed in enumerate(seeds):
            if seed is not None:
                self.seeds[row] = seed

    def _reset_rows(self, rows: torch.Tensor) -> None:
        self.resets[rows] += 1
        self.place[rows] = 0.01 * ((self.seeds[rows] * 7 + self.resets[rows] * 3) % 10).float()  # drawn by counting
        self.speed[rows] = 0.0

    def _substep(self, actions: torch.Tensor) -> SubstepResult:
        self.speed = 0.25 * actions[:, 0]
        self.place = self.place + self.speed
        over = self.place > 1
        terms = torch.stack([self.speed, torch.ones_like(self.speed)])
        return SubstepResult(terms, over, torch.zeros_like(over), {"fell_off": over})

    def observe(self, rows: Any = ALL, group: str = "policy") -> torch.Tensor:
        if group == "policy":
            return self.place[rows][:, None].clone()
        return torch.stack([self.place[rows], self.speed[rows]], dim=1)

    @property
    def reports_success(self) -> bool:
        return False

    def _random_state(self) -> dict[str, Any]:
        return {"seeds": self.seeds.numpy().copy()}

    def _restore_random_state(self, state: Mapping[str, Any]) -> None:
        self.seeds[:] = torch.from_numpy(state["seeds"])


def drift(num_envs: int, **env_kwargs: Any) -> DriftWorld:
    return DriftWorld(EnvConfig.from_kwargs(env_kwargs), num_envs)


def mobile_tensors(num_envs: int) -> WorldTensors:
    return WorldTensors(make_batched_vec_env(ENV, num_envs, **KWARGS).world)


def test_tensors_hold_what_the_vec_env_holds() -> None:
    venv = make_batched_vec_env(ENV, 4, **KWARGS)
    env: TensorEnv = WorldTensors(make_batched_vec_env(ENV, 4, **KWARGS).world)
    venv.seed(3)
    env.seed(3)
    np.testing.assert_array_equal(env.reset()["policy"].numpy(), venv.reset())
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(30):
        actions = rng.integers(4, size=4)
        observations, rewards, dones, infos = venv.step(actions)
        step = env.step(torch.from_numpy(actions))
        np.testing.assert_array_equal(step.observations["policy"].numpy(), observations)
        np.testing.assert_array_equal(env.observe()["policy"].numpy(), observations)
        np.testing.assert_array_equal(step.reward.numpy(), rewards)
        np.testing.assert_array_equal((step.terminated | step.truncated).numpy(), dones)
        rows = step.final_rows.tolist()
        assert rows == np.flatnonzero(dones).tolist() == step.episodes.rows.tolist()
        for place, row in enumerate(rows):
            info = infos[row]
            np.testing.assert_array_equal(step.final_observations["policy"][place], info["terminal_observation"])
            assert bool(step.truncated[row]) == info["TimeLimit.truncated"]
            assert round(step.episodes.returns[place], 6) == info["episode"]["r"]
            assert step.episodes.lengths[place] == info["episode"]["l"]
            assert step.episodes.successes[place] == info["is_success"]
            assert {name: sums[place] for name, sums in step.episodes.terms.items()} == info["reward_terms"]
        ended += len(rows)
    assert ended == 16
    assert (step.reward.dtype, step.terminated.dtype, step.final_rows.dtype) == (
        torch.float32,
        torch.bool,
        torch.int64,
    )


def test_steps_before_a_reset_and_wrong_actions_are_refused() -> None:
    env = WorldTensors(drift(2))
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(torch.zeros(2, 1))
    env.reset()
    for actions in (torch.tensor([[0.0], [1.1]]), torch.tensor([[0.0], [torch.nan]]), torch.zeros(3, 1)):
        with pytest.raises(ValueError, match="takes numbers"):
            env.step(actions)
    env.step(torch.tensor([[0.0], [1.0 + 1e-7]]))  # rounding


def test_a_torch_world_has_groups_reasons_and_no_success() -> None:
    env = WorldTensors(drift(3, max_steps=6))
    assert set(env.reset()) == {"policy", "critic"}
    actions = torch.tensor([[1.0], [0.0], [-1.0]])
    steps = [env.step(actions) for _ in range(6)]
    fell = [step for step in steps if step.terminated.any()]
    assert [step.final_rows.tolist() for step in fell] == [[0]]
    assert fell[0].episodes.endings["fell_off"].tolist() == [True]
    assert fell[0].final_observations["critic"][0, 1] == 0.25
    assert fell[0].observations["policy"][0, 0] < 0.1  # begun anew
    last = steps[-1]
    assert last.truncated.tolist() == [False, True, True]
    assert last.episodes.endings["fell_off"].tolist() == [False, False]
    assert np.isnan(last.episodes.successes).all()
    assert last.episodes.lengths.tolist() == [6, 6]
    np.testing.assert_allclose(last.episodes.terms["speed"], [0.0, -1.5])
    np.testing.assert_allclose(last.episodes.returns, [6.0, 4.5])


def test_the_other_adapters_turn_a_torch_world_into_numpy() -> None:
    venv, vector_env = BatchedVecEnv(drift(3, max_steps=4)), BatchedVectorEnv(drift(3, max_steps=4))
    env = WorldTensors(drift(3, max_steps=4))
    observations = env.reset()["policy"].numpy()
    np.testing.assert_array_equal(venv.reset(), observations)
    np.testing.assert_array_equal(vector_env.reset()[0], observations)
    actions = np.array([[0.5], [-0.5], [1.0]], np.float32)
    for _ in range(9):
        step = env.step(torch.from_numpy(actions))
        observations, rewards, dones, infos = venv.step(actions)
        vector_step = vector_env.step(actions)
        assert isinstance(observations, np.ndarray)
        np.testing.assert_array_equal(observations, step.observations["policy"].numpy())
        np.testing.assert_array_equal(vector_step[0], observations)
        np.testing.assert_array_equal(rewards, step.reward.numpy())
        for row in np.flatnonzero(dones):
            assert "is_success" not in infos[row]
            np.testing.assert_array_equal(vector_step[4]["final_obs"][row], infos[row]["terminal_observation"])


def test_actions_are_repeated_until_a_robot_ends() -> None:
    env = WorldTensors(drift(2, action_repeat=10))
    env.reset()
    step = env.step(torch.tensor([[1.0], [0.0]]))
    applied = 5 if 0.25 * 4 + float(step.final_observations["policy"][0, 0]) > 1 else 4
    assert step.terminated.tolist() == [True, False]
    assert step.episodes.terms["alive"].tolist() in ([4.0], [5.0])
    assert applied in (4, 5)
    assert step.reward[1] == 10.0
    assert 1 < step.final_observations["policy"][0, 0] <= 1.25


@pytest.mark.parametrize("make", [lambda n: WorldTensors(drift(n, max_steps=9)), mobile_tensors])
def test_a_resumed_world_goes_on_to_the_last_bit(make: Any) -> None:
    env, other = make(3), make(3)
    env.seed(5)
    env.reset()
    space = env.action_space
    space.seed(1)
    actions = [torch.from_numpy(np.stack([space.sample() for _ in range(3)])) for _ in range(30)]
    for action in actions[:11]:
        env.step(action)
    other.restore_state(unpack(*pack(env.resume_state())))
    for action in actions[11:]:
        one, two = env.step(action), other.step(action)
        for mine, theirs in ((one.observations["policy"], two.observations["policy"]), (one.reward, two.reward)):
            assert torch.equal(mine, theirs)
        np.testing.assert_array_equal(one.episodes.returns, two.episodes.returns)
    with pytest.raises(UserError, match="saved state is of 3 robots, not 2"):
        make(2).restore_state(env.resume_state())


def test_numpy_arrays_are_not_copied() -> None:
    env = mobile_tensors(2)
    env.reset()
    given: list[np.ndarray] = []
    observe = env.world.observe
    env.world.observe = lambda *args, **kwargs: given.append(observe(*args, **kwargs)) or given[-1]  # type: ignore[method-assign, func-returns-value]
    assert np.shares_memory(env.observe()["policy"].numpy(), given[0])


def test_a_world_that_lacks_a_method_cannot_be_made() -> None:
    class Half(BatchedWorld):
        def term_names(self) -> tuple[str, ...]:
            return ()

    with pytest.raises(TypeError, match=r"abstract class Half .*_substep"):
        Half(EnvConfig(), 1)  # type: ignore[abstract]
