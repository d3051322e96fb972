"""The losses as networks: what each learns beside the encoder, and what it looks at.

Adding a loss: a formula in `state_representation.learning.losses`, a class here with a line in `OBJECTIVES`, a
default weight in `state_representation.store.loss_terms`.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from state_representation.learning import losses
from state_representation.learning.occlusion import occlude
from state_representation.models.decoders import build_decoder
from state_representation.models.encoders import EncoderNetwork, ImageShape
from state_representation.store.loss_terms import LossPlan, LossTerm

PIXEL_NOISE = 0.1
"""Standard deviation that a VAE takes a pixel's error to have; pixels are in [0, 1]."""


@dataclass(frozen=True)
class Setting:
    """What objectives are built for; statistics are those of the frames learned from.

    Args:
        img_shape: height, width, channels of the frames.
        model_type: of the encoder.
        feature_size: numbers that the encoder's head sees.
        mean_frame: ``(H, W, C)`` in [0, 1].
        pixel_variance: variance of a pixel over the dataset, mean over pixels.
        n_actions: discrete actions; None for continuous ones.
        action_variance: ``(k,)`` of continuous actions; empty for discrete ones.
        n_rewards: different rewards; 0 for dense rewards, which are guessed as numbers.
        reward_variance: of the rewards.
        inverse_model_type: ``linear`` or ``mlp``.
        beta: weight of a VAE's KL divergence.
        occlusion: greatest share of a side that a DAE's rectangle hides.
        dae: a learned encoder that compares pictures for ``perceptual``, with the variance of its features.
    """

    img_shape: ImageShape
    model_type: str
    feature_size: int
    mean_frame: Tensor
    pixel_variance: float
    n_actions: int | None
    action_variance: Tensor
    n_rewards: int
    reward_variance: float
    inverse_model_type: str = "linear"
    beta: float = 1.0
    occlusion: float = 0.5
    dae: tuple[nn.Module, float] | None = None

    @property
    def n_pixels(self) -> int:
        """numbers in a frame"""
        height, width, channels = self.img_shape
        return height * width * channels


@dataclass(frozen=True)
class Batch:
    """A minibatch on the device; what belongs to transitions is None where the losses need single frames only.

    Args:
        frames: ``(n, C, H, W) float32`` in [0, 1].
        features: what the encoder's head saw, ``(n, feature_size)``.
        states: ``(n, state_dim)``
        next_states: ``(n, state_dim)`` of the frames after.
        actions: ``(n,) int64`` or ``(n, k) float32``
        rewards: ``(n,) float32``, what followed.
        reward_classes: ``(n,) int64``, number of the reward among the different ones.
        episodes: ``(n,) int64``
        truth: ``(n, k) float32``, standardised.
        encode: the encoder, for other pictures.
        generator: for noise.
        training: False in validation.
    """

    frames: Tensor
    features: Tensor
    states: Tensor
    next_states: Tensor | None
    actions: Tensor
    rewards: Tensor
    reward_classes: Tensor
    episodes: Tensor
    truth: Tensor
    encode: Callable[[Tensor], tuple[Tensor, Tensor]]
    generator: torch.Generator
    training: bool

    def both(self, part: slice) -> tuple[Tensor, Tensor]:
        """States before and after, of one part."""
        assert self.next_states is not None
        return self.states[:, part], self.next_states[:, part]


class Objective(nn.Module):
    """One loss, with the networks that it learns.

    Args:
        setting: what it is built for.
        term: the part of the state that it sees.
    """

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__()
        self.setting = setting
        self.part = term.part
        self.size = term.size

    def forward(self, batch: Batch) -> Tensor:
        raise NotImplementedError


class AutoEncoder(Objective):
    """Draw the frame from the state; the loss is the share of the pixels' variance that is left unexplained."""

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__(setting, term)
        self.decoder = build_decoder(setting.model_type, setting.img_shape, term.size, setting.mean_frame)

    def forward(self, batch: Batch) -> Tensor:
        return self._error(batch, batch.states[:, self.part])

    def _error(self, batch: Batch, code: Tensor) -> Tensor:
        return losses.unexplained(self.decoder(code), batch.frames, self.setting.pixel_variance)


