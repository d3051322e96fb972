"""`WarpBackend`: mujoco_warp on a GPU, or on Warp's own CPU device for tests, in float32."""

import copy
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import mujoco
import mujoco_warp as mjw
import numpy as np
import torch
import warp as wp

from environments.mujoco_gym.backends.base import PhysicsBackend
from environments.mujoco_gym.backends.warp_few import Few
from environments.mujoco_gym.backends.warp_kernels import note_failed, refill
from environments.mujoco_gym.backends.warp_sizes import Sizes, overflow_words
from environments.mujoco_gym.replay.watching import outside
from srl3.errors import UserError

logger = logging.getLogger(__name__)

STATE_FIELDS = (
    "time",
    "qpos",
    "qvel",
    "act",
    "history",
    "qacc_warmstart",
    "ctrl",
    "qfrc_applied",
    "xfrc_applied",
    "eq_active",
    "mocap_pos",
    "mocap_quat",
    "userdata",
    "plastic",
)
"""what the next step depends on, in the order of MuJoCo's integration state"""
THROWN_AWAY = ("time", "qpos", "qvel", "act", "qacc_warmstart")
"""fields of a failed simulation that go back to the model's initial state at once"""
INERTIAL = ("body_mass", "body_inertia", "body_ipos", "dof_armature")
"""varied fields from which the engine derives others"""
DERIVED = ("body_subtreemass", "body_invweight0", "dof_invweight0", "tendon_invweight0", "actuator_acc0")
AFTER_CONSTRAINTS = ("cacc", "cfrc_int", "cfrc_ext")
"""fields that the engine computes only where it is asked to"""
FEW = (64, 512)
"""simulations that are computed anew at once, beside all of them"""
STEPS_BETWEEN_LOOKS = 64
"""calls of `step` between two looks at whether contacts were dropped"""


