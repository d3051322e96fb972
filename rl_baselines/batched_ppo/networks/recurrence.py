"""Networks with a memory: GRU and LSTM over sequences in which episodes end."""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

Memory = tuple[Tensor, ...]
"""Hidden state (and cell state of an LSTM) of B robots, each ``(layers, B, hidden)``."""
RNNType = Literal["lstm", "gru"]
RNN_TYPES = ("lstm", "gru")


class RecurrentLayer(nn.Module):
    """A GRU or LSTM whose memory is empty at the start of an episode.

    Args:
        size: numbers that go in.
        rnn_type: ``gru`` or ``lstm``.
        hidden: numbers that come out.
        layers: how many layers.
    """

    def __init__(self, size: int, rnn_type: RNNType, hidden: int, layers: int) -> None:
        super().__init__()
        self.network: nn.GRU | nn.LSTM = (nn.GRU if rnn_type == "gru" else nn.LSTM)(size, hidden, layers)
        self._parts = 1 if rnn_type == "gru" else 2
        for name, parameter in self.network.named_parameters():
            if "weight" in name:
                nn.init.orthogonal_(parameter)
            else:
                nn.init.zeros_(parameter)

    def empty(self, count: int) -> Memory:
        """The memory of ``count`` robots at the start of an episode."""
        weight = next(self.network.parameters())
        shape = (self.network.num_layers, count, self.network.hidden_size)
        return tuple(weight.new_zeros(shape) for _ in range(self._parts))

    def forward(self, inputs: Tensor, memory: Memory, starts: Tensor) -> tuple[Tensor, Memory]:
        """Outputs of a sequence and the memory after it.

        Args:
            inputs: ``(T, B, size)``.
            memory: before the first step.
            starts: ``(T, B) bool``: an episode begins with this step, so that the memory before it is void.

        Returns:
            ``(T, B, hidden)``, and the memory after the last step.
        """
        outputs = []
        cuts = [0, *torch.nonzero(starts.any(dim=1)).squeeze(-1).tolist(), len(inputs)]
        for first, last in pairwise(cuts):
            if first == last:
                continue
            kept = (~starts[first]).to(inputs.dtype)[None, :, None]
            memory = tuple(part * kept for part in memory)
            block, after = self.network(inputs[first:last], memory[0] if self._parts == 1 else memory)
            memory = (after,) if self._parts == 1 else tuple(after)
            outputs.append(block)
        return torch.cat(outputs), memory


def rows_of(memory: Memory, rows: Tensor) -> Memory:
    """The memories of some robots."""
    return tuple(part[:, rows] for part in memory)
