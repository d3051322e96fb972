"""`KukaRandButtonGymEnv`: the arm pushes a button among distractors."""

import math
from typing import Any, ClassVar

import numpy as np

from environments.kuka_gym.distractors import DistractorScene
from environments.kuka_gym.kuka_button_gym_env import KukaButtonGymEnv
from environments.kuka_gym.variant_configs import KukaRandButtonConfig
from srl3.errors import UserError

_DRAWS = 10_000


class KukaRandButtonGymEnv(KukaButtonGymEnv):
    """`KukaButtonGymEnv` with distractors: things that lie around the button, and a ball that is kicked.

    Where they lie is drawn anew in every episode, and says nothing about the task. Actions, rewards and ground truth
    as in `KukaButtonGymEnv`.
    """

    config_class: ClassVar[type[KukaRandButtonConfig]] = KukaRandButtonConfig
    config: KukaRandButtonConfig
    _scene: DistractorScene

    def _make_scene(self, window: bool) -> DistractorScene:
        return DistractorScene(self.config, window)

    def _place(self) -> None:
        super()._place()
        config = self.config
        self._n_physics_steps = 0
        yaws = self.np_random.uniform(-math.pi, math.pi, config.n_distractors)
        self._scene.lay(self._draw_places(), yaws, config.button_pos[2])
        for _ in range(config.distractor_settle_steps):
            self._scene.step()

    def _draw_places(self) -> np.ndarray:
        """``(n_distractors, 2)`` metres: away from the button and from each other."""
        config = self.config
        places = np.empty((0, 2))
        low, high = np.array([config.distractor_x, config.distractor_y]).T
        for _ in range(_DRAWS):
            if len(places) == config.n_distractors:
                return places
            place = self.np_random.uniform(low, high)
            from_button = math.dist(place, self._target[:2])
            from_others = np.linalg.norm(places - place, axis=1)
            if from_button >= config.distractor_clearance and (from_others >= config.distractor_spacing).all():
                places = np.vstack([places, place])
        raise UserError(
            f"{config.env_id} finds no room for {config.n_distractors} distractors; ask for fewer, or widen "
            "distractor_x or distractor_y."
        )

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        self._n_physics_steps += 1
        if self._n_physics_steps == self.config.kick_step:
            self._scene.kick_ball(self.config.kick_force)
        return super()._apply_action(action)
