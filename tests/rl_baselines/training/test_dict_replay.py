"""The replay buffer of a world that observes a Dict: resumed bit for bit, and taken over by more worlds."""

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.buffers import DictReplayBuffer

from rl_baselines.training.reporter import Reporter
from tests.rl_baselines.training.conftest import stopped_at
from tests.rl_baselines.training.test_resume_registry import different

ID = "TwoSenses-v0"
OBSERVED = spaces.Dict(
    {
        "joints": spaces.Box(-np.inf, np.inf, (3,), np.float32),
        "camera": spaces.Box(0, 255, (36, 36, 3), np.uint8),
        "gear": spaces.Discrete(4),
    }
)
NET = "policy_kwargs:{net_arch: [8], features_extractor_kwargs: {cnn_output_dim: 8}}"
SAC = ("--env", ID, "--algo", "sac", "--num-timesteps", "60", "--hyperparam", "learning_starts:20", "batch_size:8")
SMALL = ("buffer_size:200", "train_freq:5", "gradient_steps:1", NET)


class TwoSenses(gymnasium.Env[Any, Any]):
    """Pays what its gear is; an episode has 7 steps. What it shows is drawn from its generator."""

    observation_space, action_space = OBSERVED, spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.t = 0
        return self._drawn(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.t += 1
        observation = self._drawn()
        return observation, float(observation["gear"]), False, self.t == 7, {}

    def _drawn(self) -> dict[str, Any]:
        rng = self.np_random
        return {
            "joints": rng.normal(size=3).astype(np.float32),
            "camera": rng.integers(0, 256, (36, 36, 3), np.uint8),
            "gear": np.int64(rng.integers(4)),
        }


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHON_CPU_COUNT", "1")  # all worlds in this process, which knows them
    monkeypatch.setattr(Reporter, "plot", lambda self, log: None)
    gymnasium.register(ID, entry_point=TwoSenses)
    yield
    del gymnasium.registry[ID]


def test_it_is_resumed_bit_for_bit(small_train, models, monkeypatch, tmp_path):
    small_train(*SAC, *SMALL, log_dir=tmp_path / "whole")
    never_stopped = models[-1]
    run = stopped_at(34, small_train, monkeypatch, *SAC, *SMALL, log_dir=tmp_path / "part")
    assert models[-1].num_timesteps < 60
    small_train("--resume", str(run.path), log_dir=tmp_path / "part")
    resumed = models[-1]
    assert isinstance(resumed.replay_buffer, DictReplayBuffer)
    assert set(resumed.replay_buffer.observations) == set(OBSERVED)
    assert resumed.replay_buffer.pos == 60
    assert np.ptp(resumed.replay_buffer.observations["camera"][:60]) == 255
    assert different(never_stopped, resumed) == []


def test_another_number_of_worlds_is_dealt_its_steps(small_train, models, tmp_path, capsys):
    parent = small_train(*SAC, *SMALL, log_dir=tmp_path / "parent")
    before = models[-1].replay_buffer
    kept = {key: values[:60, 0].copy() for key, values in before.observations.items()}
    actions, rewards = before.actions[:60, 0].copy(), before.rewards[:60, 0].copy()
    again = ("--load-rl-model-path", str(parent.latest), "--num-timesteps", "8", "--num-cpu", "4")
    small_train(*again, "--hyperparam", "learning_starts:1000", log_dir=tmp_path / "child")
    assert "beginning empty" not in capsys.readouterr().out
    buffer = models[-1].replay_buffer
    assert buffer.n_envs == 4
    assert buffer.pos > 15
    for key, values in kept.items():
        assert np.array_equal(buffer.observations[key][:15], values.reshape(15, 4, *values.shape[1:])), key
    assert np.array_equal(buffer.actions[:15], actions.reshape(15, 4, 2))
    assert np.array_equal(buffer.rewards[:15], rewards.reshape(15, 4))
