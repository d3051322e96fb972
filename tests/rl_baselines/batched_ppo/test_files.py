import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from rl_baselines.acting.actor import Actor
from rl_baselines.batched_ppo.algorithm import BatchedPPO
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.checkpoints.load import load_model
from srl3.errors import UserError
from tests.rl_baselines.batched_ppo.worlds import cues, follow, made
from tests.rl_baselines.conftest import MOBILE, Train
from tests.rl_baselines.tiny_worlds import vec_env

BATCHED = (*MOBILE[:-1], "8", "--algo", "batched_ppo")
ROLLOUTS = ("--hyperparam", "n_steps:25", "nminibatches:4", "n_epochs:2")


@pytest.mark.parametrize("std_type", ["log", "scalar"])
@pytest.mark.parametrize("layers", [[8, 6], []])
def test_plain_stable_baselines_acts_alike(tmp_path: Path, std_type: str, layers: list[int]) -> None:
    """The normaliser is inside the first layers: means, standard deviations and values agree to 1e-6."""
    kwargs = {"net_arch": {"pi": layers, "vf": layers}, "activation_fn": "ELU"}
    model = made(
        follow(), n_steps=8, std_type=std_type, value_obs_key="policy", policy_kwargs=kwargs, learning_rate=3e-3
    )
    model.learn(512)
    model.save(tmp_path / "model")
    plain = PPO.load(tmp_path / "model.zip", device="cpu")
    seen = torch.linspace(-1, 1, 9)[:, None]
    expected, _ = model.policy.act(model.policy.normalise(seen))
    values = model.policy.predict_values(seen)
    got = plain.policy.get_distribution(seen).distribution
    torch.testing.assert_close(got.mean, expected.mean, rtol=0, atol=1e-6)  # type: ignore[union-attr]
    torch.testing.assert_close(got.stddev[0], expected.std, rtol=0, atol=1e-6)  # type: ignore[union-attr]
    torch.testing.assert_close(plain.policy.predict_values(seen), values, rtol=1e-6, atol=2e-6)
    assert float(model.policy.pi_normaliser.count) > 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "hyperparams", "reason"),
    [
        (follow, {}, "a critic with observations of its own"),
        (cues, {"rnn_type": "gru", "rnn_hidden_dim": 4}, "a memory"),
        (follow, {"std_type": "state", "value_obs_key": "policy"}, "a standard deviation that depends"),
    ],
)
def test_what_plain_stable_baselines_lacks_is_said(
    tmp_path: Path, make: Any, hyperparams: dict[str, Any], reason: str
) -> None:
    model = made(make(4), n_steps=4, nminibatches=1, **hyperparams)
    model.learn(32)
    model.save(tmp_path / "model.zip")
    with pytest.raises(ValueError, match=f"Policy of SRL3 .{reason}.*; open this file with SRL3"):
        PPO.load(tmp_path / "model.zip")
    again = BatchedPPO.load(tmp_path / "model.zip")
    seen = np.linspace(-1, 1, 3 * 2, dtype=np.float32).reshape(3, -1)[:, : 2 if make is cues else 1]
    assert np.array_equal(again.predict(seen, deterministic=True)[0], model.predict(seen, deterministic=True)[0])


@pytest.mark.parametrize("hyperparams", [{}, {"std_type": "scalar", "value_obs_key": "policy"}])
def test_own_files_are_exact_and_go_on_learning(hyperparams: dict[str, Any]) -> None:
    model = made(follow(), n_steps=8, **hyperparams)
    model.learn(256)
    file = io.BytesIO()
    model.save(file)
    again = BatchedPPO.load(io.BytesIO(file.getvalue()), follow(), device="cpu")
    for name, tensor in model.policy.state_dict().items():
        assert torch.equal(again.policy.state_dict()[name], tensor), name
    again.learn(256)
    assert again.num_timesteps == 256
    acting = BatchedPPO.load(io.BytesIO(file.getvalue()), device="cpu")
    assert not any("value_net.weight" in name for name in acting.policy.state_dict())


def test_a_file_of_another_algorithm_is_refused(tmp_path: Path) -> None:
    PPO("MlpPolicy", vec_env(1), n_steps=2, batch_size=2).save(tmp_path / "plain.zip")
    with pytest.raises(UserError, match=r"plain.zip was not written by batched_ppo"):
        BatchedPPO.load(tmp_path / "plain.zip")