class WarpBackend(PhysicsBackend):
    """N simulations on one device. Tensors of the state, and of the model's varied fields, share the engine's memory.

    On a GPU the work of a control step is one CUDA graph, captured at its second call: the first one compiles. There
    the order of additions is not fixed, so two runs differ in the last bits; snapshots hold every bit all the same.
    On Warp's CPU device, which is slow and for tests, runs are equal to the last bit.

    Args:
        model: compiled.
        num_envs: N.
        device: ``cuda``, ``cuda:1`` … or ``cpu``.
        sizes: how many contacts and constraints are held.

    Raises:
        UserError: when the model has something that mujoco_warp lacks.
    """

    def __init__(self, model: mujoco.MjModel, num_envs: int, device: str, sizes: Sizes) -> None:
        self.model = model
        self.num_envs = num_envs
        self.device = torch.device(device if ":" in device or device == "cpu" else f"{device}:0")
        self._warp_device = wp.get_device(str(self.device))
        self._sizes = sizes
        with wp.ScopedDevice(self._warp_device):
            try:
                self._model = mjw.put_model(model)
            except (NotImplementedError, ValueError) as error:
                raise UserError(f"mujoco_warp can't run this model: {error} Use sim.impl:batch.") from None
            self._model.opt.warn_overflow = 0
            self._data = mjw.make_data(model, nworld=num_envs, nconmax=sizes.contacts, njmax=sizes.constraints)
            self._failed = wp.zeros(num_envs, dtype=wp.bool)
        self._failed_rows: torch.Tensor = wp.to_torch(self._failed)
        self._state = {name: self._tensor(getattr(self._data, name)) for name in STATE_FIELDS}
        self._initial = {name: values[:1].clone() for name, values in self._state.items()}
        self._fields: dict[str, tuple[torch.Tensor, Any, Any]] = {}
        self._at_rest: dict[str, torch.Tensor] = {}
        self._varied: dict[str, torch.Tensor] = {}
        self._expanded_fields: list[tuple[str, str]] = []
        self._few: dict[int, Few] = {}
        self._graphs: dict[str, Any] = {}
        self._warm: set[str] = set()
        self._started = False
        self._steps = 0
        self._dropped: set[str] = set()

    def read(self, field: str) -> torch.Tensor:
        if field in self._state:
            return self._state[field]
        if field not in self._fields:
            live = getattr(self._data, field, None)
            if not isinstance(live, wp.array) or live.shape[0] != self.num_envs:
                raise ValueError(f"mujoco_warp has no field {field} for each world")
            if self._started:
                raise ValueError(f"{field} is read for the first time after the first step; read it when building")
            if field in AFTER_CONSTRAINTS:
                self._model.opt.run_rne_postconstraint = True
            with wp.ScopedDevice(self._warp_device):
                kept = wp.clone(live)
            self._fields[field] = (self._tensor(kept), kept, live)
        return self._fields[field][0]

    def exact(self, field: str) -> torch.Tensor:
        return self._state[field]

    def write(self, field: str, values: torch.Tensor, rows: torch.Tensor | None = None) -> None:
        live = self._state[field]
        if rows is None:
            live.copy_(values)
        else:
            live[rows] = values.to(live.dtype)

    def step(self, substeps: int) -> None:
        self._started = True
        self._run(f"step {substeps}", lambda: self._advance(substeps))
        self._steps += 1
        if self._steps % STEPS_BETWEEN_LOOKS == 0:
            self._look_for_dropped_contacts()

    def reset(self, rows: torch.Tensor) -> None:
        self._started = True
        for name, values in self._state.items():
            if values[0].numel():
                values[rows] = self._initial[name].expand(len(rows), *values.shape[1:])

    def forward(self, rows: torch.Tensor) -> None:
        self._started = True
        size = min((size for size in FEW if len(rows) <= size < self.num_envs), default=0)
        if size and len(self._at_rest) == len(self._fields):
            self._forward_few(rows, size)
            return
        outside(partial(self._run, "forward", lambda: mjw.forward(self._model, self._data)))
        for name, (kept, _, live) in self._fields.items():
            current = self._tensor(live)
            kept[rows] = current[rows]
            if name not in self._at_rest:
                self._at_rest[name] = current[:1].clone()

    def _forward_few(self, rows: torch.Tensor, size: int) -> None:
        few = self._few.get(size)
        if few is None:
            with wp.ScopedDevice(self._warp_device), torch.inference_mode(False):
                few = self._few[size] = Few(
                    self.model, self._model, self._expanded_fields, size, self._sizes, self._tensor, STATE_FIELDS
                )
        chosen = torch.cat([rows, rows[:1].expand(size - len(rows))]) if len(rows) < size else rows
        few.load(self._state, chosen)
        outside(partial(self._run, f"forward {size}", few.forward))
        for name, (kept, *_) in self._fields.items():
            kept[rows] = few.read(name)[: len(rows)]

    def failed(self) -> torch.Tensor:
        return self._failed_rows.clone()

    def vary(self, field: str) -> torch.Tensor:
        if field not in self._varied:
            owner, name = (self._model.opt, field[4:]) if field.startswith("opt.") else (self._model, field)
            if not isinstance(getattr(owner, name, None), wp.array):
                raise UserError(f"sim.impl warp can't change {field} from world to world; use sim.impl:batch.")
            shape = np.shape(_of_model(self.model, field))
            self._varied[field] = self._expanded(owner, name).reshape(self.num_envs, *shape)
            if field in INERTIAL:
                for derived in DERIVED:
                    self._expanded(self._model, derived)
            self._graphs.clear()
        return self._varied[field]

    def recompute(self, rows: torch.Tensor) -> None:
        if any(field in self._varied for field in INERTIAL):
            groups = mjw.SetConstGroup.FIXED | mjw.SetConstGroup.INERT0
            constants = partial(mjw.set_const, self._model, self._data, groups, restore=False)
            outside(partial(self._run, "constants", constants))

    def snapshot(self, rows: torch.Tensor) -> dict[str, np.ndarray]:
        saved = {"state": self.state_rows()[rows]}
        saved |= {f"read.{name}": kept[rows] for name, (kept, _, _) in self._fields.items()}
        saved |= {f"model.{name}": values[rows] for name, values in self._varied.items()}
        return {name: values.cpu().numpy() for name, values in saved.items()}

    def restore(self, rows: torch.Tensor, saved: dict[str, np.ndarray]) -> None:
        self._started = True
        columns = self._on_device(saved["state"]).split([_width(values) for values in self._state.values()], 1)
        for (name, values), given in zip(self._state.items(), columns, strict=True):
            self.write(name, given.reshape(len(rows), *values.shape[1:]), rows)
        varied = [name.removeprefix("model.") for name in saved if name.startswith("model.")]
        for name in varied:
            values = self.vary(name)
            values[rows] = self._on_device(saved[f"model.{name}"]).to(values.dtype)
        if varied:
            self.recompute(rows)
        for name, (kept, _, _) in self._fields.items():
            kept[rows] = self._on_device(saved[f"read.{name}"]).to(kept.dtype)

    def state_rows(self) -> torch.Tensor:
        return torch.cat([values.reshape(self.num_envs, -1).float() for values in self._state.values()], 1)

    def data(self, row: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        model = copy.copy(self.model) if self._varied else self.model
        for name, values in self._varied.items():
            _of_model(model, name)[...] = values[row].cpu().numpy()
        data = mujoco.MjData(model)
        state = self.state_rows()[row].double().cpu().numpy()
        mujoco.mj_setState(model, data, state, int(mujoco.mjtState.mjSTATE_INTEGRATION))
        mujoco.mj_forward(model, data)
        return model, data

    # the engine

    def _advance(self, substeps: int) -> None:
        """What a call of `step` does on the device; nothing here waits for it."""
        for _ in range(substeps):
            mjw.step(self._model, self._data)
        for _, kept, live in self._fields.values():
            wp.copy(kept, live)
        data = self._data
        wp.launch(note_failed, dim=self.num_envs, inputs=[data.qpos, data.qvel, data.qacc], outputs=[self._failed])
        for name in THROWN_AWAY:
            self._refill(self._state[name], self._initial[name])
        for name, rest in self._at_rest.items():
            self._refill(self._fields[name][0], rest)

    def _refill(self, values: torch.Tensor, initial: torch.Tensor) -> None:
        width = _width(values)
        if width:
            rows = wp.from_torch(values.reshape(self.num_envs, width))
            first = wp.from_torch(initial.reshape(width))
            wp.launch(refill, dim=(self.num_envs, width), inputs=[self._failed, first], outputs=[rows])

    def _run(self, name: str, work: Callable[[], None]) -> None:
        """Do ``work`` on the device: as a CUDA graph from its second time on, since a capture can't compile."""
        with wp.ScopedDevice(self._warp_device):
            if not self._warp_device.is_cuda or name not in self._warm:
                self._warm.add(name)
                work()
                return
            if name not in self._graphs:
                with wp.ScopedCapture(device=self._warp_device) as capture:
                    work()
                self._graphs[name] = capture.graph
            wp.capture_launch(self._graphs[name])

    def _look_for_dropped_contacts(self) -> None:
        """Say once, for each kind, that more contacts or constraints came up than are held."""
        flags = [wp.to_torch(data.overflow) for data in (self._data, *(few.data for few in self._few.values()))]
        for words, mask in overflow_words(self._sizes).items():
            if words not in self._dropped and any(bool(((each & mask) != 0).any()) for each in flags):
                self._dropped.add(words)
                logger.warning("%s", words)

    def _expanded(self, owner: Any, name: str) -> torch.Tensor:
        """A field of the model, made one row for each simulation."""
        before = getattr(owner, name)
        if before.shape[0] != self.num_envs:
            with wp.ScopedDevice(self._warp_device):
                rows = wp.empty((self.num_envs, *before.shape[1:]), dtype=before.dtype)
            self._tensor(rows)[:] = self._tensor(before)
            setattr(owner, name, rows)
            self._expanded_fields.append(("opt" if owner is self._model.opt else "", name))
            self._few.clear()
            self._graphs.clear()
            self.layout = object()
        return self._tensor(getattr(owner, name))

    def _tensor(self, array: Any) -> torch.Tensor:
        """The array's memory as a tensor; an empty one where it has none."""
        if not array.size:
            return torch.zeros(array.shape, device=self.device)
        tensor: torch.Tensor = wp.to_torch(array)
        return tensor

    def _on_device(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values).to(self.device)


def _width(values: torch.Tensor) -> int:
    """Numbers of a row."""
    return values[0].numel()


def _of_model(model: mujoco.MjModel, field: str) -> np.ndarray:
    values: np.ndarray = getattr(model.opt, field[4:]) if field.startswith("opt.") else getattr(model, field)
    return values
