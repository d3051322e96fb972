"""Flags for the devices of physics, learning and pictures, as Isaac Gym's systems have them."""

from environments.registry import find_env
from rl_baselines.front_doors.shared.table import READ, Draft, Flag, text
from srl3.errors import UserError
from srl3.flags import whole_number

AUTO = "auto"


def device_flags(separator: str) -> tuple[Flag, ...]:
    """The three flags, their words joined by this."""
    note = "the page of play is drawn by the browser, whichever GPU that has."
    return (
        Flag(f"sim{separator}device", text, AUTO, READ, "of the physics: cpu, or cuda:0 by mujoco_warp"),
        Flag(f"rl{separator}device", text, AUTO, "request.device", "of the learning: auto, cpu, cuda:0 …"),
        Flag(f"graphics{separator}device{separator}id", whole_number, 0, READ, "no effect", note),
    )


DEVICE_FLAGS = device_flags("-")


def put_devices(made: Draft, sim_device: str, env_id: str) -> None:
    """Let the physics of the world run on this device.

    Raises:
        UserError: for a world whose physics has no device.
    """
    if sim_device == AUTO:
        return
    kind = sim_device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise UserError(f"the device of the physics is cpu or cuda, not '{sim_device}'.")
    if not find_env(env_id).load_config().has("sim"):
        if kind == "cpu":
            return
        raise UserError(f"{env_id} runs on the CPU alone; leave out the device of the physics.")
    made.world |= {"sim.device": kind, "sim.impl": "warp" if kind == "cuda" else "batch"}
