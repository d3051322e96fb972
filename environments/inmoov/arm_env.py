"""`InmoovArmEnv`: what the worlds of the humanoid share, whatever its right arm is for."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from environments.inmoov.camera import OUTSIDE, Camera
from environments.inmoov.config import InmoovConfig
from environments.inmoov.robot import CONTROL_JOINTS, JOINTS, N_JOINTS
from environments.inmoov.scene import InmoovScene
from environments.scenes.bullet import ShownBullet
from environments.srl_env import SRLGymEnv
from environments.terms import ActionTerm, ObservationTerm, discrete_term, place_terms

DIRECTIONS = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))
"""What discrete actions 0 to 5 do to the hand's goal, in units of ``delta_v``."""


class InmoovArmEnv(ShownBullet, SRLGymEnv):
    """The right hand goes somewhere: modes, observations and random starts.

    Actions: discrete ones move the hand's goal by ``delta_v`` (-x, +x, -y, +y, -z, +z, then what the world adds);
    continuous ones are a ``Box`` of 3 (the hand's goal) or, with ``action_joints``, of 13 (goals of head_updown,
    head_leftright, eyes_updown, then shoulder_side, shoulder_up, bicep_rotate, bicep and hand of the right and of the
    left arm), all in [-1, 1]. Motors go after the goals for ``physics_steps_per_action`` physics steps.

    Ground truth: hand minus target, ``(3,) float32`` metres, or hand then target (6).
    """

    config_class: ClassVar[type[InmoovConfig]] = InmoovConfig
    config: InmoovConfig
    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": 5}  # real time
    engine_window: ClassVar[bool] = True
    _scene: InmoovScene
    discrete_actions: ClassVar[tuple[str, ...]] = ("-x", "+x", "-y", "+y", "-z", "+z")
    """What each discrete action is called."""

    def __init__(self, render_mode: str | None = None, **env_kwargs: Any) -> None:
        super().__init__(render_mode, **env_kwargs)
        self._scene = self._make_scene(window=self.render_mode == "human")
        self.robot = self._scene.robot
        self._camera: Camera | None = None
        self._target = (0.0, 0.0, 0.0)
        self._hand = (0.0, 0.0, 0.0)

    @abstractmethod
    def _make_scene(self, window: bool) -> InmoovScene:
        """Build and settle the scene."""

    @abstractmethod
    def _begin_task(self) -> None:
        """Restore the scene and set ``self._target``."""

    @abstractmethod
    def _judge(self) -> tuple[float, dict[str, float], bool, bool]:
        """Reward, its terms, terminated and success of the step that has just been simulated."""

    def ground_truth_dim(self) -> int:
        return 3 if self.config.relative_pos else 6

    def joints_dim(self) -> int:
        return N_JOINTS

    def hand_pos(self) -> np.ndarray:
        """Position of the right hand's grasp point, world frame, metres."""
        return np.array(self._hand)

    @property
    def control_dt(self) -> float:
        return self.config.timestep * self.config.physics_steps_per_action * self.config.action_repeat

    def ground_truth_terms(self) -> list[ObservationTerm]:
        return place_terms(("x", "y", "z"), relative=self.config.relative_pos, agent="hand_pos")

    def joint_terms(self) -> list[ObservationTerm]:
        return [ObservationTerm("joint_pos", N_JOINTS, unit="rad", elements=tuple(JOINTS))]

    def action_terms(self) -> list[ActionTerm]:
        config = self.config
        if config.is_discrete:
            return [discrete_term(self.discrete_actions)]
        if config.action_joints:
            return [
                ActionTerm(f"{name}_goal", index, unit="rad", scale=config.delta_v_joints, joint=name)
                for index, name in enumerate(CONTROL_JOINTS)
            ]
        return [
            ActionTerm(f"d{axis}", index, unit="m", scale=config.delta_v_continuous) for index, axis in enumerate("xyz")
        ]

    def target_pos(self) -> np.ndarray:
        return np.array(self._target)

    def ground_truth(self) -> np.ndarray:
        if self.config.relative_pos:
            return np.array([here - there for here, there in zip(self._hand, self._target, strict=True)], np.float32)
        return np.array((*self._hand, *self._target), np.float32)

    def joints(self) -> np.ndarray:
        return self.robot.joint_positions()

    def get_image(self) -> np.ndarray:
        if self._camera is None:
            config = self.config
            robot = self.robot if config.multi_view else None
            self._camera = Camera(self._scene.client, OUTSIDE, config.img_shape, robot, config.head_field_of_view)
        return self._camera.frame()

    def render(self) -> Any:
        if self.render_mode == "human":
            return None  # PyBullet's window follows the simulation by itself
        return super().render()

    def close(self) -> None:
        self._scene.close()

    def _make_action_space(self) -> spaces.Space[Any]:
        if self.config.is_discrete:
            return spaces.Discrete(len(self.discrete_actions))
        return spaces.Box(-1.0, 1.0, (len(CONTROL_JOINTS) if self.config.action_joints else 3,), np.float32)

    def _reset_world(self) -> None:
        self._begin_task()
        for _ in range(self.config.n_random_actions_at_init):
            self._move_at_random()
            self._scene.step()
        self._hand = self.robot.hand_pos()

    def _move_at_random(self) -> None:
        config, rng = self.config, self.np_random
        if config.action_joints:
            self.robot.move_joints(rng.uniform(-1, 1, len(CONTROL_JOINTS)))
            return
        direction = rng.standard_normal(3)
        step = config.delta_v if config.is_discrete else config.delta_v_continuous
        self.robot.move_hand(*(step * direction / np.linalg.norm(direction)).tolist())

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        self._move(action)
        self._scene.step()
        self._hand = self.robot.hand_pos()
        return self._judge()

    def _move(self, action: Any) -> None:
        config = self.config
        if config.action_joints:
            self.robot.move_joints(action)
        elif config.is_discrete:
            self._move_hand(*(config.delta_v * direction for direction in DIRECTIONS[action]))
        else:
            self._move_hand(*(config.delta_v_continuous * float(value) for value in action))

    def _move_hand(self, dx: float, dy: float, dz: float) -> None:
        """What the actions on the hand's goal call; random starts go to the robot itself."""
        self.robot.move_hand(dx, dy, dz)
