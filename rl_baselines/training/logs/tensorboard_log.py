"""TensorBoard's files, continued by a resumed run."""

from pathlib import Path

from stable_baselines3.common.logger import TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter


class ResumableTensorBoard(TensorBoardOutputFormat):
    """SB3's TensorBoard output that hides what an earlier part of the run wrote after its checkpoint.

    Args:
        folder: where the event files are.
        keep_steps: what was written up to this many steps is still shown; 0 begins a new log.
    """

    def __init__(self, folder: Path, keep_steps: int) -> None:
        self.writer = SummaryWriter(log_dir=str(folder), purge_step=keep_steps + 1 if keep_steps else None)
        self._is_closed = False
