"""Losses of proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) on a minibatch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.rollouts.rollout import Minibatch
from rl_baselines.batched_ppo.updates.symmetry import Symmetry


@dataclass(frozen=True)
class LossSettings:
    """Weights and limits of the losses."""

    clip_range: float
    clip_range_vf: float | None
    """None: values are not clipped"""
    ent_coef: float
    vf_coef: float
    normalize_each: bool
    """advantages are normalised within each minibatch"""
    augment: bool
    """mirror images are samples too"""
    mirror_coef: float
    """weight of the loss that asks for mirrored actions in a mirrored world; 0: none"""


@dataclass(frozen=True)
class Losses:
    """What a minibatch gave; all but ``total`` without gradients."""

    total: Tensor
    policy: Tensor
    value: Tensor
    entropy: Tensor
    divergence: Tensor
    """mean KL of the policy now from the one that collected"""
    clip_fraction: Tensor
    mirror: Tensor


def normalised(values: Tensor) -> Tensor:
    """``values`` with mean 0 and standard deviation 1; a single one as it is."""
    return values if len(values) < 2 else (values - values.mean()) / (values.std() + 1e-8)


def ppo_losses(
    policy: BatchedPolicy, batch: Minibatch, settings: LossSettings, symmetries: Sequence[Symmetry]
) -> Losses:
    """Losses of ``batch``, with gradients to the parameters of ``policy``."""
    now, _ = policy.act(batch.pi_inputs, batch.pi_memory, batch.starts)
    values, _ = policy.value(batch.vf_inputs, batch.vf_memory, batch.starts)
    log_probs = now.log_prob(batch.actions)
    advantages = normalised(batch.advantages) if settings.normalize_each else batch.advantages
    entropy = now.entropy().mean()
    with torch.no_grad():
        divergence = batch.before.divergence(now).mean()  # type: ignore[arg-type]
        clip_fraction = (((log_probs - batch.log_probs).exp() - 1).abs() > settings.clip_range).float().mean()

    mirror = torch.zeros((), device=values.device)
    old_log_probs, old_values, returns = batch.log_probs, batch.values, batch.returns
    images = batch.mirrored
    if images:
        views = [policy.act(pi)[0] for pi, _, _ in images]
        if settings.mirror_coef:
            wanted = [symmetry.mirrored_centre(now.centre().detach()) for symmetry in symmetries]
            mirror = torch.stack(
                [(view.centre() - goal).square().mean() for view, goal in zip(views, wanted, strict=True)]
            ).mean()
        if settings.augment:
            copies = 1 + len(images)
            mirrored_log_probs = [view.log_prob(actions) for view, (_, _, actions) in zip(views, images, strict=True)]
            log_probs = torch.cat([log_probs, *mirrored_log_probs])
            values = torch.cat([values, *(policy.value(vf)[0] for _, vf, _ in images)])
            old_log_probs, old_values = old_log_probs.repeat(copies), old_values.repeat(copies)
            returns, advantages = returns.repeat(copies), advantages.repeat(copies)

    ratio = (log_probs - old_log_probs).exp()
    clipped = ratio.clamp(1 - settings.clip_range, 1 + settings.clip_range)
    policy_loss = -torch.min(advantages * ratio, advantages * clipped).mean()
    value_loss = clipped_value_loss(values, old_values, returns, settings.clip_range_vf)
    total = policy_loss - settings.ent_coef * entropy + settings.vf_coef * value_loss + settings.mirror_coef * mirror
    return Losses(
        total,
        policy_loss.detach(),
        value_loss.detach(),
        entropy.detach(),
        divergence,
        clip_fraction,
        mirror.detach(),
    )


def clipped_value_loss(values: Tensor, old_values: Tensor, returns: Tensor, clip: float | None) -> Tensor:
    """Mean squared error; of values and of those held within ``clip`` of the old ones the larger, sample by sample."""
    errors = (values - returns).square()
    if clip is None:
        return errors.mean()
    held = old_values + (values - old_values).clamp(-clip, clip)
    return torch.max(errors, (held - returns).square()).mean()


def clipped_step(
    loss: Tensor,
    groups: Sequence[list[nn.Parameter]],
    optimizer: torch.optim.Optimizer,
    max_norm: float,
    before_step: Callable[[], None] | None = None,
) -> bool:
    """One step of ``optimizer``, with gradients clipped to ``max_norm`` in each group of parameters by itself.

    Args:
        loss: to be lessened.
        groups: parameters.
        optimizer: of all of them.
        max_norm: greatest norm of a group's gradients.
        before_step: called when gradients are there, before they are clipped.

    Returns:
        False, with nothing changed, where the loss or a gradient is not finite.
    """
    optimizer.zero_grad()
    if not bool(torch.isfinite(loss)):
        return False
    loss.backward()
    if before_step is not None:
        before_step()
    norms = [nn.utils.clip_grad_norm_(group, max_norm) for group in groups]
    if not bool(torch.isfinite(torch.stack(norms)).all()):
        optimizer.zero_grad()
        return False
    optimizer.step()
    return True
