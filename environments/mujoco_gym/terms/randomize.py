"""Changes to the models of single worlds: friction, mass, gains … at startup, at resets and within episodes."""

import re
from dataclasses import dataclass, fields
from typing import Literal

import mujoco
import numpy as np
import torch

from environments.mujoco_gym.backends.base import PhysicsBackend
from environments.mujoco_gym.config import PushConfig, Randomization, RandomizeConfig
from environments.mujoco_gym.randomness import Draws
from srl3.errors import UserError

HINGES = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))
Kind = Literal["geom", "body", "actuator", "joint", "option"]


@dataclass(frozen=True)
class Target:
    """Model fields that one kind of change writes.

    Args:
        kind: of the things whose names are matched.
        fields: of ``MjModel``; the same factor or summand for each.
        columns: of the fields that are written; empty for all. None: the field has one number per thing.
        axes: how many independent draws a thing has.
    """

    kind: Kind
    fields: tuple[str, ...]
    columns: tuple[tuple[int, ...] | None, ...]
    axes: int = 1


TARGETS = {
    "friction": Target("geom", ("geom_friction",), ((0,),)),
    "mass": Target("body", ("body_mass", "body_inertia"), (None, (0, 1, 2))),
    "object_mass": Target("body", ("body_mass", "body_inertia"), (None, (0, 1, 2))),
    "com": Target("body", ("body_ipos",), ((0, 1, 2),), axes=3),
    "gains": Target("actuator", ("actuator_gainprm", "actuator_biasprm"), ((0,), (1,))),
    "damping": Target("joint", ("dof_damping",), (None,)),
    "armature": Target("joint", ("dof_armature",), (None,)),
    "friction_loss": Target("joint", ("dof_frictionloss",), (None,)),
    "gravity": Target("option", ("opt.gravity",), ((0, 1, 2),)),
    "object_size": Target("geom", ("geom_size", "geom_rbound", "geom_aabb"), ((0, 1, 2), None, (0, 1, 2, 3, 4, 5))),
}
LEAST = {
    **dict.fromkeys(("mass", "object_mass", "object_size"), 0.01),
    **dict.fromkeys(("friction", "damping", "armature", "friction_loss"), 0.0),
}
"""of what can't be negative: the share of the model's own value that a change leaves at least"""


