import pytest
import torch

from environments.registry import ThreadingType, find_env, registered_env
from rl_baselines.vec_envs.create import create_envs
from rl_baselines.vec_envs.tensors import BatchedTensors, VecEnvTensors, tensor_env
from tests.rl_baselines.batched_ppo.worlds import follow, made


@pytest.mark.parametrize("env_id", registered_env)
def test_it_trains_on_every_world(env_id: str) -> None:
    entry = find_env(env_id)
    batched = entry.threading is ThreadingType.BATCHED
    kwargs = {"max_steps": 5, **({"srl_model": "ground_truth"} if batched else {})}
    n_envs = 3 if batched else 1
    env = create_envs(env_id, kwargs, n_envs=n_envs, normalize=False)
    try:
        assert isinstance(tensor_env(env), BatchedTensors) is batched
        model = made(env, n_steps=4, nminibatches=2, n_epochs=1)
        before = [parameter.clone() for parameter in model.policy.parameters()]
        model.learn(2 * 4 * n_envs)
        after = list(model.policy.parameters())
        assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))
        assert all(bool(torch.isfinite(parameter).all()) for parameter in after)
        assert model.ep_info_buffer is not None
        assert [episode["l"] for episode in model.ep_info_buffer] == [5] * n_envs
    finally:
        env.close()


def test_workers_and_stacks_give_the_same_tensors_as_their_arrays() -> None:
    """The last observations of episodes are those before the reset, and reports are those of the monitors."""
    env = create_envs(
        "KukaButtonGymEnv-v0", {"max_steps": 3, "srl_model": "ground_truth"}, n_envs=2, normalize=False, num_stack=2
    )
    try:
        tensors = tensor_env(env)
        assert isinstance(tensors, VecEnvTensors)
        tensors.seed(0)
        observed = tensors.reset()["policy"]
        assert observed.shape == (2, *env.observation_space.shape)  # type: ignore[misc]
        for _ in range(2):
            step = tensors.step(torch.zeros(2, dtype=torch.int64))
            assert len(step.final_rows) == len(step.episodes.rows) == len(step.final_observations["policy"]) == 0
        before = step.observations["policy"]
        step = tensors.step(torch.zeros(2, dtype=torch.int64))
        assert step.final_rows.tolist() == step.episodes.rows.tolist() == [0, 1]
        assert step.truncated.all()
        assert not step.terminated.any()
        assert step.episodes.lengths.tolist() == [3, 3]
        half = observed.shape[1] // 2
        torch.testing.assert_close(step.final_observations["policy"][:, :half], before[:, half:])
        assert not torch.equal(step.observations["policy"], step.final_observations["policy"])
    finally:
        env.close()


def test_a_batched_world_writes_its_monitor_file_and_shares_memory() -> None:
    env = follow(4)
    tensors = tensor_env(env)
    assert isinstance(tensors, BatchedTensors)
    tensors.seed(3)
    first = tensors.reset()
    assert set(first) == {"policy", "critic"}
    env.seed(3)
    assert torch.equal(torch.from_numpy(env.reset()), first["policy"])
