"""A world's scripted policy as the beginning of a training."""

import pytest
import torch
from gymnasium import spaces

from rl_baselines.batched_ppo.algorithm import BatchedPPO
from rl_baselines.batched_ppo.networks.distributions import Categorical, Gaussian
from rl_baselines.vec_envs.create import create_envs
from srl3.errors import UserError

WORLD = "MobileRobotGymEnv-v0"


def begun(env_id: str = WORLD, *, continuous: bool = False, **kwargs: object) -> BatchedPPO:
    settings = {"srl_model": "ground_truth", "is_discrete": not continuous} if env_id == WORLD else {}
    venv = create_envs(env_id, settings, n_envs=32, normalize=False)
    return BatchedPPO(
        "MlpPolicy", venv, n_steps=16, seed=0, device="cpu", desired_kl=None, learning_rate=3e-3, **kwargs
    )


def test_distances_by_hand() -> None:
    wanted = torch.tensor([[1.0, 0.0]])
    assert float(Gaussian(torch.tensor([[0.0, 2.0]]), torch.ones(2)).distance(wanted)) == pytest.approx((1 + 4) / 2)
    choice = Categorical.from_logits(torch.tensor([[0.0, 1.0]]))
    assert float(choice.distance(torch.tensor([0]))) == pytest.approx(1.3132617)


@pytest.mark.parametrize("continuous", [False, True])
def test_the_scripted_policy_is_learned_in_the_states_of_the_learner(continuous: bool) -> None:
    model = begun(continuous=continuous, imitation_coef=10.0, imitation_steps=10**9)
    model.learn(512 * 24)
    assert model.env is not None
    collector = model.collector
    assert collector.scripted is not None
    assert collector.observations is not None
    with torch.no_grad():
        distribution, _ = model.policy.act(model.policy.normalise(collector.observations["policy"]))
    wanted = collector.scripted()
    if continuous:
        assert isinstance(model.action_space, spaces.Box)
        assert float(distribution.distance(wanted).mean()) < 0.15 * float(wanted.square().mean())
    else:
        assert float((distribution.mode() == wanted).float().mean()) > 0.75
    model.env.close()


def test_the_weight_falls_to_nothing_and_the_scripted_policy_is_asked_no_more() -> None:
    model = begun(imitation_coef=2.0, imitation_steps=1024)
    asked = []
    assert model.env is not None
    scripted = model.collector.scripted
    assert scripted is not None
    model.collector.scripted = lambda: asked.append(model.num_timesteps) or scripted()
    assert model._imitation() == 2.0
    model.learn(512 * 4)
    assert model._imitation() == 0.0
    assert max(asked) < 1024
    assert len(asked) == 2 * 16
    model.env.close()


def test_worlds_without_a_scripted_policy_are_refused() -> None:
    with pytest.raises(
        UserError, match="HumanoidGymEnv-v0 has no scripted policy to be imitated; set imitation_coef:0"
    ):
        begun("HumanoidGymEnv-v0", imitation_coef=1.0)
    with pytest.raises(UserError, match="imitation_coef needs a batched world with a scripted policy"):
        begun("CartPole-v1", imitation_coef=1.0)