class ModelChange:
    """One change of `RandomizeConfig` on N worlds.

    Args:
        name: ``friction``, ``mass`` …
        config: how.
        backend: whose models it writes.
        env_id: for error messages.

    Raises:
        UserError: when no name matches, or an operation makes no sense for it.
    """

    def __init__(self, name: str, config: Randomization, backend: PhysicsBackend, env_id: str) -> None:
        self.name, self.config, self.backend = name, config, backend
        self.target = TARGETS[name]
        where = f"randomize.{name} of {env_id}"
        if name in ("mass", "object_mass", "gains", "object_size") and config.operation != "scale":
            raise UserError(f"{where}: operation must be scale, not {config.operation}.")
        if name == "com" and config.operation != "add":
            raise UserError(f"{where}: operation must be add, not {config.operation}.")
        self.axes = 3 if name == "gravity" and config.operation != "scale" else self.target.axes
        device = backend.device
        option = self.target.kind == "option"
        found = [0] if option else _matching(config.names, self.target, backend, where)
        self.ids = torch.tensor(found, device=device)
        self._live = [backend.vary(field) for field in self.target.fields]
        self._base = [
            _compiled(backend.model, field).to(device, live.dtype)
            for field, live in zip(self.target.fields, self._live, strict=True)
        ]
        self._columns = [
            None if columns is None else torch.tensor(columns, device=device) for columns in self.target.columns
        ]

    def apply(self, rows: torch.Tensor, draws: Draws, chosen: torch.Tensor | None = None) -> None:
        """Draw anew for these worlds, or those of them that are ``chosen (K,) bool``, from the values of the model as
        compiled; `recompute` is the caller's."""
        count = 1 if self.config.shared else len(self.ids)
        drawn = _draw(self.config, f"randomize.{self.name}", count * self.axes, draws)
        drawn = drawn.reshape(len(rows), count, self.axes).expand(len(rows), len(self.ids), self.axes)
        for live, base, columns in zip(self._live, self._base, self._columns, strict=True):
            values = drawn.to(live.dtype)
            where: tuple[torch.Tensor, ...]
            if self.target.kind == "option":
                where, changed = (rows,), self._changed(base, values[:, 0])
            elif columns is None:
                where, changed = (rows[:, None], self.ids), self._changed(base[self.ids], values[..., 0])
            else:
                places = self.ids[:, None], columns
                where, changed = (rows[:, None, None], *places), self._changed(base[places], values)
            if chosen is not None:
                before = live[where]
                changed = torch.where(chosen.reshape(-1, *[1] * (before.dim() - 1)), changed, before)
            live[where] = changed

    def _changed(self, base: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        least = LEAST.get(self.name)  # a draw of a normal distribution may lie anywhere
        match self.config.operation:
            case "scale":
                return base * (values if least is None else values.clamp(min=least))
            case "add":
                changed = base + values
            case _:
                changed = values.expand(torch.broadcast_shapes(base.shape, values.shape))
        return changed if least is None else torch.maximum(changed, least * base)


def model_changes(config: RandomizeConfig, backend: PhysicsBackend, env_id: str) -> list[ModelChange]:
    """The changes that are configured."""
    return [
        ModelChange(field.name, change, backend, env_id)
        for field in fields(config)
        if isinstance(change := getattr(config, field.name), Randomization)
    ]


class Pushes:
    """What pushes add to a base's velocity."""

    def __init__(self, config: PushConfig, device: torch.device) -> None:
        limits = [config.horizontal] * 2 + [config.vertical] + [config.roll_pitch] * 2 + [config.yaw]
        self._limits = torch.tensor(limits, device=device)

    def velocity(self, draws: Draws) -> torch.Tensor:
        """``(K, 6) float32``: m/s in the world and rad/s in the body."""
        return draws.uniform("push", 6, -1.0, 1.0) * self._limits


def _draw(config: Randomization, purpose: str, count: int, draws: Draws) -> torch.Tensor:
    low, high = config.range
    match config.distribution:
        case "uniform":
            return draws.uniform(purpose, count, low, high)
        case "gaussian":
            return low + high * draws.normal(purpose, count)
        case _:
            logs = draws.uniform(purpose, count, float(np.log(low)), float(np.log(high)))
            if logs.device.type != "cpu":
                return logs.double().exp().float()
            return torch.from_numpy(np.exp(logs.double().numpy())).float()  # for any number of robots the same bits


def _matching(pattern: str, target: Target, backend: PhysicsBackend, where: str) -> list[int]:
    model = backend.model
    counts = {"geom": model.ngeom, "body": model.nbody, "actuator": model.nu, "joint": model.njnt}
    things = [getattr(model, target.kind)(index) for index in range(counts[target.kind])]
    try:
        matches = re.compile(pattern).fullmatch
    except re.error as error:
        raise UserError(f"{where}: names '{pattern}' is no regular expression: {error}.") from None
    found = [thing for thing in things if thing.name and thing.name != "world" and matches(thing.name)]
    if target.kind == "joint":  # those of one degree of freedom: a free base has no damping of its own
        found = [joint for joint in found if int(joint.type[0]) in HINGES]
    if not found:
        names = ", ".join(thing.name for thing in things[:12] if thing.name)
        raise UserError(f"{where}: no {target.kind} matches '{pattern}'; there are {names}{' …' * (len(things) > 12)}.")
    if target.kind == "joint":
        return [int(joint.dofadr[0]) for joint in found]
    return [int(thing.id) for thing in found]


def _compiled(model: mujoco.MjModel, field: str) -> torch.Tensor:
    values = getattr(model.opt, field.removeprefix("opt.")) if field.startswith("opt.") else getattr(model, field)
    return torch.from_numpy(np.array(values, np.float64))
