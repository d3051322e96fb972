import math
import threading
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from rl_baselines.batched_ppo.networks.normaliser import ObservationNormaliser, RunningMoments
from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.updates import learner, losses
from rl_baselines.batched_ppo.updates.learner import Learner
from rl_baselines.batched_ppo.updates.losses import clipped, clipped_value_loss
from rl_baselines.batched_ppo.updates.schedules import AdaptiveRate
from rl_baselines.batched_ppo.updates.symmetry import symmetries_of
from srl3.errors import UserError
from srl3.runtime.threads import torch_threads
from tests.rl_baselines.batched_ppo.worlds import follow, made


@pytest.mark.parametrize(
    ("divergence", "rate"),
    [
        (0.021, 1e-3 / 1.5),
        (0.02, 1e-3),
        (0.01, 1e-3),
        (0.005, 1e-3),
        (0.0049, 1.5e-3),
        (0.0, 1e-3),
        (math.nan, 1e-3),
    ],
)
def test_the_rate_follows_the_divergence(divergence: float, rate: float) -> None:
    assert AdaptiveRate(0.01).next(1e-3, divergence) == pytest.approx(rate)


def test_the_rate_has_bounds() -> None:
    rate = AdaptiveRate(0.01)
    assert rate.next(1.2e-5, 1.0) == 1e-5
    assert rate.next(9e-3, 1e-4) == 1e-2


def test_an_update_that_moves_the_policy_too_far_lowers_the_rate_and_a_timid_one_raises_it() -> None:
    for first, epochs, lower in ((9e-3, 8, True), (2e-5, 1, False)):
        model = made(follow(), learning_rate=first, n_steps=8, desired_kl=0.01, n_epochs=epochs)
        model.learn(128)
        assert (model.learner.rate < first) is lower
        assert {group["lr"] for group in model.policy.optimizer.param_groups} == {model.learner.rate}
        assert 1e-5 <= model.learner.rate <= 1e-2
    fixed = made(follow(), learning_rate=9e-3, n_steps=8, desired_kl=None, n_epochs=8)
    fixed.learn(128)
    assert fixed.learner.rate == 9e-3


def test_values_are_held_near_the_old_ones() -> None:
    values, old, returns = torch.tensor([2.0, 0.1]), torch.zeros(2), torch.tensor([3.0, 0.0])
    assert float(clipped_value_loss(values, old, returns, None)) == pytest.approx((1.0 + 0.01) / 2)
    assert float(clipped_value_loss(values, old, returns, 0.2)) == pytest.approx((2.8**2 + 0.01) / 2)


def test_gradients_of_actor_and_critic_are_clipped_apart() -> None:
    def moved(separate: bool) -> torch.Tensor:
        small, large = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
        optimizer = torch.optim.SGD([small, large], lr=1.0)
        groups = [[small], [large]] if separate else [[small, large]]
        (0.5 * small + 1000 * large).sum().backward()
        clipped(groups, 1.0)
        optimizer.step()
        return -small.detach()

    assert float(moved(True)) == pytest.approx(0.5)
    assert float(moved(False)) == pytest.approx(0.5 / 1000, rel=1e-3)
    model = made(follow(2), n_steps=2, nminibatches=1)
    actor, critic = ({id(one) for one in part} for part in Learner(model.policy, 1.0, None, True)._groups())
    assert not actor & critic
    assert actor | critic == {id(one) for one in model.policy.parameters()}


@pytest.mark.parametrize("kwargs", [{}, {"symmetry": "both"}, {"rnn_type": "gru", "rnn_hidden_dim": 8}], ids=str)
def test_actor_and_critic_learn_the_same_one_after_the_other_and_at_once(
    kwargs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "cores", lambda: 2)
    found, threads = [], []
    value_loss = losses.critic_loss

    def noted(*args: Any) -> torch.Tensor:
        threads[-1].add(threading.current_thread())
        return value_loss(*args)

    monkeypatch.setattr(losses, "critic_loss", noted)
    with torch_threads(images=False):
        for least in (1, 10**6):
            monkeypatch.setattr(learner, "WORTH_A_THREAD", least)
            threads.append(set[threading.Thread]())
            model = made(follow(), n_steps=8, n_epochs=3, ent_coef=0.01, clip_range_vf=0.2, **kwargs)
            model.learn(256)
            found.append(torch.cat([parameter.detach().flatten() for parameter in model.policy.parameters()]))
    assert torch.equal(*found)
    assert threading.main_thread() not in threads[0]
    assert threads[1] == {threading.main_thread()}


