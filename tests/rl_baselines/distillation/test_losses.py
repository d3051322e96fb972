import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from rl_baselines.distillation.losses import Targets, loss_of

OBSERVATIONS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def policy(space: spaces.Space[object]) -> ActorCriticPolicy:
    torch.manual_seed(1)
    return ActorCriticPolicy(spaces.Box(-1, 1, (3,)), space, lambda _: 1e-3, ortho_init=False)


def test_discrete_losses_are_those_of_torch() -> None:
    student, rng = policy(spaces.Discrete(4)), np.random.default_rng(0)
    scores = torch.log_softmax(torch.as_tensor(rng.normal(size=(6, 4)), dtype=torch.float32), dim=1)
    own = student.get_distribution(OBSERVATIONS).distribution
    targets = {"scores": scores, "actions": torch.arange(6) % 4}
    found = {loss: loss_of(student, OBSERVATIONS, targets, loss) for loss in ("kl", "mse", "cross_entropy")}
    torch.testing.assert_close(found["kl"], kl_divergence(Categorical(logits=scores), own))
    torch.testing.assert_close(found["mse"], ((scores.exp() - own.probs) ** 2).sum(1))
    torch.testing.assert_close(found["cross_entropy"], -own.log_prob(targets["actions"]))
    softened = 9 * kl_divergence(Categorical(logits=scores / 3), Categorical(logits=own.logits / 3))
    torch.testing.assert_close(loss_of(student, OBSERVATIONS, targets, "kl", temperature=3.0), softened)


def test_continuous_losses_are_those_of_torch() -> None:
    student, rng = policy(spaces.Box(-1, 1, (2,))), np.random.default_rng(0)
    means, stds, actions = (torch.as_tensor(rng.uniform(0.1, 1, (6, 2)), dtype=torch.float32) for _ in range(3))
    own = Independent(student.get_distribution(OBSERVATIONS).distribution, 1)
    targets = {"means": means, "stds": stds, "actions": actions}
    torch.testing.assert_close(
        loss_of(student, OBSERVATIONS, targets, "kl"), kl_divergence(Independent(Normal(means, stds), 1), own)
    )
    torch.testing.assert_close(loss_of(student, OBSERVATIONS, targets, "mse"), ((means - own.mean) ** 2).sum(1))
    torch.testing.assert_close(loss_of(student, OBSERVATIONS, targets, "cross_entropy"), -own.log_prob(actions))
    del targets["means"]
    torch.testing.assert_close(loss_of(student, OBSERVATIONS, targets, "mse"), ((actions - own.mean) ** 2).sum(1))


def test_what_one_teacher_lacks_the_lessons_lack() -> None:
    both = Targets(np.zeros(2, np.int64), np.zeros((2, 4))).joined(Targets(np.ones(3, np.int64)))
    assert both.actions.tolist() == [0, 0, 1, 1, 1]
    assert both.scores is None
