import numpy as np
import pytest
import torch

from rl_baselines.batched_ppo.networks.distributions import Categorical, Gaussian
from rl_baselines.batched_ppo.rollouts.collector import Estimation
from rl_baselines.batched_ppo.rollouts.rollout import advantages
from tests.rl_baselines.batched_ppo.worlds import follow, made


def test_advantages_are_the_sums_of_the_paper() -> None:
    """Against sums over all later deltas, episode by episode (arXiv:1506.02438, equation 16)."""
    generator = torch.Generator().manual_seed(0)
    steps, count, gamma, gae_lambda = 12, 5, 0.9, 0.8
    rewards, values = (torch.randn((steps, count), generator=generator) for _ in range(2))
    last = torch.randn(count, generator=generator)
    ended = torch.rand((steps, count), generator=generator) < 0.25
    expected = np.zeros((steps, count))
    for robot in range(count):
        for start in range(steps):
            for time in range(start, steps):
                follows = last[robot] if time == steps - 1 else values[time + 1, robot]
                bootstrap = 0.0 if ended[time, robot] else gamma * float(follows)
                delta = float(rewards[time, robot]) + bootstrap - float(values[time, robot])
                expected[start, robot] += (gamma * gae_lambda) ** (time - start) * delta
                if ended[time, robot]:
                    break
    result = advantages(rewards, values, last, ended, gamma, gae_lambda)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rnn_type", [None, "gru", "lstm"])
def test_time_limits_are_bootstrapped_with_the_value_of_the_last_observation(rnn_type: str | None) -> None:
    """By hand: with lambda 0, the return of a step is its reward and the value of what was seen after it."""
    model = made(follow(4, max_steps=3), n_steps=8, nminibatches=1, rnn_type=rnn_type, rnn_hidden_dim=4, gamma=0.9)
    model._setup_learn(1)
    collector, policy = model.collector, model.policy
    before = [memory.clone() for memory in collector.vf_memory]
    seen, starts, lasts, rewards = [], [], {}, []

    def after_step(step: object) -> bool:
        rewards.append(step.reward.clone())  # type: ignore[attr-defined]
        if len(step.final_rows):  # type: ignore[attr-defined]
            lasts[len(rewards) - 1] = step.final_observations["critic"].clone()  # type: ignore[attr-defined]
        return True

    record = collector.run(8, after_step)
    assert record is not None
    seen, starts = record.observations["critic"], record.starts
    rollout = collector.estimated(record, Estimation(0.9, 0.0, 0.5, normalize=False), [])
    assert sorted(lasts) == [2, 5]

    def value(observations: torch.Tensor, memory: tuple, fresh: torch.Tensor) -> tuple:  # type: ignore[type-arg]
        inputs = policy.normalise(observations, critic=True)
        if rnn_type is None:
            return policy.value(inputs)
        return policy.value(inputs[None], memory, fresh[None])

    memory = tuple(before)
    with torch.no_grad():
        for time in range(8):
            _, memory = value(seen[time], memory, starts[time])
            if time in lasts:
                follows, _ = value(lasts[time], memory, torch.zeros(4, dtype=torch.bool))
            else:
                follows, _ = value(seen[time + 1], memory, starts[time + 1])
            expected = 0.5 * rewards[time] + 0.9 * follows
            torch.testing.assert_close(rollout.returns.view(8, 4)[time], expected, rtol=1e-5, atol=1e-6)
            assert not torch.equal(lasts.get(time, seen[time]), seen[time + 1])


def test_a_memory_learns_from_the_sequences_that_it_acted_in() -> None:
    """The distributions of an update before its first step are those that the actions were drawn from."""
    for rnn_type in ("gru", "lstm"):
        model = made(follow(6, max_steps=5), n_steps=12, nminibatches=3, rnn_type=rnn_type, rnn_hidden_dim=5)
        model._setup_learn(1)
        for _ in range(2):
            record = model.collector.run(12, lambda step: True)
        assert record is not None
        rollout = model.collector.estimated(record, Estimation(0.9, 0.9, 1.0, normalize=True), [])
        sizes = 0
        for batch in rollout.minibatches(24, torch.Generator().manual_seed(1), torch.device("cpu")):
            now, _ = model.policy.act(batch.pi_inputs, batch.pi_memory, batch.starts)
            values, _ = model.policy.value(batch.vf_inputs, batch.vf_memory, batch.starts)
            assert float(batch.before.divergence(now).abs().max()) < 1e-6  # type: ignore[arg-type]
            torch.testing.assert_close(values, batch.values, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(now.log_prob(batch.actions), batch.log_probs, rtol=1e-4, atol=1e-5)
            sizes += len(batch.actions)
        assert sizes == len(rollout) == 72


def test_distributions_agree_with_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, other = torch.randn((3, 2), generator=generator), torch.randn((3, 2), generator=generator)
    std, std_other = torch.tensor([0.5, 2.0]), torch.tensor([0.7, 1.5])
    ours, theirs = Gaussian(mean, std), torch.distributions.Normal(mean, std)
    torch.testing.assert_close(ours.log_prob(other), theirs.log_prob(other).sum(-1))
    torch.testing.assert_close(ours.entropy().expand(3), theirs.entropy().sum(-1))
    expected = torch.distributions.kl_divergence(theirs, torch.distributions.Normal(other, std_other)).sum(-1)
    torch.testing.assert_close(ours.divergence(Gaussian(other, std_other)), expected)

    logits = torch.randn((3, 4), generator=generator)
    choice, wanted = Categorical.from_logits(logits), torch.distributions.Categorical(logits=logits)
    torch.testing.assert_close(choice.log_prob(torch.tensor([0, 1, 3])), wanted.log_prob(torch.tensor([0, 1, 3])))
    torch.testing.assert_close(choice.entropy(), wanted.entropy())
    drawn = Categorical.from_logits(logits[:1].expand(20_000, 4)).sample(generator)
    frequencies = torch.bincount(drawn, minlength=4) / 20_000
    torch.testing.assert_close(frequencies, logits[0].softmax(0), atol=0.015, rtol=0)
