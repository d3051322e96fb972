"""How much room `WarpBackend` takes: contacts and constraints to hold, and the memory of a world."""

import dataclasses
from typing import Any

import mujoco
import mujoco_warp as mjw
import numpy as np
import warp as wp

FALLS = 8
"""falls with random controls that are watched to see how many contacts and constraints come up"""
STEPS = 300
"""of each"""
SPARE = 2
"""times as much as was seen is held"""
STEP_OF_SIZES = 16
TRIAL = 16
"""worlds that are allocated to see what one takes"""
SOLVER_SHARE = 1.5
"""what the solver takes besides, while it works, against all that is allocated beforehand"""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Room in the engine's arrays."""

    contacts: int
    """of a world, on average over all worlds"""
    constraints: int
    """of a world, at most"""


def sizes_of(model: mujoco.MjModel, contacts: int = 0, constraints: int = 0) -> Sizes:
    """Room for what comes up when robots fall with random controls, twice over, and no less than mujoco_warp's own
    guess; what is given is taken as it is."""
    if not (contacts and constraints):
        seen_contacts, seen_constraints = _seen(model)
        usual = mjw.make_data(model)
        contacts = contacts or _rounded(max(SPARE * seen_contacts, usual.naconmax))
        constraints = constraints or _rounded(max(SPARE * seen_constraints, usual.njmax) + model.nv)
    return Sizes(contacts, constraints)


def bytes_per_world(model: mujoco.MjModel, sizes: Sizes, device: str) -> int:
    """Device memory that one more world takes."""
    with wp.ScopedDevice(device):
        data = mjw.make_data(model, nworld=TRIAL, nconmax=sizes.contacts, njmax=sizes.constraints)
    return int(SOLVER_SHARE * _size(data) / TRIAL)


def overflow_words(sizes: Sizes) -> dict[str, int]:
    """What to say of the engine's overflows, and the flags of each."""
    kind = mjw.OverflowType
    return {
        f"more than {sizes.constraints} constraints came up in a world: the rest was left out of the physics; "
        "raise sim.constraints": kind.NEFC | kind.NJMAX_NNZ,
        f"more than {sizes.contacts} contacts a world came up: the rest was left out of the physics; "
        "raise sim.contacts": kind.BROADPHASE | kind.NARROWPHASE | kind.CCD,
        "more contacts of one body with the terrain came up than mujoco_warp holds: the rest was left out of the "
        "physics": kind.HFIELD,
        "more contacts came up at a contact sensor than mujoco_warp looks at: it measures the first ones": (
            kind.CONTACT_MATCH
        ),
    }


def _seen(model: mujoco.MjModel) -> tuple[int, int]:
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    contacts = constraints = 0
    low, high = model.actuator_ctrlrange.T
    for _ in range(FALLS):
        mujoco.mj_resetData(model, data)
        for step in range(STEPS):
            if step % 10 == 0:
                data.ctrl[:] = rng.uniform(low, high)
            mujoco.mj_step(model, data)
            contacts, constraints = max(contacts, data.ncon), max(constraints, data.nefc)
    return contacts, constraints


def _rounded(size: int) -> int:
    return -(-int(size) // STEP_OF_SIZES) * STEP_OF_SIZES


def _size(part: Any) -> int:
    """Bytes of all arrays of a dataclass."""
    total = 0
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            total += _size(value)
        elif isinstance(value, wp.array):
            total += int(value.capacity)
    return total
