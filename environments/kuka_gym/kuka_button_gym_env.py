"""`KukaButtonGymEnv`: the arm pushes a button on a table."""

import math
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.button_task import ButtonTask
from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.pictures.camera import FRONT, SIDE, Camera
from environments.kuka_gym.robot import JOINT_NAMES, N_ARM_JOINTS, N_JOINTS
from environments.kuka_gym.scene import KukaScene, Point
from environments.scenes.bullet import ShownBullet
from environments.srl_env import SRLGymEnv
from environments.terms import ActionTerm, ObservationTerm, discrete_term, place_terms

DIRECTIONS = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))
"""What discrete actions 0 to 5 do to the hand's goal, in units of ``delta_v``."""


DISCRETE_ACTIONS = ("-x", "+x", "-y", "+y", "-z", "+z")
"""What they are called."""


class KukaButtonGymEnv(ButtonTask, ShownBullet, SRLGymEnv):
    """Push the button five times a step's length, without touching the table.

    Actions: ``Discrete(6)`` (-x, +x, -y, +y, -z, +z), a ``Box`` of 3 (the hand's goal) or, with
    ``action_joints``, of 7 (the joints' goals), all in [-1, 1]. One action is one physics step.

    Sparse reward: +1 for a step in contact with the button; -1 instead when the arm touches the table or is
    outside ``max_distance``; else 0. Dense reward: minus the distance to the target, metres; with continuous actions
    the last step pays ``success_reward`` or ``failure_reward`` instead. An episode ends after ``n_contacts_to_end``
    steps of contact (the greatest sparse return, 5), at a touch of the table, or after ``max_steps_outside``.

    Ground truth: gripper minus target, ``(3,) float32`` metres, or gripper then target (6).
    """

    config_class: ClassVar[type[KukaButtonConfig]] = KukaButtonConfig
    config: KukaButtonConfig
    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": 60}  # a quarter of real time
    engine_window: ClassVar[bool] = True
    _scene: KukaScene

    def __init__(self, render_mode: str | None = None, **env_kwargs: Any) -> None:
        super().__init__(render_mode, **env_kwargs)
        self._scene = self._make_scene(window=self.render_mode == "human")
        self._arm = self._scene.arm
        self._camera: Camera | None = None
        self._target = (0.0, 0.0, 0.0)
        self._gripper = (0.0, 0.0, 0.0)

    def ground_truth_dim(self) -> int:
        return 3 if self.config.relative_pos else 6

    def joints_dim(self) -> int:
        return N_JOINTS

    @property
    def control_dt(self) -> float:
        return self.config.timestep * self.config.action_repeat

    def ground_truth_terms(self) -> list[ObservationTerm]:
        return place_terms(("x", "y", "z"), relative=self.config.relative_pos, agent="gripper_pos")

    def joint_terms(self) -> list[ObservationTerm]:
        return [ObservationTerm("joint_pos", N_JOINTS, unit="rad", elements=JOINT_NAMES)]

    def action_terms(self) -> list[ActionTerm]:
        config = self.config
        if config.is_discrete:
            return [discrete_term(DISCRETE_ACTIONS)]
        if config.action_joints:
            return [
                ActionTerm(f"{name}_goal", index, unit="rad", scale=config.delta_v_joints, joint=name)
                for index, name in enumerate(JOINT_NAMES[:N_ARM_JOINTS])
            ]
        return [
            ActionTerm(f"d{axis}", index, unit="m", scale=config.delta_v_continuous) for index, axis in enumerate("xyz")
        ]

    def target_pos(self) -> np.ndarray:
        return np.array(self._target)

    def ground_truth(self) -> np.ndarray:
        (x, y, z), (target_x, target_y, target_z) = self._gripper, self._target
        if self.config.relative_pos:
            return np.array((x - target_x, y - target_y, z - target_z), np.float32)
        return np.array((*self._gripper, *self._target), np.float32)

    def joints(self) -> np.ndarray:
        return self._arm.joint_positions()

    def get_image(self) -> np.ndarray:
        if self._camera is None:
            views = (FRONT, SIDE) if self.config.multi_view else (FRONT,)
            others = [*self._scene.buttons, *self._scene.loose_bodies]
            self._camera = Camera(self._scene.client, self._arm.body, others, views, self.config.img_shape)
        return self._camera.frame()

    def render(self) -> Any:
        if self.render_mode == "human":
            return None  # PyBullet's window follows the simulation by itself
        return super().render()

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
        self._scene.close()

    def _make_scene(self, window: bool) -> KukaScene:
        return KukaScene(self.config, window)

    def _make_action_space(self) -> spaces.Space[Any]:
        if self.config.is_discrete:
            return spaces.Discrete(len(DIRECTIONS))
        return spaces.Box(-1.0, 1.0, (N_ARM_JOINTS if self.config.action_joints else 3,), np.float32)

    def _reset_world(self) -> None:
        self._begin_counting()
        self._place()
        for _ in range(self.config.n_random_actions_at_init):
            self._move_at_random()
            self._scene.step()
        self._gripper = self._arm.gripper_pos()

    def _place(self) -> None:
        """Put everything where the episode begins."""
        config = self.config
        x, y, z = config.button_pos
        if config.random_target:
            x = float(self.np_random.uniform(*config.random_target_x))
            y = float(self.np_random.uniform(*config.random_target_y))
        self._scene.restore((x, y, z))
        self._aim_at((x, y, z))

    def _aim_at(self, button_pos: Point) -> None:
        """Make the button whose foot stands there the target."""
        x, y, z = button_pos
        self._target = (x, y, z + self.config.button_distance_height)

    def _move_at_random(self) -> None:
        config, rng = self.config, self.np_random
        if config.is_discrete:
            move = [0.0, 0.0, 0.0]
            move[rng.integers(3)] = config.delta_v * (2 * int(rng.integers(2)) - 1)
            self._arm.move_effector(*move)
        elif config.action_joints:
            self._arm.move_joints(config.delta_v_joints * _random_direction(rng, N_ARM_JOINTS))
        else:
            self._arm.move_effector(*(config.delta_v_continuous * _random_direction(rng, 3)).tolist())

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        self._move(action)
        self._scene.step()
        self._gripper = self._arm.gripper_pos()
        return self._judge()

    def _move(self, action: Any) -> None:
        config, rng = self.config, self.np_random
        if config.action_joints:
            step = config.delta_v_joints + config.noise_std_joints * rng.standard_normal()
            self._arm.move_joints(step * action)
            return
        if config.is_discrete:
            step = config.delta_v + config.noise_std * rng.standard_normal()
            dx, dy, dz = (step * direction for direction in DIRECTIONS[action])
        else:
            step = config.delta_v_continuous + config.noise_std_continuous * rng.standard_normal()
            dx, dy, dz = (step * float(value) for value in action)
        self._arm.move_effector(dx, dy, -abs(dz) if config.force_down else dz)

    def _judge(self) -> tuple[float, dict[str, float], bool, bool]:
        """Reward, its terms, terminated and success of the step that has just been simulated."""
        return self._judge_step(*self._scene.contacts(), math.dist(self._gripper, self._target))


def _random_direction(rng: np.random.Generator, dim: int) -> np.ndarray:
    """A unit vector, uniform over the sphere."""
    vector = rng.standard_normal(dim)
    return vector / np.linalg.norm(vector)
