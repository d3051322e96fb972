"""`BatchBackend`: MuJoCo's own `mujoco.batch.Batch`, on a CPU's threads, in float64."""

import ctypes
from functools import cache, partial
from pathlib import Path

import mujoco
import numpy as np
import torch
from mujoco.batch import Batch

from environments.mujoco_gym.backends.base import PhysicsBackend
from environments.mujoco_gym.replay.watching import outside

STATE_FIELDS = (
    "qpos",
    "qvel",
    "act",
    "ctrl",
    "qacc_warmstart",
    "qfrc_applied",
    "xfrc_applied",
    "mocap_pos",
    "mocap_quat",
    "time",
)
"""fields that are views of the state's rows: written by us, current after a step"""
UNSTABLE = slice(int(mujoco.mjtWarning.mjWARN_BADQPOS), int(mujoco.mjtWarning.mjWARN_BADCTRL) + 1)
"""after these warnings, of a position, a velocity or an acceleration, the engine has put the simulation back in its
initial state; after that of a control it has taken 0 for all"""


class BatchBackend(PhysicsBackend):
    """N simulations on a pool of threads.

    Results don't depend on the number of threads, to the last bit, and a copy of the state's rows is an exact snapshot.

    Args:
        model: compiled.
        num_envs: N.
        threads: that step the simulations, this one included.
    """

    def __init__(self, model: mujoco.MjModel, num_envs: int, threads: int) -> None:
        self.model = model
        self.num_envs = num_envs
        self.device = torch.device("cpu")
        self._batch = Batch(model, num_envs, min(threads, num_envs))
        self._fields: dict[str, tuple[torch.Tensor, np.ndarray, np.ndarray]] = {}
        self._states: dict[str, torch.Tensor] = {}
        self._varied: dict[str, np.ndarray] = {}
        self._warnings = self._batch.warning[:, UNSTABLE, 1]
        self._warned = np.zeros_like(self._warnings)
        self._started = False

    def read(self, field: str) -> torch.Tensor:
        if field not in self._fields:
            if self._started and field not in STATE_FIELDS:
                raise ValueError(f"{field} is read for the first time after the first step; read it when building")
            live = self._batch.bind(field)
            copied = live.astype(np.float32)
            self._fields[field] = (torch.from_numpy(copied), copied, live)
        return self._fields[field][0]

    def exact(self, field: str) -> torch.Tensor:
        found = self._states.get(field)
        if found is None:
            assert field in STATE_FIELDS, field
            with torch.inference_mode(False):
                found = self._states[field] = torch.from_numpy(self._batch.bind(field))
        return found

    def write(self, field: str, values: torch.Tensor, rows: torch.Tensor | None = None) -> None:
        live = self.exact(field)
        if rows is None:
            live.copy_(values)
        else:
            live[rows] = values.to(live.dtype)

    def step(self, substeps: int) -> None:
        self._started = True
        with _WithoutLogFile():
            self._batch.step(nstep=substeps)
        for _, copied, live in self._fields.values():
            np.copyto(copied, live, casting="same_kind")

    def reset(self, rows: torch.Tensor) -> None:
        outside(partial(self._reset, rows))

    def _reset(self, rows: torch.Tensor) -> None:
        self._started = True
        chosen = rows.numpy()
        self._batch.reset(chosen, stage=int(mujoco.mjtStage.mjSTAGE_NONE))
        self._warned[chosen] = self._warnings[chosen]  # counted anew

    def forward(self, rows: torch.Tensor) -> None:
        outside(partial(self._forward, rows))

    def _forward(self, rows: torch.Tensor) -> None:
        self._started = True
        chosen = rows.numpy()
        with _WithoutLogFile():
            self._batch.forward(chosen)
        for _, copied, live in self._fields.values():
            copied[chosen] = live[chosen]

    def failed(self) -> torch.Tensor:
        raised = (self._warnings > self._warned).any(1)
        if raised.any():
            self._warned = self._warnings.copy()
        return torch.from_numpy(raised)

    def vary(self, field: str) -> torch.Tensor:
        return torch.from_numpy(self._varied_rows(field))

    def _varied_rows(self, field: str) -> np.ndarray:
        if field not in self._varied:
            self._varied[field] = self._batch.expand(field)
        return self._varied[field]

    def recompute(self, rows: torch.Tensor) -> None:
        outside(lambda: self._batch.set_const(rows.numpy()))

    def snapshot(self, rows: torch.Tensor) -> dict[str, np.ndarray]:
        chosen = rows.numpy()
        saved = {"state": self._batch.state[chosen]}
        saved |= {f"read.{name}": tensor[rows].numpy() for name, (tensor, *_) in self._fields.items()}
        return saved | {f"model.{name}": values[chosen] for name, values in self._varied.items()}

    def restore(self, rows: torch.Tensor, saved: dict[str, np.ndarray]) -> None:
        chosen = rows.numpy()
        self._started = True
        self._batch.state[chosen] = saved["state"]
        varied = [name.removeprefix("model.") for name in saved if name.startswith("model.")]
        for name in varied:
            self._varied_rows(name)[chosen] = saved[f"model.{name}"]
        if varied:
            self.recompute(rows)
        for name, (tensor, *_) in self._fields.items():
            tensor[rows] = torch.from_numpy(saved[f"read.{name}"])

    def state_rows(self) -> torch.Tensor:
        return torch.from_numpy(self._batch.state.copy())

    def data(self, row: int) -> tuple[mujoco.MjModel, mujoco.MjData]:
        model = self._batch.get_model(row) if self._varied else self.model
        data = self._batch.get_data(row)
        mujoco.mj_forward(model, data)
        return model, data


class _WithoutLogFile:
    """The engine's warnings are counted, but neither printed nor written to MUJOCO_LOG.TXT in the working directory.

    Its hook must be a function in C, since its threads call it; `strlen` takes a text and does nothing to it.
    """

    def __enter__(self) -> None:
        self._hook, nothing = _warning_hook()
        self._before = self._hook.value
        self._hook.value = nothing

    def __exit__(self, *error: object) -> None:
        self._hook.value = self._before


@cache
def _warning_hook() -> tuple[ctypes.c_void_p, int | None]:
    library = next(Path(mujoco.__file__).parent.glob("libmujoco*"))
    hook = ctypes.c_void_p.in_dll(ctypes.CDLL(str(library)), "mju_user_warning")
    return hook, ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value
