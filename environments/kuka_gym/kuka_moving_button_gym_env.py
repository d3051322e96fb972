"""`KukaMovingButtonGymEnv`: the arm pushes a button that moves."""

from typing import Any, ClassVar

from environments.button_task import Judged
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from environments.kuka_gym.variant_configs import KukaMovingButtonConfig


class KukaMovingButtonGymEnv(KukaButtonGymEnv):
    """Push a button that moves along y by ``button_speed`` a step and turns round at ``button_turns_y``.

    It starts towards +y, or with a random target to either side. Actions, ground truth (relative to where the button
    is now) and sparse reward as in `KukaButtonGymEnv`; the dense reward is minus the distance, metres, and
    ``success_reward`` or ``failure_reward`` in the last step, whatever the actions.
    """

    config_class: ClassVar[type[KukaMovingButtonConfig]] = KukaMovingButtonConfig
    config: KukaMovingButtonConfig

    def _place(self) -> None:
        super()._place()
        self._direction = 1
        if self.config.random_target:
            self._direction = 2 * int(self.np_random.integers(2)) - 1

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        self._move_button()
        return super()._apply_action(action)

    def _move_button(self) -> None:
        config = self.config
        low, high = config.button_turns_y
        x, y, z = self._target
        y += self._direction * config.button_speed
        if not low <= y <= high:
            y = min(max(y, low), high)
            self._direction = -self._direction
        foot = (x, y, z - config.button_distance_height)
        self._scene.move_button(self._scene.button, foot)
        self._aim_at(foot)

    def _dense_terms(self, step: Judged) -> dict[str, float]:
        return self._dense_terms_with_outcome(step)
