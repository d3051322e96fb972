from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rl_baselines.batched_ppo.algorithm import BatchedPPO
from rl_baselines.batched_ppo.exploration.distillation import LastObservations, RandomNetworkDistillation
from rl_baselines.batched_ppo.exploration.settings import NoveltySettings, WeightSchedule, novelty_settings
from rl_baselines.batched_ppo.names import translated
from srl3.errors import UserError
from tests.rl_baselines.batched_ppo.worlds import corridor, cues, follow, made


def test_what_is_new_is_worth_what_the_predictor_misses() -> None:
    """By hand, at the ends of episodes with what was seen there."""
    torch.manual_seed(0)
    rnd = RandomNetworkDistillation(NoveltySettings(weight=0.5, num_outputs=3, predictor_hidden_dims=(32,)), 2, 4)
    seen = torch.randn(6, 4, 2)
    last = torch.randn(2, 2)
    rewards = rnd.rewards(seen, [LastObservations(3, torch.tensor([1, 2]), last)])
    with torch.no_grad():
        expected = 0.5 * (rnd.target(seen[1:]) - rnd.predictor(seen[1:])).square().sum(-1).sqrt()
        expected[3, [1, 2]] = 0.5 * (rnd.target(last) - rnd.predictor(last)).square().sum(-1).sqrt()
    torch.testing.assert_close(rewards, expected)
    assert rewards.shape == (5, 4)

    frozen = [parameter.clone() for parameter in rnd.target.parameters()]
    known, unknown = seen.flatten(0, 1), torch.randn(24, 2) + 8
    inputs, wanted = rnd.samples(known)
    first = float(rnd.learn(inputs, wanted))
    for _ in range(150):
        loss = rnd.learn(inputs, wanted)
    assert float(loss) < 0.3 * first
    assert all(map(torch.equal, frozen, rnd.target.parameters()))
    near, far = (rnd.rewards(part.expand(2, -1, -1), []).mean() for part in (known, unknown))
    assert float(near) < 0.5 * float(far)


def test_novelty_is_divided_by_the_deviation_of_its_discounted_sums() -> None:
    torch.manual_seed(0)
    settings = NoveltySettings(weight=1.0, reward_normalization=True)
    rnd, plain = (RandomNetworkDistillation(one, 2, 3) for one in (settings, NoveltySettings(weight=1.0)))
    plain.load_state_dict(rnd.state_dict())
    seen = torch.randn(2, 5, 3, 2)
    sums, averages = [], torch.zeros(3)
    for part in seen:
        novelty = plain.rewards(part, [])
        for step in novelty:
            averages = 0.99 * averages + step
            sums.append(averages)
        expected = novelty / torch.stack(sums).std(correction=0)
        torch.testing.assert_close(rnd.rewards(part, []), expected)


@pytest.mark.parametrize(
    ("schedule", "weights"),
    [
        (WeightSchedule("step", final_step=3, final_value=1.0), [4, 4, 1, 1, 1, 1]),
        (WeightSchedule("linear", 2, 5, 1.0), [4, 4, 3, 2, 1, 1]),
        (WeightSchedule(), [4] * 6),
    ],
)
def test_the_weight_goes_on_by_steps(schedule: WeightSchedule, weights: list[float]) -> None:
    rnd = RandomNetworkDistillation(NoveltySettings(weight=4.0, weight_schedule=schedule), 1, 1)
    seen = torch.ones(4, 1, 1)
    rewards = torch.cat([rnd.rewards(seen, []), rnd.rewards(seen, [])]).flatten()
    torch.testing.assert_close(rewards / rewards[0] * weights[0], torch.tensor(weights, dtype=torch.float32))