class DenoisingAutoEncoder(AutoEncoder):
    """Draw the whole frame from one of which a rectangle is hidden; the code is the loss's own part of the state."""

    def forward(self, batch: Batch) -> Tensor:
        hidden = occlude(batch.frames, self.setting.occlusion, batch.generator)
        return self._error(batch, batch.encode(hidden)[1][:, self.part])


class VariationalAutoEncoder(AutoEncoder):
    """Kingma and Welling (2014), with beta of Higgins et al. (2017).

    The negative evidence bound under pixel noise s is ``SSE / (2 s**2) + beta * KL``; here it is divided so that the
    first part is the unexplained share of the variance, and the whole of it is multiplied by the loss's weight.
    """

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__(setting, term)
        self.log_variance = nn.Linear(setting.feature_size, term.size)
        self.kl_scale = 2 * PIXEL_NOISE**2 / (setting.n_pixels * setting.pixel_variance)

    def forward(self, batch: Batch) -> Tensor:
        mean = batch.states[:, self.part]
        log_variance: Tensor = self.log_variance(batch.features).clamp(-20, 20)
        code = mean
        if batch.training:
            noise = torch.randn(mean.shape, generator=batch.generator).to(mean)
            code = mean + noise * torch.exp(0.5 * log_variance)
        divergence = losses.kl_divergence(mean, log_variance)
        return self._error(batch, code) + self.setting.beta * self.kl_scale * divergence


class Perceptual(VariationalAutoEncoder):
    """A VAE whose pictures are compared by the features of a learned DAE instead of by pixels.

    Higgins et al., "DARLA" (2017), section 4.2.
    """

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__(setting, term)
        assert setting.dae is not None
        judge, self.feature_variance = setting.dae
        self._judge = (judge.eval().requires_grad_(False),)  # in a tuple, so that it is no part of this network

    def _error(self, batch: Batch, code: Tensor) -> Tensor:
        judge = self._judge[0]
        with torch.no_grad():
            seen = judge(batch.frames)
        return losses.unexplained(judge(self.decoder(code)), seen, self.feature_variance)


class Forward(Objective):
    """The next state is the state plus what a matrix makes of state and action."""

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__(setting, term)
        n_inputs = setting.n_actions if setting.n_actions is not None else len(setting.action_variance)
        self.change = nn.Linear(term.size + n_inputs, term.size)

    def forward(self, batch: Batch) -> Tensor:
        states, next_states = batch.both(self.part)
        actions = batch.actions
        if self.setting.n_actions is not None:
            actions = functional.one_hot(actions, self.setting.n_actions)
        guess = states + self.change(torch.cat([states, actions.to(states)], dim=1))
        return functional.mse_loss(guess, next_states)


class Inverse(Objective):
    """Which action led from one state to the next; continuous actions as a share of their variance."""

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__(setting, term)
        outputs = setting.n_actions if setting.n_actions is not None else len(setting.action_variance)
        hidden = (128, 128) if setting.inverse_model_type == "mlp" else ()
        self.guess = _layers(2 * term.size, hidden, outputs)

    def forward(self, batch: Batch) -> Tensor:
        guess = self.guess(torch.cat(batch.both(self.part), dim=1))
        if self.setting.n_actions is not None:
            return functional.cross_entropy(guess, batch.actions)
        return ((guess - batch.actions) ** 2 / self.setting.action_variance.to(guess)).mean()


class Reward(Objective):
    """Which reward followed; dense rewards as a share of their variance."""

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__(setting, term)
        self.guess = _layers(2 * term.size, (16, 16), max(1, setting.n_rewards))

    def forward(self, batch: Batch) -> Tensor:
        guess = self.guess(torch.cat(batch.both(self.part), dim=1))
        if self.setting.n_rewards:
            return functional.cross_entropy(guess, batch.reward_classes)
        return losses.unexplained(guess[:, 0], batch.rewards, self.setting.reward_variance)


