"""What each of two processes does for `test_processes`: ``python -m tests.rl_baselines.batched_ppo.two_ranks``."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rl_baselines.batched_ppo.networks.normaliser import RunningMoments
from rl_baselines.batched_ppo.updates.losses import ActorLosses, Losses, averaged, normalised
from srl3.errors import UserError
from srl3.runtime.ranks import Ranks, check_same, joined, place
from tests.rl_baselines.batched_ppo.worlds import follow, made


def check_sums(ranks: Ranks) -> None:
    """Halves in two ranks give what the whole gives in one."""
    whole = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    half = whole.chunk(2)[ranks.rank]
    torch.testing.assert_close(normalised(half[:, 0], ranks), normalised(whole[:, 0]).chunk(2)[ranks.rank])
    apart, together = RunningMoments(3), RunningMoments(3)
    apart.update(half, ranks)
    together.update(whole)
    for name in ("count", "mean", "var"):
        torch.testing.assert_close(getattr(apart, name), getattr(together, name))

    weight = torch.nn.Parameter(torch.ones(3))

    def losses(samples: torch.Tensor) -> Losses:
        weight.grad = None
        loss, nothing = (samples @ weight).square().mean(), torch.zeros(())
        loss.backward()
        loss = loss.detach()
        return Losses(loss, ActorLosses(loss, nothing, nothing, loss, nothing, nothing, nothing), nothing)

    wanted_loss = losses(whole).total
    wanted = weight.grad
    found = averaged(losses(half), [weight], ranks)
    torch.testing.assert_close(weight.grad, wanted)
    torch.testing.assert_close(found[0], wanted_loss)
    found = averaged(losses(half * (torch.nan if ranks.rank else 1)), [weight], ranks)
    assert not torch.isfinite(found).any()


def check_training(ranks: Ranks) -> None:
    """Ranks begin with different networks and worlds, and go on with the same networks."""
    rnd = {"weight": 0.1, "state_normalization": True, "reward_normalization": True}
    model = made(follow(4), seed=ranks.rank, n_steps=8, n_epochs=2, rnd=rnd)
    before = _parameters(model.policy)
    assert not torch.equal(*ranks.stacked(before))
    model.join(ranks)
    model.learn(2 * 8 * 4 * 3)
    assert model.num_timesteps == 2 * 8 * 4 * 3
    assert model.novelty is not None
    known = torch.cat([tensor.double().flatten() for tensor in model.novelty.state_dict().values()])
    assert torch.equal(*ranks.stacked(known))
    first, second = ranks.stacked(_parameters(model.policy))
    assert torch.equal(first, second)
    assert not torch.equal(first, before)
    seen = ranks.stacked(torch.as_tensor(np.asarray(model._last_obs)))
    assert not torch.equal(seen[0], seen[1])
    assert len({float(rate) for rate in ranks.stacked(torch.tensor(model.learner.rate))}) == 1
    assert float(model.policy.pi_normaliser.count) == 2 * 9 * 4 * 3
    assert len(model.ep_info_buffer or ()) == 2 * 4 * 3  # of all ranks


def check_refusals(ranks: Ranks) -> None:
    """One sentence, said by rank 0, whichever refuses."""
    for work in (lambda: check_same(ranks, {"seed": ranks.rank}), lambda: ranks.agree("no" if ranks.rank else None)):
        with pytest.raises(UserError if ranks.is_first else SystemExit) as refused:
            work()
        if ranks.is_first:
            print(refused.value)
        else:
            assert refused.value.args == (2,)


def _parameters(policy: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in policy.parameters()])


def check_ends() -> None:
    """No thread of the exchange is left; one would now and then end the process by SIGABRT."""
    threads = [task.joinpath("comm").read_text().strip() for task in Path("/proc/self/task").glob("*")]
    assert not [name for name in threads if "gloo" in name], threads


def main() -> None:
    """All checks."""
    torch.set_num_threads(1)
    with joined(place(), gpus=False) as ranks:
        assert ranks.size == 2
        check_sums(ranks)
        check_training(ranks)
        check_refusals(ranks)
    check_ends()


if __name__ == "__main__":
    sys.exit(main())
