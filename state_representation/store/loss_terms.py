"""What ``--losses`` says: losses, their weights, and the part of the state each sees. Imports nothing heavy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from srl3.errors import UserError, unknown_name
from state_representation.registry import REST, registered_srl

DEFAULT_WEIGHTS: dict[str, float] = {
    "autoencoder": 1.0,
    "dae": 1.0,
    "vae": 1.0,
    "perceptual": 1.0,
    "forward": 1.0,
    "inverse": 2.0,
    "reward": 1.0,
    "priors": 1.0,
    "reward-prior": 10.0,
    "episode-prior": 1.0,
    "triplet": 1.0,
    "random": 0.0,
    "supervised": 1.0,
    "pca": 0.0,
}
"""Every loss, and its weight where the user gives none."""
UNTRAINED = ("random", "pca")
"""Losses that have no gradient."""
RECONSTRUCTIONS = ("autoencoder", "dae", "vae", "perceptual")
OF_TRANSITIONS = ("forward", "inverse", "reward", "priors", "reward-prior")
"""Losses of two successive frames; the others look at single frames."""
_SHARE = -1


@dataclass(frozen=True)
class LossTerm:
    """One loss: ``weight * loss(states[:, start:stop])``."""

    name: str
    weight: float
    start: int
    stop: int

    @property
    def size(self) -> int:
        """numbers of the state that it sees"""
        return self.stop - self.start

    @property
    def part(self) -> slice:
        """which numbers of the state it sees"""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class LossPlan:
    """All losses of a training.

    Args:
        terms: the losses, in the order that they were named.
        split: each sees its own part of the state, rather than all of it.
    """

    terms: tuple[LossTerm, ...]
    split: bool

    @property
    def names(self) -> tuple[str, ...]:
        """names of the losses"""
        return tuple(term.name for term in self.terms)

    @property
    def texts(self) -> tuple[str, ...]:
        """as ``--losses`` takes them"""
        texts = []
        previous = (-1, -1)
        for term in self.terms:
            part = (term.start, term.stop)
            dim = "" if not self.split else f":{_SHARE if part == previous else term.size}"
            texts.append(f"{term.name}:{term.weight:g}{dim}")
            previous = part
        return tuple(texts)

    @property
    def needs_transitions(self) -> bool:
        """whether a sample is two successive frames"""
        return any(name in OF_TRANSITIONS for name in self.names)


def parse_losses(texts: Sequence[str], state_dim: int) -> LossPlan:
    """The plan that ``--losses`` describes.

    Args:
        texts: ``name``, ``name:weight`` or ``name:weight:dim`` each; dim -1 shares the part of the loss before.
        state_dim: numbers per state.

    Raises:
        UserError: for an unknown loss, a number that can't be read, or parts that don't make up the state.
    """
    found: list[tuple[str, float, int | None]] = []
    for text in texts:
        name, *rest = text.split(":")
        if name not in DEFAULT_WEIGHTS:
            raise unknown_name("loss", name, DEFAULT_WEIGHTS)
        if name in (other for other, _, _ in found):
            raise UserError(f"--losses names {name} twice; name it once.")
        try:
            weight = float(rest[0]) if rest else DEFAULT_WEIGHTS[name]
            dim = int(rest[1]) if len(rest) > 1 else None
        except ValueError:
            raise _unreadable(text) from None
        if len(rest) > 2 or not math.isfinite(weight) or weight < 0:
            raise _unreadable(text)
        found.append((name, weight, dim))
    given = [dim is not None for _, _, dim in found]
    if any(given) and not all(given):
        without = next(name for name, _, dim in found if dim is None)
        raise UserError(f"some losses have a part of the state and {without} has none; write {without}:weight:dim too.")
    if not any(given):
        terms = tuple(LossTerm(name, weight, 0, state_dim) for name, weight, _ in found)
        return LossPlan(_without_pixel_loss(terms), split=False)
    return LossPlan(_without_pixel_loss(_split(found, state_dim)), split=True)


def preset_losses(srl_model: str, state_dim: int) -> list[str]:
    """``--losses`` of a registered representation.

    Raises:
        UserError: for a name that is not a learned representation, or a state too small for its parts.
    """
    if srl_model not in registered_srl:
        raise unknown_name("representation (--srl-model)", srl_model, registered_srl)
    entry = registered_srl[srl_model]
    if not entry.losses:
        learned = ", ".join(name for name, other in registered_srl.items() if other.losses)
        raise UserError(f"{srl_model} comes from the world and is not learned; learned are {learned}.")
    if not entry.dims:
        return list(entry.losses)
    rest = state_dim - sum(dim for dim in entry.dims if dim > 0)
    if rest < 1:
        raise UserError(f"{srl_model} needs a --state-dim of more than {state_dim - rest}, not {state_dim}.")
    dims = [rest if dim == REST else dim for dim in entry.dims]
    return [f"{name}:{DEFAULT_WEIGHTS[name]:g}:{dim}" for name, dim in zip(entry.losses, dims, strict=True)]


def registered_name(plan: LossPlan) -> str:
    """The registered representation that a plan is; any other combination is ``srl_combination`` or ``srl_splits``."""
    for name, entry in registered_srl.items():
        if entry.losses and bool(entry.dims) == plan.split and set(entry.losses) == set(plan.names):
            return name
    if plan.names == ("perceptual",):
        return "vae"
    return "srl_splits" if plan.split else "srl_combination"


def check_losses(plan: LossPlan, *, model_type: str, multi_view: bool, has_dae: bool) -> None:
    """Refuse what can't be learned together.

    Args:
        plan: the losses.
        model_type: of the encoder.
        multi_view: the dataset has two views.
        has_dae: ``--path-to-dae`` is given.

    Raises:
        UserError: with one sentence that says what to leave out.
    """
    names = set(plan.names)
    pictures = [name for name in RECONSTRUCTIONS if name in names]
    if "triplet" in names and not multi_view:
        raise UserError("triplet compares two views, and the dataset has one; record it with --multi-view.")
    if "triplet" in names and plan.split:
        raise UserError("triplet needs the whole state; leave out the dims of --losses.")
    if "triplet" in names and pictures:
        raise UserError(f"triplet looks at one view and {pictures[0]} draws both; leave out one of them.")
    if multi_view and model_type == "resnet" and "triplet" not in names:
        raise UserError("resnet takes one view; use --model-type custom_cnn for two views, or --losses triplet.")
    if "pca" in names and len(names) > 1:
        raise UserError("pca is no loss that others can be learned with; name it alone.")
    if {"perceptual", "dae"} <= names:
        raise UserError("perceptual compares with a dae that is learned already; leave out dae.")
    if len(pictures) > 1:
        raise UserError(f"{' and '.join(pictures)} are two ways of drawing the frame; name one of them.")
    if "perceptual" in names and not has_dae:
        raise UserError("perceptual needs a dae that is learned already; name its log folder with --path-to-dae.")
    if has_dae and "perceptual" not in names:
        raise UserError("--path-to-dae is for the loss perceptual; add it to --losses, or leave the flag out.")
    if pictures and model_type == "resnet":
        raise UserError(f"resnet has no decoder for {pictures[0]}; use --model-type custom_cnn.")
    if names & {"vae", "perceptual"} and model_type == "linear":
        raise UserError("a linear encoder has no vae; use --model-type mlp or custom_cnn.")
    if names <= set(UNTRAINED) or any(term.weight > 0 for term in plan.terms):
        return
    raise UserError("every loss has weight 0, so nothing would be learned; give one a weight above 0.")


def _split(found: list[tuple[str, float, int | None]], state_dim: int) -> tuple[LossTerm, ...]:
    terms: list[LossTerm] = []
    end = 0
    for name, weight, dim in found:
        assert dim is not None
        if dim == _SHARE:
            if not terms:
                raise UserError(f"{name} is the first loss and has no part before it to share (-1); give it a number.")
            terms.append(LossTerm(name, weight, terms[-1].start, terms[-1].stop))
            continue
        if dim < 1:
            raise UserError(f"{name} can't have {dim} numbers of the state; give at least 1, or -1 to share.")
        terms.append(LossTerm(name, weight, end, end + dim))
        end += dim
    if end != state_dim:
        raise UserError(f"the parts in --losses add up to {end}, and --state-dim is {state_dim}; make them equal.")
    return tuple(terms)


def _without_pixel_loss(terms: tuple[LossTerm, ...]) -> tuple[LossTerm, ...]:
    """perceptual is a vae judged by features instead of pixels: it takes the place of a vae named beside it."""
    parts = {term.name: term.part for term in terms}
    if not {"vae", "perceptual"} <= set(parts):
        return terms
    if parts["vae"] != parts["perceptual"]:
        raise UserError(
            "vae and perceptual are one network and need the same part of the state; write perceptual:1:-1."
        )
    return tuple(term for term in terms if term.name != "vae")


def _unreadable(text: str) -> UserError:
    return UserError(f"--losses takes name, name:weight or name:weight:dim with a weight of at least 0, not '{text}'.")
