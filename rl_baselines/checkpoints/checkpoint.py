"""Checkpoints as other code imports them: everything public of this room, but for what `--resume` needs."""

from rl_baselines.checkpoints.archive import Checkpoint, load_checkpoint, read_info, save_checkpoint
from rl_baselines.checkpoints.info import FORMAT, CheckpointInfo
from rl_baselines.checkpoints.load import load_model
from rl_baselines.checkpoints.spaces import check_spaces, described_spaces
from rl_baselines.vec_envs.images import raw_observation_space
from srl3.spaces import describe as describe_space

__all__ = [
    "FORMAT",
    "Checkpoint",
    "CheckpointInfo",
    "check_spaces",
    "describe_space",
    "described_spaces",
    "load_checkpoint",
    "load_model",
    "raw_observation_space",
    "read_info",
    "save_checkpoint",
]
