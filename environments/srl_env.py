"""`SRLGymEnv`: the contract of every environment of SRL3."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from environments.boundary.actions import checked_actions
from environments.boundary.checks import check_observation, check_picture, check_reward, check_vector
from environments.config import GROUND_TRUTH, JOINTS, JOINTS_POSITION, PIXELS, EnvConfig
from environments.terms import ActionTerm, ObservationTerm, action_terms_of, laid_out, observation_terms_of
from srl3.errors import UserError

if TYPE_CHECKING:
    from environments.scenes.parts import ScenePart


class SRLGymEnv(gym.Env[np.ndarray, Any], ABC):
    """One robot in one world, after Gymnasium's API.

    Keyword arguments are the fields of ``config_class``; an unknown one raises `UserError`.
    ``step`` validates the action, so NaN never reaches the physics, and holds what all worlds share:
    action repeat, ``max_steps`` as truncation, ``is_success`` and ``reward_terms`` in the info.
    Subclasses provide the underscored methods.
    """

    config_class: ClassVar[type[EnvConfig]] = EnvConfig
    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": 20}
    engine_window: ClassVar[bool] = False
    """whether human mode opens a window of the engine's own; else pictures are shown through OpenCV"""

    def __init__(self, render_mode: str | None = None, **env_kwargs: Any) -> None:
        self.config = self.config_class.from_kwargs(env_kwargs)
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UserError(f"{self.config.env_id} renders as human or rgb_array, not '{render_mode}'.")
        self.render_mode = "human" if self.config.renders else render_mode
        self.action_space = self._make_action_space()
        self.observation_space = self._make_observation_space()
        self._elapsed_steps = 0
        self._episode_over = True
        self._reset_record: dict[str, Any] | None = None
        self._actions: list[Any] = []
        self._reset_checked = self._step_checked = False

    # what a world provides

    @abstractmethod
    def _make_action_space(self) -> spaces.Space[Any]:
        """The action space of the configured mode."""

    @abstractmethod
    def ground_truth_dim(self) -> int:
        """Length of `ground_truth`."""

    @abstractmethod
    def target_pos(self) -> np.ndarray:
        """Position of the target, world frame, metres."""

    @abstractmethod
    def ground_truth(self) -> np.ndarray:
        """``(ground_truth_dim,) float32``: relative to the target, or agent then target (``relative_pos=False``)."""

    @abstractmethod
    def _reset_world(self) -> None:
        """Begin an episode, drawing only from ``self.np_random``."""

    @abstractmethod
    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        """Act once; returns reward, its terms by name (their sum is the reward), terminated, success so far."""

    @abstractmethod
    def get_image(self) -> np.ndarray:
        """``(H, W, 3) uint8`` RGB from the world's camera (6 channels with ``multi_view``), size ``img_shape``."""

    def joints_dim(self) -> int:
        """Length of `joints`; 0 for a world without joints."""
        return 0

    def joints(self) -> np.ndarray:
        """``(joints_dim,) float32`` joint positions, radians (arms only)."""
        raise NotImplementedError(f"{self.config.env_id} has no joints")

    # what a world may provide

    @property
    def reports_success(self) -> bool:
        """Whether an episode succeeds or fails; without, the infos have no ``is_success``."""
        return True

    @property
    def control_dt(self) -> float | None:
        """Seconds of simulated time in one step; None for a world without time."""
        return None

    def ground_truth_terms(self) -> list[ObservationTerm]:
        """What the numbers of `ground_truth` mean."""
        return [ObservationTerm("ground_truth", self.ground_truth_dim())]

    def joint_terms(self) -> list[ObservationTerm]:
        """What the numbers of `joints` mean."""
        return [ObservationTerm("joint_pos", self.joints_dim(), unit="rad")]

    def observation_terms(self) -> list[ObservationTerm]:
        """What the numbers of an observation mean; they cover the observation exactly."""
        kind = self.config.srl_model
        if kind == GROUND_TRUTH:
            terms = self.ground_truth_terms()
        elif kind == JOINTS:
            terms = self.joint_terms()
        elif kind == JOINTS_POSITION:
            terms = [*self.joint_terms(), *self.ground_truth_terms()]
        else:
            return observation_terms_of(self.observation_space)
        return laid_out(terms)

    def action_terms(self) -> list[ActionTerm]:
        """What the numbers of an action mean, one term for each."""
        return action_terms_of(self.action_space)

    def scene_parts(self) -> "list[ScenePart] | None":
        """What a viewer draws of the world; None: only `get_image`."""
        return None

    def scene_poses(self) -> np.ndarray | None:
        """Where the parts of `scene_parts` are: ``(parts, 7)``, position (metres) and quaternion (w, x, y, z)."""
        return None

    # the Gymnasium API

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._begin()
        info: dict[str, Any] = {}
        if self.config.record_data:
            info["frame"] = self.get_image()
        if self.render_mode == "human":
            self.render()
        observation = self._observe(info)
        if not self._reset_checked:
            self._check_observed(observation, info)
            self._reset_checked = True
        return observation, info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        reward, terminated, truncated, info = self._advance(action)
        if self.config.record_data:
            info["frame"] = self.get_image()
        if self.render_mode == "human":
            self.render()
        observation = self._observe(info)
        if not self._step_checked:
            self._check_observed(observation, info)
            check_reward(self.config.env_id, reward, info["reward_terms"])
            self._step_checked = True
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        if self.render_mode is None:
            return None
        image = self.get_image()[..., :3]
        if self.render_mode == "rgb_array":
            return image
        return self._show(image)

    # resuming in mid-episode: the episode's actions are replayed from its reset

    def resume_state(self) -> dict[str, Any]:
        """What `restore_state` needs to bring another instance to this very point (JSON and arrays)."""
        return {
            "reset": self._reset_record,
            "actions": np.asarray(self._actions),
            "over": self._episode_over,
            "rng": self.np_random.bit_generator.state,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go to the point at which `resume_state` was called, by replaying the episode's actions.

        Nothing is observed on the way, so observing must not draw from ``np_random`` in a world that resumes like this.
        """
        if state["reset"] is not None:
            self.np_random.bit_generator.state = state["reset"]["rng"]
            self._begin()
            for action in state["actions"]:
                self._advance(action)
        self._episode_over = state["over"]
        self.np_random.bit_generator.state = state["rng"]

    # helpers

    def _check_observed(self, observation: Any, info: dict[str, Any]) -> None:
        """Hold what the world gives against what it declares; done once for a reset and once for a step."""
        env_id, kind = self.config.env_id, self.config.srl_model
        if "frame" in info or kind == PIXELS:
            check_picture(env_id, info.get("frame", observation), self.config.image_shape)
        if kind in (GROUND_TRUTH, JOINTS_POSITION):
            check_vector(env_id, self.ground_truth(), self.ground_truth_dim(), "ground_truth")
        if kind in (JOINTS, JOINTS_POSITION):
            check_vector(env_id, self.joints(), self.joints_dim(), "joints")
        check_observation(env_id, observation, self.observation_space)

    def _begin(self) -> None:
        """`reset` less the observation."""
        self._reset_record = {"rng": self.np_random.bit_generator.state}
        self._actions = []
        self._elapsed_steps = 0
        self._episode_over = False
        self._reset_world()

    def _advance(self, action: Any) -> tuple[float, bool, bool, dict[str, Any]]:
        """`step` less the observation: reward, terminated, truncated, info."""
        if self._episode_over:
            raise RuntimeError(f"{self.config.env_id}: call reset() before step(), the episode is over")
        action = checked_actions(self.config.env_id, self.action_space, action)
        if action.ndim == 0:
            action = action.item()
        self._actions.append(action)
        reward, terms, terminated, success = self._repeat(action)
        self._elapsed_steps += 1
        truncated = not terminated and self._elapsed_steps >= self.config.max_steps
        self._episode_over = terminated or truncated
        info: dict[str, Any] = {"reward_terms": terms}
        if self._episode_over and self.reports_success:
            info["is_success"] = success
        return float(reward), terminated, truncated, info

    def _repeat(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        """Act ``action_repeat`` times, or until the world terminates; returns the sums as `_apply_action` does."""
        reward, terms, terminated, success = self._apply_action(action)
        for _ in range(self.config.action_repeat - 1):
            if terminated:
                break
            more, more_terms, terminated, success = self._apply_action(action)
            reward += more
            terms = {name: value + more_terms[name] for name, value in terms.items()}
        return reward, terms, terminated, success

    def _make_observation_space(self) -> spaces.Box:
        if self.config.srl_model == PIXELS:
            assert self.config.image_shape is not None
            return spaces.Box(0, 255, self.config.image_shape, np.uint8)
        return spaces.Box(-np.inf, np.inf, (self._state_dim(),), np.float32)

    def _state_dim(self) -> int:
        kind = self.config.srl_model
        dim = 0 if kind == JOINTS else self.ground_truth_dim()
        return dim + (self.joints_dim() if kind in (JOINTS, JOINTS_POSITION) else 0)

    def _observe(self, info: dict[str, Any]) -> np.ndarray:
        kind = self.config.srl_model
        if kind == PIXELS:
            return info["frame"] if "frame" in info else self.get_image()
        if kind == GROUND_TRUTH:
            return self.ground_truth()
        if kind == JOINTS:
            return self.joints()
        return np.concatenate([self.joints(), self.ground_truth()])

    def _show(self, image: np.ndarray) -> None:
        """Show a frame in a window (human mode); pixel worlds use OpenCV."""
        show_frame(self.config.env_id, image)


def show_frame(title: str, image: np.ndarray) -> None:
    """Show an ``(H, W, 3) uint8`` RGB image in the OpenCV window of this title.

    Raises:
        UserError: when this OpenCV has no windows.
    """
    import cv2

    try:
        cv2.imshow(title, image[..., ::-1])
        cv2.waitKey(1)
    except cv2.error as error:
        raise UserError(
            "this OpenCV has no windows; use --video FILE.mp4, or install opencv-python in place of "
            "opencv-python-headless."
        ) from error