def test_curiosity_finds_what_is_never_met_by_chance() -> None:
    def found(**hyperparams: Any) -> float:
        env = corridor(16)
        made(env, n_steps=24, nminibatches=2, n_epochs=3, gamma=0.95, **hyperparams).learn(16 * 24 * 25)
        return float(env.world.farthest)  # type: ignore[attr-defined]

    layers = {"predictor_hidden_dims": [16], "target_hidden_dims": [16], "num_outputs": 8}
    assert found(rnd={"weight": 3.0, "learning_rate": 1e-4, **layers}) > 5 * found()


def test_a_group_of_its_own_and_memories() -> None:
    """The critic's group, which the policy does not see; in sequences too."""
    for memory in ({}, {"rnn_type": "gru", "rnn_hidden_dim": 4}):
        rnd = {"weight": 0.1, "obs_key": "critic", "state_normalization": True}
        model = made(follow(4), n_steps=8, nminibatches=2, value_obs_key="policy", rnd=rnd, **memory)
        model.learn(64)
        assert model.novelty is not None
        assert model.novelty.predictor[0].in_features == 2
        assert float(model.novelty.normaliser.count) == 2 * 9 * 4  # type: ignore[arg-type]
        assert model.logger.name_to_value["train/rnd_loss"] > 0
        assert model.logger.name_to_value["train/rnd_reward"] > 0


def test_files_hold_what_is_known_of_the_world(tmp_path: Path) -> None:
    rnd = {"weight": 0.1, "reward_normalization": True}
    model = made(follow(), n_steps=8, rnd=rnd, value_obs_key="policy")
    model.learn(256)
    model.save(tmp_path / "model.zip")
    again = BatchedPPO.load(tmp_path / "model.zip", follow(), device="cpu")
    assert model.novelty is not None
    assert again.novelty is not None
    for name, tensor in model.novelty.state_dict().items():
        assert torch.equal(again.novelty.state_dict()[name], tensor), name
    assert again.novelty.steps == 16
    seen = np.linspace(-1, 1, 5, dtype=np.float32)[:, None]
    acting = BatchedPPO.load(tmp_path / "model.zip", device="cpu")
    assert acting.novelty is None
    assert np.array_equal(acting.predict(seen, deterministic=True)[0], model.predict(seen, deterministic=True)[0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"rnd of batched_ppo needs a weight of more than 0"),
        ({"wight": 1}, "unknown key in rnd of batched_ppo 'wight'; did you mean weight"),
        ({"weight": "much"}, "weight in rnd of batched_ppo must be a number of at least 0, not 'much'"),
        ({"weight": 1, "weight_per_second": 1}, "sets weight and weight_per_second; set one of them"),
        ({"weight": 1, "num_outputs": 0}, "num_outputs in rnd .* whole number of at least 1, not 0"),
        ({"weight": 1, "target_hidden_dims": 8}, r"target_hidden_dims .* layer sizes such as \[64, 64\], not 8"),
        ({"weight": 1, "activation": "eluu"}, "unknown activation in rnd of batched_ppo 'eluu'; did you mean elu"),
        ({"weight": 1, "state_normalization": 2}, "state_normalization in rnd .* must be true or false, not 2"),
        ({"weight": 1, "weight_schedule": {"mode": "stair"}}, "unknown mode in weight_schedule .*'stair'"),
        ({"weight": 1, "weight_schedule": {"mode": "step"}}, "needs final_step and final_value for mode step"),
    ],
)
def test_settings_that_make_no_sense(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        novelty_settings(values)


def test_settings_that_do_not_fit_the_world() -> None:
    with pytest.raises(UserError, match="unknown group of observations for obs_key of rnd 'state'"):
        made(follow(2), n_steps=4, rnd={"weight": 1, "obs_key": "state"})
    theirs = translated({"rnd_cfg": {"weight": 2.0, "num_outputs": 4}}, "here")
    assert theirs == {"rnd": {"weight_per_second": 2.0, "num_outputs": 4}}
    with pytest.raises(UserError, match=r"no known duration; set weight"):
        made(cues(2), n_steps=4, **theirs)
    assert novelty_settings(theirs["rnd"]).of_a_step(0.02).weight == pytest.approx(0.04)