def test_networks_with_pixels_in_common_learn_one_after_the_other() -> None:
    shared = {"lr_schedule": lambda _: 1e-3, "action_space": spaces.Discrete(2)}
    frames, numbers = spaces.Box(0, 255, (3, 64, 64), np.uint8), spaces.Box(-1, 1, (3,), np.float32)
    assert not BatchedPolicy(frames, **shared).halves_are_apart
    assert BatchedPolicy(frames, critic_space=numbers, **shared).halves_are_apart
    assert BatchedPolicy(numbers, **shared).halves_are_apart


def test_moments_merge_as_if_all_had_been_seen_at_once() -> None:
    values = torch.randn((300, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 7
    whole, parts, first, second = (RunningMoments(3) for _ in range(4))
    whole.update(values)
    for part in values.split(70):
        parts.update(part)
    first.update(values[:200])
    second.update(values[200:])
    first.merge(float(second.count), second.mean, second.var)
    for other in (parts, first):
        torch.testing.assert_close(other.mean, values.mean(0))
        torch.testing.assert_close(other.var, values.var(0, correction=0))
        assert float(other.count) == 300
    whole.update(torch.tensor([[math.nan, 0.0, 0.0]]))
    torch.testing.assert_close(whole.mean, values.mean(0))


def test_the_normaliser_changes_once_an_iteration_and_travels_with_the_policy() -> None:
    model = made(follow(), n_steps=8)
    normaliser = model.policy.pi_normaliser
    assert isinstance(normaliser, ObservationNormaliser)
    shifts = []

    def note(*_: Any) -> bool:
        shifts.append(normaliser.shift.clone())
        return True

    model.learn(256, callback=note)
    assert torch.equal(shifts[0], torch.zeros(1))
    assert all(torch.equal(one, shifts[0]) for one in shifts[:8])
    assert all(torch.equal(one, shifts[8]) for one in shifts[8:])
    assert not torch.equal(shifts[8], shifts[0])
    assert float(normaliser.count) == 2 * 9 * 16
    other = made(follow(), seed=5, n_steps=8)
    other.set_parameters(model.get_parameters())
    assert torch.equal(other.policy.pi_normaliser.shift, normaliser.shift)  # type: ignore[arg-type]
    off = made(follow(), n_steps=8, normalize_observations=False)
    assert not any("normaliser" in name for name in off.policy.state_dict())


@pytest.mark.parametrize("std_type", ["log", "scalar", "state"])
def test_every_kind_of_standard_deviation_is_learned(std_type: str) -> None:
    model = made(follow(), n_steps=8, std_type=std_type, policy_kwargs={"log_std_init": -0.5}, ent_coef=0.0)
    inputs = model.policy.normalise(torch.linspace(-1, 1, 5)[:, None])
    before, _ = model.policy.act(inputs)
    torch.testing.assert_close(before.std.mean(), torch.tensor(-0.5).exp())  # type: ignore[union-attr]
    model.learn(16 * 8 * 20)
    after, _ = model.policy.act(inputs)
    spread = after.std.detach()  # type: ignore[union-attr]
    assert float(spread.mean()) < 0.55
    assert spread.dim() == (2 if std_type == "state" else 1)
    assert (float(spread.std()) > 0) if std_type == "state" else True
    names = set(model.policy.state_dict())
    assert {"log": "log_std", "scalar": "std", "state": "log_std_net.weight"}[std_type] in names


def test_advantages_are_normalised_over_the_rollout_or_in_each_minibatch() -> None:
    seen: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    for each, found in seen.items():
        model = made(follow(), n_steps=8, normalize_advantage_per_minibatch=each, n_epochs=1)
        model._setup_learn(1)
        model.trajectories = model.collector.run(8, lambda step: True)
        original = model.collector.estimated

        def spy(*args: Any, original: Any = original, found: Any = found, **kwargs: Any) -> Any:
            rollout = original(*args, **kwargs)
            found.append(rollout.advantages)
            return rollout

        model.collector.estimated = spy  # type: ignore[method-assign]
        model.set_logger(_no_logger())
        model.train()
    assert float(seen[False][0].std()) == pytest.approx(1.0, rel=1e-4)
    assert float(seen[True][0].std()) != pytest.approx(1.0, rel=1e-2)


def test_what_is_not_finite_is_skipped_and_ten_in_a_row_end_the_training() -> None:
    model = made(follow(), n_steps=8, n_epochs=2, nminibatches=4, reward_scale=1.0)
    model.learn(128)
    weights = {name: tensor.clone() for name, tensor in model.policy.state_dict().items()}
    record = model.collector.run(8, lambda step: True)
    assert record is not None
    record.rewards[3, 2] = math.inf
    model.trajectories = record
    model.train()  # 8 minibatches, all skipped: the normalised advantages are NaN
    after = model.policy.state_dict()
    assert all(torch.equal(after[name], weights[name]) for name in weights if "normaliser" not in name)
    assert model.logger.name_to_value["train/skipped_updates"] == 8
    model.trajectories = record
    with pytest.raises(
        UserError,
        match=r"not finite in 10 updates in a row.*the last checkpoint is sound.*last rollout: a reward\.",
    ):
        model.train()
    assert all(bool(torch.isfinite(tensor).all()) for tensor in model.policy.state_dict().values())


@pytest.mark.parametrize("symmetry", ["augment", "loss", "both"])
def test_symmetry_makes_the_policy_symmetric(symmetry: str) -> None:
    def asymmetry(**hyperparams: Any) -> float:
        model = made(follow(), n_steps=8, ent_coef=0.0, value_obs_key="policy", **hyperparams)
        model.learn(16 * 8 * 12)
        inputs = torch.linspace(0.1, 1, 10)[:, None]
        with torch.no_grad():
            left, right = (model.policy.act(model.policy.normalise(sign * inputs))[0].mode() for sign in (1, -1))
            return float((left + right).abs().mean())

    assert asymmetry(symmetry=symmetry, mirror_loss_coef=5.0) < 0.5 * asymmetry()


def test_mirror_images_are_right() -> None:
    env = follow(4)
    (symmetry,) = symmetries_of(
        env.world.mirrors(),
        ("policy", "critic"),
        dict(env.world.observation_spaces),
        env.action_space,
        torch.device("cpu"),
    )
    critic = torch.tensor([[0.5, 5.0]])
    assert symmetry.critic.numbers(critic).tolist() == [[-0.5, 5.0]]
    assert symmetry.mirrored_actions(torch.tensor([[2.0]])).tolist() == [[-2.0]]
    with pytest.raises(UserError, match="symmetry needs a world that says how it mirrors"):
        symmetries_of([], ("policy", "policy"), {}, env.action_space, torch.device("cpu"))


def test_actions_are_clipped_for_the_world_alone() -> None:
    model = made(follow(64), n_steps=4, clip_actions=0.25, policy_kwargs={"log_std_init": 1.0})
    model._setup_learn(1)
    given: list[torch.Tensor] = []
    step = model.collector.world.step

    def spy(actions: torch.Tensor) -> Any:
        given.append(actions.clone())
        return step(actions)

    model.collector.world.step = spy  # type: ignore[method-assign]
    record = model.collector.run(4, lambda step: True)
    assert record is not None
    assert float(torch.cat(given).abs().max()) == 0.25
    assert float(torch.cat(record.actions).abs().max()) > 2


def test_first_episodes_may_begin_at_random_ages() -> None:
    lengths: dict[bool, set[int]] = {}
    for random in (True, False):
        model = made(follow(32), n_steps=8, random_initial_ages=random)
        model._setup_learn(1)
        world = model.collector.world.world  # type: ignore[attr-defined]
        lengths[random] = set(np.asarray(world.elapsed).tolist())
    assert lengths[False] == {0}
    assert len(lengths[True]) > 4
    assert max(lengths[True]) < 8


def _no_logger() -> Any:
    from stable_baselines3.common.logger import Logger

    return Logger(None, [])


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("hidden", r"not finite in 10 updates.*last rollout: observation \(critic\), the reward's term hidden\."),
        ("numbers", r"actions are not finite, because these are not: observation \(policy\), observation \(critic\);"),
    ],
)
def test_the_terms_that_were_not_finite_are_named(part: str, says: str) -> None:
    env = follow(max_steps=1000)
    model = made(env, n_steps=8, n_epochs=3, nminibatches=4)
    draw = env.world._draw  # type: ignore[attr-defined]

    def broken(rows: Any) -> None:
        draw(rows)
        if model.num_timesteps > 300:
            getattr(env.world, part)[3] = math.nan

    env.world._draw = broken  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=says):
        model.learn(16 * 8 * 20)
