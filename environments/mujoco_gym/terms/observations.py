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

    def push(self, raw: Terms, draws: Draws | None) -> None:
        """The observation of all robots after a step."""
        for term, config in self.terms.items():
            target = self.values[:, self.places[term]]
            past = self._past.get(term)
            if past is None:
                self._processed(term, config, raw[term], draws, target)
                continue
            past[:, :-1] = past[:, 1:].clone()
            past[:, -1] = self._processed(term, config, raw[term], draws)
            target.copy_(past[:, : config.history].flatten(1))

    def begin(self, rows: torch.Tensor, raw: Terms, draws: Draws | None) -> None:
        """The first observation of episodes of these robots: their past is full of it. ``raw`` has a row for each."""
        for term, config in self.terms.items():
            value = self._processed(term, config, raw[term], draws)
            past = self._past.get(term)
            if past is not None:
                past[rows] = value[:, None].expand(-1, past.shape[1], -1)
                value = value.repeat(1, config.history)
            self.values[rows, self.places[term]] = value

    def clean(self, raw: Terms) -> torch.Tensor:
        """``(K, total size of the raw terms)``: without noise, delay and history."""
        return torch.cat([self._processed(term, config, raw[term], None) for term, config in self.terms.items()], 1)

    def _processed(
        self,
        term: str,
        config: ObservationConfig,
        value: torch.Tensor,
        draws: Draws | None,
        out: torch.Tensor | None = None,
    ) -> torch.Tensor:
        if config.noise and draws is not None:
            purpose = f"noise.{self.name}.{term}"
            if config.noise_kind == "uniform":
                value = value + draws.uniform(purpose, value.shape[1], -config.noise, config.noise)
            else:
                value = value + config.noise * draws.normal(purpose, value.shape[1])
        if config.clip is not None:
            value = value.clamp(*config.clip)
        if out is not None:
            return torch.mul(value, config.scale, out=out)
        return value * config.scale

    # snapshots

    def state(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Copies of these robots' rows."""
        return {"values": self.values[rows], **{f"past.{term}": past[rows] for term, past in self._past.items()}}

    def restore(self, rows: torch.Tensor, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        self.values[rows] = state["values"]
        for term, past in self._past.items():
            past[rows] = state[f"past.{term}"]
