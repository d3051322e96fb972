"""From a robot's file to a compiled model with the task's physics, and to the engine that steps it."""

import importlib.util
import logging

import mujoco
import torch

from environments.mujoco_gym.backends.base import PhysicsBackend
from environments.mujoco_gym.config import SimConfig, TaskConfig
from environments.mujoco_gym.robots.checks import check_model
from environments.mujoco_gym.robots.robot import Robot
from srl3.errors import UserError
from srl3.runtime.room import free_memory
from srl3.runtime.threads import cores

logger = logging.getLogger(__name__)

INTEGRATORS = {
    "euler": mujoco.mjtIntegrator.mjINT_EULER,
    "implicitfast": mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
    "implicit": mujoco.mjtIntegrator.mjINT_IMPLICIT,
    "rk4": mujoco.mjtIntegrator.mjINT_RK4,
}
SOLVERS = {
    "newton": mujoco.mjtSolver.mjSOL_NEWTON,
    "cg": mujoco.mjtSolver.mjSOL_CG,
    "pgs": mujoco.mjtSolver.mjSOL_PGS,
}
CONES = {"pyramidal": mujoco.mjtCone.mjCONE_PYRAMIDAL, "elliptic": mujoco.mjtCone.mjCONE_ELLIPTIC}
ROWS_PER_THREAD = 8
"""worlds that a further thread is worth waking for"""


def compile_scene(spec: mujoco.MjSpec, robot: Robot, config: TaskConfig) -> mujoco.MjModel:
    """The model with the physics of ``config.sim``, its joints checked against the robot's file.

    Raises:
        UserError: when it does not compile, or joints and actuators are not those of the robot's file.
    """
    sim, option = config.sim, spec.option
    option.timestep, option.iterations, option.ls_iterations = sim.timestep, sim.iterations, sim.ls_iterations
    option.integrator, option.solver = INTEGRATORS[sim.integrator], SOLVERS[sim.solver]
    option.cone, option.impratio = CONES[sim.cone], sim.impratio
    if config.randomize.com is not None:
        for body in spec.bodies:
            body.simple = False  # the engine's shortcut for bodies whose centre of mass is their origin
    try:
        model = spec.compile()
    except ValueError as error:
        raise UserError(f"the model of robot {config.robot} does not compile: {' '.join(str(error).split())}") from None
    check_model(model, robot, config.robot)
    return model


def make_backend(model: mujoco.MjModel, num_envs: int, config: TaskConfig) -> PhysicsBackend:
    """The engine that ``config.sim.impl`` names.

    Raises:
        UserError: when it can't run here, or so many worlds don't fit into memory.
    """
    sim = config.sim
    if runs_on_warp(sim):
        return _warp_backend(model, num_envs, config)
    if sim.device not in ("auto", "cpu"):
        raise UserError(f"sim.impl batch runs on cpu, not on {sim.device}; use sim.impl:warp.")
    each = bytes_per_world(model) + bytes_remembered(model, config)
    _check_memory(num_envs, each, free_memory(), config.env_id)
    from environments.mujoco_gym.backends.batch import BatchBackend

    return BatchBackend(model, num_envs, thread_count(sim, num_envs))


def runs_on_warp(sim: SimConfig) -> bool:
    """Whether mujoco_warp steps the worlds."""
    return sim.impl in ("warp", "jax") or (sim.impl == "auto" and sim.device not in ("auto", "cpu"))


def _warp_backend(model: mujoco.MjModel, num_envs: int, config: TaskConfig) -> PhysicsBackend:
    sim = config.sim
    if sim.impl == "jax":
        logger.info("sim.impl jax is understood as warp: there is one engine for GPUs, mujoco_warp")
    device = "cuda" if sim.device == "auto" else sim.device
    require_warp(device)
    from environments.mujoco_gym.backends.warp import FEW, WarpBackend
    from environments.mujoco_gym.backends.warp_sizes import bytes_per_world as warp_bytes_per_world
    from environments.mujoco_gym.backends.warp_sizes import sizes_of

    sizes = sizes_of(model, sim.contacts, sim.constraints)
    beside = sum(size for size in FEW if size < num_envs)
    each = warp_bytes_per_world(model, sizes, device) * (num_envs + beside) // num_envs
    each += bytes_remembered(model, config)
    _check_memory(num_envs, each, free_memory(device), config.env_id)
    return WarpBackend(model, num_envs, device, sizes)


def require_warp(device: str) -> None:
    """Refuse where mujoco_warp can't run on ``device``.

    Raises:
        UserError: without the extra, or without the device.
    """
    for name in ("warp", "mujoco_warp"):
        if importlib.util.find_spec(name) is None:
            raise UserError("sim.impl warp needs the extra 'warp': pip install 'srl3[warp]'; or use sim.impl:batch.")
    if device != "cpu" and not (torch.cuda.is_available() and device in _gpu_names()):
        raise UserError(
            f"sim.impl warp needs a GPU, and torch finds no device {device} here; use sim.impl:batch "
            "(or sim.device:cpu, which is slow, to try it)."
        )


def _gpu_names() -> list[str]:
    return ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]


def thread_count(sim: SimConfig, num_envs: int) -> int:
    """How many threads step ``num_envs`` worlds."""
    available = sim.threads or cores()
    return max(1, min(available, num_envs // ROWS_PER_THREAD))


def bytes_per_world(model: mujoco.MjModel) -> int:
    """An upper estimate of what one world takes: the state's row twice, bound fields, and a task's tensors."""
    state = mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION) * 8
    fields = (model.nsensordata + 7 * model.nbody + 3 * model.nsite + 3 * model.nv + 2 * model.nu) * 12
    return 2 * state + fields + 40 * (model.nq + model.nv + model.nu + model.nsensordata) + 2048


def bytes_remembered(model: mujoco.MjModel, config: TaskConfig) -> int:
    """An upper estimate of what delays and histories of one world take."""
    terms = [term for group in config.observations.values() for term in group.values()]
    past = sum(term.delay + term.history for term in terms if term.delay or term.history > 1)
    return 4 * (past * (model.nq + model.nv) + config.actions.delay * model.nu)


def _check_memory(num_envs: int, each: int, free: int | None, env_id: str) -> None:
    if free is not None and num_envs * each > free:
        raise UserError(
            f"{num_envs:,} worlds of {env_id} take about {num_envs * each / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB are free; {free // each:,} fit."
        )
