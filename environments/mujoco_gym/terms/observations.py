"""From a task's raw observation terms to what is observed: noise, clip, scale, delay, history."""

from collections.abc import Mapping

import torch

from environments.mujoco_gym.config import ObservationConfig
from environments.mujoco_gym.randomness import Draws

Terms = Mapping[str, torch.Tensor]


class ObservationGroup:
    """One group of observations of N robots, laid out term after term.

    Args:
        name: of the group.
        terms: their configuration, in their order.
        sizes: how many numbers each raw term has.
        num_envs: N.
        device: of the tensors.

    Attributes:
        values: ``(N, size) float32``, what is observed now.
        places: where each term is in it.
    """

    def __init__(
        self,
        name: str,
        terms: Mapping[str, ObservationConfig],
        sizes: Mapping[str, int],
        num_envs: int,
        device: torch.device,
    ) -> None:
        self.name = name
        self.terms = terms
        self.places: dict[str, slice] = {}
        start = 0
        for term, config in terms.items():
            self.places[term] = slice(start, start + sizes[term] * config.history)
            start += sizes[term] * config.history
        self.size = start
        self.values = torch.zeros(num_envs, start, device=device)
        self._past = {
            term: torch.zeros(num_envs, config.delay + config.history, sizes[term], device=device)
            for term, config in terms.items()
            if config.delay or config.history > 1
        }
        self.noisy = any(config.noise for config in terms.values())
        self._scales = torch.cat([torch.full((sizes[term],), config.scale) for term, config in terms.items()]).to(
            device
        )
        self._uniform, self._gaussian = (  # drawn at once
            {term: sizes[term] for term, config in terms.items() if config.noise and config.noise_kind == kind}
            for kind in ("uniform", "gaussian")
        )
        widths = [torch.full((size,), 2 * terms[term].noise) for term, size in self._uniform.items()]
        self._widths = torch.cat(widths).to(device) if widths else None

    def push(self, raw: Terms, draws: Draws | None) -> None:
        """The observation of all robots after a step."""
        measured = self._measured(raw, draws)
        if not self._past:
            torch.cat(measured, 1, out=self.values)
            self.values *= self._scales
            return
        for (term, config), value in zip(self.terms.items(), measured, strict=True):
            target = self.values[:, self.places[term]]
            past = self._past.get(term)
            if past is None:
                torch.mul(value, config.scale, out=target)
                continue
            past[:, :-1] = past[:, 1:].clone()
            past[:, -1] = value * config.scale
            target.copy_(past[:, : config.history].flatten(1))

    def begin(self, rows: torch.Tensor, raw: Terms, draws: Draws | None) -> None:
        """The first observation of episodes of these robots: their past is full of it. ``raw`` has a row for each."""
        for (term, config), value in zip(self.terms.items(), self._measured(raw, draws), strict=True):
            value = value * config.scale
            past = self._past.get(term)
            if past is not None:
                past[rows] = value[:, None].expand(-1, past.shape[1], -1)
                value = value.repeat(1, config.history)
            self.values[rows, self.places[term]] = value

    def clean(self, raw: Terms) -> torch.Tensor:
        """``(K, total size of the raw terms)``: without noise, delay and history."""
        return torch.cat(self._measured(raw, None), 1) * self._scales

    def _measured(self, raw: Terms, draws: Draws | None) -> list[torch.Tensor]:
        """Each term ``(K, its size)`` with its noise, clipped, not yet scaled."""
        noise = self._noise(draws) if draws is not None and self.noisy else {}
        measured = []
        for term, config in self.terms.items():
            value = raw[term] + noise[term] if term in noise else raw[term]
            measured.append(value if config.clip is None else value.clamp(*config.clip))
        return measured

    def _noise(self, draws: Draws) -> dict[str, torch.Tensor]:
        """By term that has some, ``(K, its size)``."""
        noise: dict[str, torch.Tensor] = {}
        if self._widths is not None:
            unit = draws.units({self._purpose(term): size for term, size in self._uniform.items()})
            spread = unit * self._widths - self._widths / 2
            noise.update(zip(self._uniform, spread.split(list(self._uniform.values()), 1), strict=True))
        if self._gaussian:
            drawn = draws.normals({self._purpose(term): size for term, size in self._gaussian.items()})
            parts = drawn.split(list(self._gaussian.values()), 1)
            noise.update(
                (term, self.terms[term].noise * part) for term, part in zip(self._gaussian, parts, strict=True)
            )
        return noise

    def _purpose(self, term: str) -> str:
        return f"noise.{self.name}.{term}"

    # snapshots

    def state(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Copies of these robots' rows."""
        return {"values": self.values[rows], **{f"past.{term}": past[rows] for term, past in self._past.items()}}

    def restore(self, rows: torch.Tensor, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        self.values[rows] = state["values"]
        for term, past in self._past.items():
            past[rows] = state[f"past.{term}"]