def _state(path: Path) -> dict[str, Any]:
    checkpoint = load_checkpoint(path)
    flat = {f"policy.{name}": tensor.numpy() for name, tensor in checkpoint.parameters["policy"].items()}
    flat |= {f"raw.{name}": values for name, values in checkpoint.state["policy"]["tensors"].items()}
    novelty = checkpoint.state["policy"]["novelty"]
    if novelty is not None:
        flat |= {f"novelty.{name}": values for name, values in novelty["tensors"].items()}
        flat |= {
            f"{number}.{name}": each for number, one in enumerate(novelty["optimizer"]) for name, each in one.items()
        }
        flat["steps"] = novelty["steps"]
        flat["averages"] = checkpoint.state["training"]["model"]["algorithm"]["novelty_averages"]
    for number, moments in checkpoint.parameters["policy.optimizer"]["state"].items():
        flat |= {f"optimizer.{number}.{name}": np.asarray(value) for name, value in moments.items()}
    return flat


NOVELTY = ("rnd:{weight: 0.5, state_normalization: true, reward_normalization: true}",)


@pytest.mark.parametrize("more", [NOVELTY, ("rnn_type:lstm", "rnn_hidden_dim:6")])
def test_stopped_in_mid_episode_and_resumed_equals_never_stopped(
    small_train: Train, tmp_path: Path, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rl_baselines.training.callbacks import checkpoints

    monkeypatch.setattr(checkpoints, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "MAX_SAVE_SHARE", 1e9)
    flags = (*BATCHED, *ROLLOUTS, *more, "--num-timesteps", "2200")
    whole = small_train(*flags, log_dir=tmp_path / "whole")

    class _StopAt(checkpoints.CheckpointCallback):
        def _on_rollout_start(self) -> None:
            super()._on_rollout_start()
            if self.model.num_timesteps == 600:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("rl_baselines.training.run.CheckpointCallback", _StopAt)
        with pytest.raises(KeyboardInterrupt):
            small_train(*flags, log_dir=tmp_path / "stopped")
    (stopped,) = (tmp_path / "stopped").rglob("latest.zip")
    saved = load_checkpoint(stopped)
    assert saved.info.num_timesteps == 600
    resumed = small_train("--resume", str(stopped.parent), log_dir=tmp_path / "stopped")
    first, second = _state(whole.latest), _state(resumed.latest)
    assert first.keys() == second.keys()
    for name, values in first.items():
        assert np.array_equal(values, second[name]), name
    one, other = (run.monitors()[0].read_text().splitlines()[2:] for run in (whole, resumed))
    assert [row.split(",")[:2] for row in one] == [row.split(",")[:2] for row in other]
    assert len(one) == 8


def test_a_checkpoint_plays_as_the_model_did(small_train: Train) -> None:
    run = small_train(*BATCHED, *ROLLOUTS, "--num-timesteps", "600")
    checkpoint = load_checkpoint(run.latest)
    from rl_baselines.vec_envs.create import create_envs

    env = create_envs(checkpoint.info.env_id, checkpoint.info.env_kwargs, n_envs=2, normalize=False)
    player = load_model(checkpoint, env, device="cpu")
    assert isinstance(player, BatchedPPO)
    assert float(player.policy.pi_normaliser.count) == 3 * 26 * 8  # type: ignore[arg-type]
    plain = PPO.load(run.latest, device="cpu")
    seen = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    assert np.array_equal(player.predict(seen, deterministic=True)[0], plain.predict(seen, deterministic=True)[0])
    again = small_train("--load-rl-model-path", str(run.latest), "--num-timesteps", "600", "--new-lr", "2e-4")
    assert load_checkpoint(again.latest).info.num_timesteps == 600


def test_a_memory_plays_on_without_an_environment(small_train: Train) -> None:
    """Step by step an actor remembers, and forgets at the start of an episode, as the model does."""
    memory = ("rnn_type:gru", "rnn_hidden_dim:6")
    run = small_train(*BATCHED, *ROLLOUTS, *memory, "--num-timesteps", "600")
    checkpoint = load_checkpoint(run.latest)
    actor = Actor.from_checkpoint(checkpoint)
    assert actor.recurrent
    assert actor.distribution() is None
    model = BatchedPPO.load(run.latest, device="cpu")
    state, seen = None, np.random.default_rng(0).normal(size=(6, 3, 2)).astype(np.float32)
    for time, observations in enumerate(seen):
        starts = np.array([time in (0, 3), time == 0, time in (0, 5)])
        expected, state = model.predict(observations, state, starts, deterministic=True)
        assert np.array_equal(actor.act(observations, starts, deterministic=True), expected)
        assert state is not None
        if time == 3:
            _, fresh = model.predict(observations[:1], None, None, deterministic=True)
            assert fresh is not None
            np.testing.assert_allclose(state[0][:, :1], fresh[0], rtol=1e-6, atol=1e-6)
