"""What views draw of a recording: some of its trajectories at one moment."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from rl_baselines.play.core.stage import Setting
from rl_baselines.recordings.recording import Recording, Trajectory


class Scenery:
    """Trajectories of a recording side by side; one that is over stays as it ended.

    Args:
        recording: theirs.
        numbers: which of its trajectories.

    Attributes:
        step: the moment that is shown.
        setting: how many there are, as views ask for it.
    """

    def __init__(self, recording: Recording, numbers: Sequence[int]) -> None:
        self.recording = recording
        self.numbers = list(numbers)
        self.step = 0
        self.setting = Setting(recording.env_id, recording.env_kwargs, 1, len(self.numbers))

    @property
    def count(self) -> int:
        """Trajectories that are shown."""
        return len(self.numbers)

    @property
    def shown(self) -> list[Trajectory]:
        """Those trajectories."""
        return [self.recording.trajectories[number] for number in self.numbers]

    @property
    def length(self) -> int:
        """Steps of the longest."""
        return max(each.length for each in self.shown)

    def scene_poses(self) -> np.ndarray:
        """``(n, parts, 7)``"""
        poses = [each.poses for each in self.shown]
        return np.stack([each[min(self.step, len(each) - 1)] for each in poses if each is not None])

    def images(self) -> Sequence[np.ndarray | None]:
        """A picture of each, ``(H, W, 3) uint8``; None where none was recorded."""
        return [decoded(each.pictures[min(self.step, each.length)]) if each.pictures else None for each in self.shown]


@lru_cache(maxsize=64)
def decoded(png: bytes) -> np.ndarray:
    """``(H, W, 3) uint8``; grey for a file that is no picture."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return np.full((2, 2, 3), 128, np.uint8) if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
