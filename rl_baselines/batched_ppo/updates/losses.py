"""Losses of proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) on a minibatch."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rl_baselines.batched_ppo.networks.policy import BatchedPolicy
from rl_baselines.batched_ppo.rollouts.rollout import Minibatch
from rl_baselines.batched_ppo.updates.symmetry import Symmetry
from srl3.runtime.ranks import ALONE, Ranks


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
    imitation_coef: float = 0.0
    """weight of the loss that asks for the scripted policy's actions; 0: none"""


@dataclass(frozen=True)
class ActorLosses:
    """What a minibatch gave for the actor; all but ``total`` without gradients."""

    total: Tensor
    policy: Tensor
    entropy: Tensor
    divergence: Tensor
    """mean KL of the policy now from the one that collected"""
    clip_fraction: Tensor
    mirror: Tensor
    imitation: Tensor


@dataclass(frozen=True)
class Losses:
    """What a minibatch gave, without gradients."""

    total: Tensor
    actor: ActorLosses
    value: Tensor


def normalised(values: Tensor, ranks: Ranks = ALONE) -> Tensor:
    """``values`` with mean 0 and standard deviation 1, over those of all ranks; a single one as it is."""
    if ranks.size > 1:
        doubles = values.double()
        count, total, squares = ranks.add(
            torch.stack([torch.full_like(doubles[:1].sum(), len(values)), doubles.sum(), doubles.square().sum()])
        )
        mean = total / count
        std = ((squares - count * mean.square()) / (count - 1)).clamp_min(0).sqrt()
        return ((doubles - mean) / (std + 1e-8)).to(values.dtype)
    return values if len(values) < 2 else (values - values.mean()) / (values.std() + 1e-8)


def add_gradients(
    policy: BatchedPolicy,
    batch: Minibatch,
    settings: LossSettings,
    symmetries: Sequence[Symmetry],
    ranks: Ranks = ALONE,
    helper: Executor | None = None,
) -> Losses:
    """Losses of ``batch``, whose gradients are added to those of the parameters of ``policy``.

    Args:
        policy: what is learned.
        batch: from what.
        settings: weights and limits.
        symmetries: of the world.
        ranks: who learns together.
        helper: works on the critic meanwhile, which must have no parameter in common with the actor; None: the critic
            comes after the actor. Gradients are the same, bit for bit.
    """

    def learn_values() -> Tensor:
        loss = critic_loss(policy, batch, settings)
        (settings.vf_coef * loss).backward()
        return loss.detach()

    coming = None if helper is None else helper.submit(learn_values)
    actor = actor_losses(policy, batch, settings, symmetries, ranks)
    actor.total.backward()
    value = learn_values() if coming is None else coming.result()
    return Losses(actor.total.detach() + settings.vf_coef * value, actor, value)


def actor_losses(
    policy: BatchedPolicy,
    batch: Minibatch,
    settings: LossSettings,
    symmetries: Sequence[Symmetry],
    ranks: Ranks = ALONE,
) -> ActorLosses:
    """Losses of actions and mirror images, with gradients to the parameters of the actor."""
    now, _ = policy.act(batch.pi_inputs, batch.pi_memory, batch.starts)
    log_probs = now.log_prob(batch.actions)
    advantages = normalised(batch.advantages, ranks) if settings.normalize_each else batch.advantages
    entropy = now.entropy().mean()
    with torch.no_grad():
        divergence = batch.before.divergence(now).mean()  # type: ignore[arg-type]
        clip_fraction = (((log_probs - batch.log_probs).exp() - 1).abs() > settings.clip_range).float().mean()

    mirror = imitation = torch.zeros((), device=log_probs.device)
    if batch.scripted is not None and settings.imitation_coef:
        imitation = now.distance(batch.scripted).mean()
    old_log_probs = batch.log_probs
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
            old_log_probs, advantages = old_log_probs.repeat(copies), advantages.repeat(copies)

    ratio = (log_probs - old_log_probs).exp()
    clipped = ratio.clamp(1 - settings.clip_range, 1 + settings.clip_range)
    policy_loss = -torch.min(advantages * ratio, advantages * clipped).mean()
    total = policy_loss - settings.ent_coef * entropy + settings.mirror_coef * mirror
    if settings.imitation_coef:
        total = total + settings.imitation_coef * imitation
    parts = (policy_loss, entropy, divergence, clip_fraction, mirror, imitation)
    return ActorLosses(total, *(part.detach() for part in parts))


def critic_loss(policy: BatchedPolicy, batch: Minibatch, settings: LossSettings) -> Tensor:
    """Mean squared error of values, with gradients to the parameters of the critic."""
    values, _ = policy.value(batch.vf_inputs, batch.vf_memory, batch.starts)
    old_values, returns = batch.values, batch.returns
    if batch.mirrored and settings.augment:
        copies = 1 + len(batch.mirrored)
        values = torch.cat([values, *(policy.value(vf)[0] for _, vf, _ in batch.mirrored)])
        old_values, returns = old_values.repeat(copies), returns.repeat(copies)
    return clipped_value_loss(values, old_values, returns, settings.clip_range_vf)


def clipped_value_loss(values: Tensor, old_values: Tensor, returns: Tensor, clip: float | None) -> Tensor:
    """Mean squared error; of values and of those held within ``clip`` of the old ones the larger, sample by sample."""
    errors = (values - returns).square()
    if clip is None:
        return errors.mean()
    held = old_values + (values - old_values).clamp(-clip, clip)
    return torch.max(errors, (held - returns).square()).mean()


def averaged(losses: Losses, parameters: Sequence[nn.Parameter], ranks: Ranks = ALONE) -> Tensor:
    """Make the gradients of ``parameters`` their mean over all ranks.

    Returns:
        ``(2,)``: means over all ranks of the divergence and of the loss, not finite where those of one rank are not.
    """
    figures = torch.stack([losses.actor.divergence, losses.total])
    if ranks.size == 1:
        return figures
    grads = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
    flat = ranks.add(torch.cat([*(grad.flatten() for grad in grads), figures])) / ranks.size
    for parameter, part in zip(parameters, flat.split([grad.numel() for grad in grads] + [2])[:-1], strict=True):
        parameter.grad = part.view_as(parameter)
    return flat[-2:]


def clipped(groups: Sequence[list[nn.Parameter]], max_norm: float) -> Tensor:
    """Clip the gradients of each group of parameters by itself to ``max_norm``; gives the norms that they had."""
    return torch.stack([nn.utils.clip_grad_norm_(group, max_norm) for group in groups if group])
