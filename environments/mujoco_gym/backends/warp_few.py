"""`Few`: simulations beside those of a `WarpBackend`, in which the state of some of these is computed anew."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mujoco
import mujoco_warp as mjw
import torch
import warp as wp

from environments.mujoco_gym.backends.warp_sizes import Sizes

Tensors = Mapping[str, torch.Tensor]


class Few:
    """K simulations of the same models: episodes begin with a robot or two in a step of thousands, and computing their
    positions and forces would take as long as a substep of all.

    Args:
        compiled: the model as compiled.
        model: mujoco_warp's, with a row for each of the N simulations in fields that vary.
        varied: the names of these, with the part of the model that has them: ``(owner, field)``, "" for the model.
        size: K.
        sizes: how many contacts and constraints are held.
        tensor: an array's memory as a tensor.
        fields: names of the state's fields.
    """

    def __init__(
        self,
        compiled: mujoco.MjModel,
        model: Any,
        varied: Sequence[tuple[str, str]],
        size: int,
        sizes: Sizes,
        tensor: Callable[[Any], torch.Tensor],
        fields: Sequence[str],
    ) -> None:
        self.model = copy.copy(model)
        self.model.opt = copy.copy(model.opt)
        self.data = mjw.make_data(compiled, nworld=size, nconmax=sizes.contacts, njmax=sizes.constraints)
        self._state = {name: tensor(getattr(self.data, name)) for name in fields}
        self._tensor = tensor
        self._varied: list[tuple[torch.Tensor, torch.Tensor]] = []
        for owner, name in varied:
            few = getattr(self.model, owner) if owner else self.model
            rows = getattr(few, name)
            setattr(few, name, wp.empty((size, *rows.shape[1:]), dtype=rows.dtype))
            self._varied.append((tensor(getattr(few, name)), tensor(rows)))

    def load(self, state: Tensors, rows: torch.Tensor) -> None:
        """Take the state and the models of these simulations, K of them."""
        for name, values in self._state.items():
            if values[0].numel():
                values.copy_(state[name][rows])
        for few, many in self._varied:
            few.copy_(many[rows])

    def forward(self) -> None:
        """Compute from the state what follows from it."""
        mjw.forward(self.model, self.data)

    def read(self, field: str) -> torch.Tensor:
        """``(K, …)``: a field of what was computed."""
        return self._tensor(getattr(self.data, field))
