"""Which torch device a command uses; the one check of a device's name."""

from srl3.errors import UserError


def check_device(name: str) -> str:
    """``name`` itself, ``auto`` too, if torch can use it here.

    Raises:
        UserError: for a name that is no device, or one that this machine lacks.
    """
    if name == "auto":
        return name
    import torch

    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(f"torch can't use the device '{name}' here; use auto or cpu.") from None
    return name
