"""Some robots of many: by their places on a CPU; on a GPU, which counting would wait for, all of them and a mask."""

import torch


def those(mask: torch.Tensor, masked: bool | None = None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The robots of ``mask (N,) bool`` as ``rows (K,) int64``, and which of these are meant; None: all of them.

    Args:
        mask: who is meant.
        masked: give all N rows and the mask; None: on a GPU.
    """
    if masked is None:
        masked = mask.device.type != "cpu"
    if masked:
        return torch.arange(len(mask), device=mask.device), mask
    return mask.nonzero(as_tuple=True)[0], None


def put(target: torch.Tensor, rows: torch.Tensor, values: torch.Tensor, chosen: torch.Tensor | None) -> None:
    """Write ``values``, a row for each of ``rows``, to those of ``target`` that are meant, in place.

    Args:
        target: ``(N, …)``
        rows: as `those` gave them.
        values: ``(K, …)``
        chosen: as `those` gave it.
    """
    if chosen is None:
        target[rows] = values
    else:
        target.copy_(torch.where(chosen.reshape(-1, *[1] * (target.dim() - 1)), values, target))
