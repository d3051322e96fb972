"""A world in which some actions are forbidden, and end the process that takes them."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.config import SRLConfig
from environments.registry import PlottingType, RegisteredEnv, ThreadingType
from environments.srl_env import SRLGymEnv


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskedConfig(SRLConfig):
    env_id: ClassVar[str] = "MaskedGymEnv-v0"
    max_steps: int = 30


class MaskedGymEnv(SRLGymEnv):
    """Of five actions two are allowed in each step, drawn anew; observed is nothing that tells which."""

    config_class = MaskedConfig
    config: MaskedConfig

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Discrete(5)

    def ground_truth_dim(self) -> int:
        return 2

    def target_pos(self) -> np.ndarray:
        return np.zeros(1)

    def ground_truth(self) -> np.ndarray:
        return np.zeros(2, np.float32)

    def action_masks(self) -> np.ndarray:
        return self.allowed.copy()

    def _reset_world(self) -> None:
        self._draw()

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        if not self.allowed[action]:
            raise AssertionError(f"action {action} is forbidden")
        self._draw()
        return 1.0, {"allowed": 1.0}, False, False

    def get_image(self) -> np.ndarray:
        return np.zeros((*self.config.img_shape, 3), np.uint8)

    def _draw(self) -> None:
        self.allowed = np.zeros(5, np.bool_)
        self.allowed[self.np_random.choice(5, 2, replace=False)] = True


ENTRY = RegisteredEnv(
    f"{__name__}:MaskedGymEnv", f"{__name__}:MaskedConfig", None, PlottingType.PLOT_2D, ThreadingType.PROCESS
)
