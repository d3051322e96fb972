"""`Kuka2ButtonGymEnv`: the arm pushes two buttons in order."""

from typing import ClassVar

from environments.bullet import pybullet as p
from environments.button_task import Judged
from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from environments.kuka_gym.scene import CAP_LINK, KukaScene, Point
from environments.kuka_gym.variant_configs import Kuka2ButtonConfig


class TwoButtonScene(KukaScene):
    """`KukaScene` with a light and a dark button."""

    def _load_buttons(self, config: KukaButtonConfig) -> list[int]:
        assert isinstance(config, Kuka2ButtonConfig)
        buttons = []
        for position, color in (
            (config.button_pos, config.light_color),
            (config.second_button_pos, config.dark_color),
        ):
            button = self._load_button(position, config.button_force)
            p.changeVisualShape(button, CAP_LINK, rgbaColor=(*color, 1), physicsClientId=self.client)
            buttons.append(button)
        return buttons


class Kuka2ButtonGymEnv(KukaButtonGymEnv):
    """Push the light button for ``n_contacts_to_end`` steps, then the dark one, without touching the table.

    Actions as in `KukaButtonGymEnv`, but the hand may rise (``force_down`` is False).

    Sparse reward: +1 for a step in contact with the button whose turn it is (the greatest return is 10); -1 instead
    when the arm touches the table or is outside ``max_distance``; else 0. Dense reward, of all actions:
    ``failure_reward`` for the table, ``outside_reward`` outside, ``success_reward`` for the last contact,
    ``contact_reward`` for any other, else minus the distance to the button whose turn it is, metres.

    Ground truth: as in `KukaButtonGymEnv`, with the button whose turn it is as the target, so that the state itself
    says where to go next.
    """

    config_class: ClassVar[type[Kuka2ButtonConfig]] = Kuka2ButtonConfig
    config: Kuka2ButtonConfig

    def _make_scene(self, window: bool) -> KukaScene:
        return TwoButtonScene(self.config, window)

    def _place(self) -> None:
        config = self.config
        (x, y, z), (second_x, second_y, second_z) = config.button_pos, config.second_button_pos
        if config.random_target:
            x, second_x = self.np_random.uniform(*config.random_target_x, 2).tolist()
            y = float(self.np_random.uniform(*config.random_target_y))
            second_y = float(self.np_random.uniform(*config.second_random_target_y))
        self._positions: list[Point] = [(x, y, z), (second_x, second_y, second_z)]
        self._goal = 0
        self._scene.restore(*self._positions)
        self._aim_at(self._positions[0])

    def _count_contact(self) -> bool:
        if not super()._count_contact():
            return False
        if self._goal == len(self._positions) - 1:
            return True
        self._goal += 1
        self._n_contacts = 0
        self._scene.button = self._scene.buttons[self._goal]
        self._aim_at(self._positions[self._goal])
        return False

    def _dense_terms(self, step: Judged) -> dict[str, float]:
        config = self.config
        terms = dict.fromkeys(("distance", "contact", "success", "outside", "failure"), 0.0)
        if step.on_table:
            terms["failure"] = config.failure_reward
        elif step.outside:
            terms["outside"] = config.outside_reward
        elif step.success:
            terms["success"] = config.success_reward
        elif step.on_button:
            terms["contact"] = config.contact_reward
        else:
            terms["distance"] = -step.distance
        return terms
