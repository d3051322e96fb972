"""A user's own world is held against what it declares in its first reset and its first step."""

import dataclasses
from typing import Any, ClassVar

import numpy as np
import pytest
from gymnasium import spaces

from environments.batched.sb3 import BatchedVecEnv
from environments.batched.srl_world import SRLWorld
from environments.batched.world import ALL, SubstepResult
from environments.config import SRLConfig
from environments.srl_env import SRLGymEnv
from srl3.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaultyConfig(SRLConfig):
    env_id: ClassVar[str] = "Faulty-v0"
    img_shape: tuple[int, int] = (40, 40)


class FaultyEnv(SRLGymEnv):
    """A world whose picture, state and reward are given from outside."""

    config_class = FaultyConfig
    picture: Any = np.zeros((40, 40, 3), np.uint8)
    state: Any = np.zeros(2, np.float32)
    reward: Any = 1.0

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Discrete(2)

    def ground_truth_dim(self) -> int:
        return 2

    def target_pos(self) -> np.ndarray:
        return np.zeros(2)

    def ground_truth(self) -> np.ndarray:
        return self.state

    def _reset_world(self) -> None:
        pass

    def _apply_action(self, action: Any) -> tuple[float, dict[str, float], bool, bool]:
        return self.reward, {"given": self.reward}, False, False

    def get_image(self) -> np.ndarray:
        return self.picture


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (
            np.full((40, 40, 3), 0.5),
            "pictures of Faulty-v0 must be uint8 arrays, 0 to 255, but get_image gave float64, 0.5 to 0.5; multiply by "
            "255 and convert with astype(np.uint8).",
        ),
        (np.zeros((40, 40, 3), np.int64), "0 to 255, but get_image gave int64, 0 to 0."),
        ([[1]], "0 to 255, but get_image gave list."),
        (np.zeros((3, 40, 40), np.uint8), "declared of shape (40, 40, 3), but get_image gave shape (3, 40, 40)."),
    ],
)
@pytest.mark.parametrize("kwargs", [{}, {"srl_model": "ground_truth", "record_data": True}])
def test_wrong_pictures_are_refused(picture: Any, says: str, kwargs: dict[str, Any]) -> None:
    env = FaultyEnv(**kwargs)
    env.picture = picture
    with pytest.raises(UserError) as raised:
        env.reset(seed=0)
    assert str(raised.value).endswith(says)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (np.zeros(1, np.float32), "declares shape (2,), but ground_truth() gave shape (1,)."),
        (np.zeros((2, 1), np.float32), "declares shape (2,), but ground_truth() gave shape (2, 1)."),
        ([0.0, 0.0], "must give an array of 2 numbers (float32), but it gave list."),
        (np.array(["a", "b"]), "must give an array of 2 numbers (float32), but it gave an array of <U1."),
        (np.array([0.0, np.nan], np.float32), "must give finite numbers, but it gave [ 0. nan]."),
    ],
)
def test_wrong_states_are_refused(state: Any, says: str) -> None:
    env = FaultyEnv(srl_model="ground_truth")
    env.state = state
    with pytest.raises(UserError) as raised:
        env.reset(seed=0)
    assert str(raised.value).endswith(says)
    env.state = np.zeros(2)  # float64 is a number too
    env.reset(seed=0)
    env.state = state
    with pytest.raises(UserError):
        env.step(0)


@pytest.mark.parametrize(
    ("reward", "says"),
    [
        (np.nan, "the reward of Faulty-v0 must be finite, but it is nan."),
        (np.inf, "the reward of Faulty-v0 must be finite, but it is inf."),
    ],
)
def test_wrong_rewards_are_refused(reward: Any, says: str) -> None:
    env = FaultyEnv(srl_model="ground_truth")
    env.reset(seed=0)
    env.reward = reward
    with pytest.raises(UserError) as raised:
        env.step(0)
    assert str(raised.value) == says


def test_an_observation_outside_its_space_is_refused() -> None:
    class Narrow(FaultyEnv):
        def _make_observation_space(self) -> spaces.Box:
            return spaces.Box(-1, 1, (2,), np.float32)

    env = Narrow(srl_model="ground_truth")
    env.state = np.array([0, 2], np.float32)
    with pytest.raises(UserError, match=r"observations in \[-1, 1\], but an observation lies outside, 0 to 2"):
        env.reset(seed=0)


def test_later_steps_are_not_looked_at() -> None:
    env = FaultyEnv(srl_model="ground_truth")
    env.reset(seed=0)
    env.step(0)
    env.reward = np.nan
    assert np.isnan(env.step(0)[1])


def test_an_incomplete_world_cannot_be_made() -> None:
    class Incomplete(SRLGymEnv):
        def ground_truth_dim(self) -> int:
            return 1

    with pytest.raises(TypeError, match=r"abstract class Incomplete .*_apply_action"):
        Incomplete()  # type: ignore[abstract]


class FaultyWorld(SRLWorld):
    """N robots whose states and reward terms are given from outside."""

    columns = 2
    term = 1.0

    def _make_action_space(self) -> spaces.Space[Any]:
        return spaces.Discrete(2)

    def ground_truth_dim(self) -> int:
        return 2

    def term_names(self) -> tuple[str, ...]:
        return ("given",)

    def _draw_episode(self, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(1)

    def _begin(self, rows: np.ndarray, draws: np.ndarray) -> None:
        pass

    def _substep(self, actions: np.ndarray) -> SubstepResult:
        none = np.zeros(self.num_envs, np.bool_)
        return SubstepResult(np.full((1, self.num_envs), self.term), none, none)

    def ground_truth(self, rows: Any = ALL) -> np.ndarray:
        return np.zeros((len(self.elapsed[rows]), self.columns), np.float32)

    def target_pos(self, rows: Any = ALL) -> np.ndarray:
        return np.zeros((len(self.elapsed[rows]), 2))

    def images(self, rows: Any = ALL) -> np.ndarray:
        return np.zeros((len(self.elapsed[rows]), 40, 40, 3))


def test_batched_worlds_are_looked_at_too() -> None:
    world = FaultyWorld(FaultyConfig(srl_model="ground_truth"), 3)
    world.columns = 1
    with pytest.raises(UserError, match=r"observations of shape \(2,\) \(policy\), but 2 robots gave shape \(2, 1\)"):
        BatchedVecEnv(world).reset()
    world.columns, world.term = 2, np.nan
    venv = BatchedVecEnv(world)
    venv.reset()
    with pytest.raises(UserError, match="reward's term given of Faulty-v0 must be 3 finite numbers"):
        venv.step(np.zeros(3, np.int64))
    with pytest.raises(UserError, match="Faulty-v0 declares observations of uint8, but an observation is"):
        BatchedVecEnv(FaultyWorld(FaultyConfig(), 3)).reset()