class Priors(Objective):
    """The four robotic priors."""

    def forward(self, batch: Batch) -> Tensor:
        return losses.priors(*batch.both(self.part), batch.actions, batch.rewards)


class RewardPrior(Objective):
    """The state after a reward correlates with it."""

    def forward(self, batch: Batch) -> Tensor:
        return losses.reward_correlation(batch.both(self.part)[1], batch.rewards)


class EpisodePrior(Objective):
    """Two states don't tell whether they are of one episode: a discriminator learns to, and the encoder against it.

    Ganin et al., "Domain-Adversarial Training of Neural Networks" (2016), gives the reversed gradient.
    """

    def __init__(self, setting: Setting, term: LossTerm) -> None:
        super().__init__(setting, term)
        self.discriminator = _layers(2 * term.size, (64, 64), 1)

    def forward(self, batch: Batch) -> Tensor:
        states = _reversed_gradient(batch.states[:, self.part])
        first, second = torch.triu_indices(len(states), len(states), offset=1, device=states.device)
        logits = self.discriminator(torch.cat([states[first], states[second]], dim=1))[:, 0]
        return losses.same_episode(logits, batch.episodes[first] == batch.episodes[second])


class Triplet(Objective):
    """Two views of one moment are nearer than two moments; the other moment is that of the next frame in the batch."""

    def forward(self, batch: Batch) -> Tensor:
        other_view = batch.encode(batch.frames[:, 3:6])[1]
        return losses.triplet(batch.states, other_view, batch.states.roll(1, dims=0))


class Supervised(Objective):
    """The state is ground truth, standardised."""

    def forward(self, batch: Batch) -> Tensor:
        return functional.mse_loss(batch.states[:, self.part], batch.truth)


OBJECTIVES: dict[str, type[Objective]] = {
    "autoencoder": AutoEncoder,
    "dae": DenoisingAutoEncoder,
    "vae": VariationalAutoEncoder,
    "perceptual": Perceptual,
    "forward": Forward,
    "inverse": Inverse,
    "reward": Reward,
    "priors": Priors,
    "reward-prior": RewardPrior,
    "episode-prior": EpisodePrior,
    "triplet": Triplet,
    "supervised": Supervised,
}


def objective_key(name: str) -> str:
    """The loss's name among the modules of `SRLModel` (a module can't be named ``forward``)."""
    return f"{name}_loss"


class SRLModel(nn.Module):
    """An encoder and what is learned beside it.

    Args:
        encoder: frames to states.
        setting: what the objectives are built for.
        plan: the losses.
        first_view_only: the encoder looks at the first three channels.
    """

    def __init__(self, encoder: EncoderNetwork, setting: Setting, plan: LossPlan, first_view_only: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.terms = tuple(term for term in plan.terms if term.name in OBJECTIVES)
        self.objectives = nn.ModuleDict(
            {objective_key(term.name): OBJECTIVES[term.name](setting, term) for term in self.terms}
        )
        self.first_view_only = first_view_only
        if "random" in plan.names:
            encoder.requires_grad_(False)

    def encode(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features and states of frames ``(n, C, H, W)`` in [0, 1]."""
        if self.first_view_only:
            frames = frames[:, :3]
        features = self.encoder.features(frames)
        return features, self.encoder.states(features)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Every loss by name, unweighted."""
        return {term.name: self.objectives[objective_key(term.name)](batch) for term in self.terms}

    def total(self, found: dict[str, Tensor]) -> Tensor:
        """The weighted sum of losses."""
        return torch.stack([term.weight * found[term.name] for term in self.terms]).sum()


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, states: Tensor) -> Tensor:
        return states.view_as(states)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        return -gradient


def _reversed_gradient(states: Tensor) -> Tensor:
    """The same states, through which gradients pass with the opposite sign."""
    found: Tensor = _Reversed.apply(states)
    return found


def _layers(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    sizes = [inputs, *hidden]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))
