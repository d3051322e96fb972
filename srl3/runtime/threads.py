"""How many threads torch takes."""


def set_threads(*, images: bool) -> None:
    """One torch thread for small networks on states, where more only wait for one another; all for images."""
    import torch

    if not images:
        torch.set_num_threads(1)
