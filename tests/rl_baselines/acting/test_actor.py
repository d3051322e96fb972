"""A policy without its environment acts as the model in it."""

import dataclasses
import inspect
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack, VecNormalize

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.checkpoint import (
    CheckpointInfo,
    described_spaces,
    load_checkpoint,
    load_model,
    save_checkpoint,
)
from rl_baselines.registry import ActionType, find_algo, registered_rl
from srl3.errors import UserError
from state_representation.encoding.encoder import Encoder, EncoderInfo, make_encoder
from state_representation.encoding.vec_wrapper import EncoderVecWrapper
from state_representation.models.encoders import build_encoder
from tests.rl_baselines.tiny_worlds import EPISODE, TinyWorld

N_ENVS = 3
STEPS = EPISODE + 2
"""into the second episode"""
ALGOS = list({entry.entry_point: name for name, entry in registered_rl.items()}.values())


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a policy observes of the tiny world."""

    pixels: bool = False
    num_stack: int = 1
    normalize: bool = False
    encoded: bool = False


SEEN = {
    "states": Seen(),
    "stacked normalised states": Seen(num_stack=3, normalize=True),
    "pixels": Seen(pixels=True),
    "stacked pixels": Seen(pixels=True, num_stack=2),
    "learned states": Seen(pixels=True, encoded=True, normalize=True),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """These networks are too small for several threads to do anything but wait."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(1)
    info = EncoderInfo("autoencoder", "Tiny", {}, (36, 36, 3), None, 5, "linear")
    return make_encoder(info, build_encoder("linear", (36, 36, 3), 5).state_dict(), "cpu")


def wrapped(bare: VecEnv, seen: Seen, encoder: Encoder) -> VecEnv:
    """The world as training sees it, with statistics that are worth something."""
    venv = EncoderVecWrapper(bare, encoder) if seen.encoded else bare
    if seen.num_stack > 1:
        venv = VecFrameStack(venv, seen.num_stack)
    if seen.normalize:
        venv = VecNormalize(venv, training=False, norm_reward=False)
        shape, rng = venv.observation_space.shape, np.random.default_rng(0)
        venv.obs_rms.mean, venv.obs_rms.var = rng.normal(0.3, 0.2, shape), rng.uniform(0.01, 0.3, shape)
        venv.obs_rms.count = 1000.0
    return venv


def worlds(continuous: bool, pixels: bool, n_envs: int = N_ENVS) -> VecEnv:
    return DummyVecEnv([lambda: TinyWorld(continuous=continuous, pixels=pixels)] * n_envs)


def saved(path: Path, algo: str, seen: Seen, venv: VecEnv) -> BaseAlgorithm:
    """A new model of ``algo`` on ``venv``, and its checkpoint at ``path``."""
    hyperparams: dict[str, Any] = {"n_envs": N_ENVS, "normalize": seen.normalize}
    algorithm = find_algo(algo).load_class()
    if "lr_schedule" in inspect.signature(algorithm.model_class().policy_aliases[algorithm.state_policy]).parameters:
        hyperparams["policy_kwargs"] = {"net_arch": [16]}
        if seen.pixels and not seen.encoded:
            hyperparams["policy_kwargs"]["features_extractor_kwargs"] = {"features_dim": 16}
    model = algorithm.make_model(venv, hyperparams, seed=7, device="cpu", training=False)
    for parameter in model.policy.parameters():
        parameter.data.mul_(2)
    observation_space, action_space = described_spaces(model.env)
    info = CheckpointInfo(
        algo,
        "feedforward",
        "Tiny",
        {},
        "raw_pixels" if seen.pixels else "ground_truth",
        seen.num_stack,
        N_ENVS,
        7,
        hyperparams,
        100,
        observation_space,
        action_space,
        {},
    )
    if hasattr(model, "get_search_state"):
        model.policy.load_from_vector(np.random.default_rng(3).normal(size=model._weights().shape).astype(np.float32))
    save_checkpoint(path, model, info)
    return model


def assert_same_actions(actor: Actor, model: BaseAlgorithm, bare: VecEnv, *, deterministic: bool) -> np.ndarray:
    """Play with what the actor does, from the bare world's observations, and compare with the model in its wrappers."""
    env = model.get_env()
    assert env is not None
    raw, starts, memory = bare.reset(), np.ones(N_ENVS, bool), None
    observed, actions = env.reset(), []
    for _ in range(STEPS):
        expected, memory = model.predict(observed, state=memory, episode_start=starts, deterministic=deterministic)
        action = actor.act(raw, starts, deterministic)
        assert action.dtype == expected.dtype
        assert np.array_equal(action, expected)
        raw, _, starts, _ = bare.step(action)
        observed, *_ = env.step(action)
        actions.append(action)
    return np.stack(actions)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("algo", ALGOS)
def test_it_acts_as_the_model(algo: str, seen: str, tmp_path: Path, encoder: Encoder) -> None:
    continuous = ActionType.CONTINUOUS in find_algo(algo).actions
    what = SEEN[seen]
    venv = wrapped(worlds(continuous, what.pixels), what, encoder)
    saved(tmp_path / "model.zip", algo, what, venv)
    checkpoint = load_checkpoint(tmp_path / "model.zip")
    model = load_model(checkpoint, wrapped(worlds(continuous, what.pixels), what, encoder), device="cpu")
    actor = Actor.from_checkpoint(checkpoint, seed=5)
    for deterministic in (True, False):
        actor.reset()
        actor.seed(5)
        model.set_random_seed(5)
        played = assert_same_actions(actor, model, worlds(continuous, what.pixels), deterministic=deterministic)
    assert algo == "ars" or len(np.unique(played)) > 1 or algo in ("dqn", "deepq", "qrdqn")


@pytest.mark.parametrize("algo", ["ppo2", "recurrent_ppo", "sac"])
def test_of_a_model_in_training_it_is_the_live_policy(algo: str, tmp_path: Path, encoder: Encoder) -> None:
    seen = SEEN["stacked normalised states"]
    venv = wrapped(worlds(True, False), seen, encoder)
    model = saved(tmp_path / "model.zip", algo, seen, venv)
    actor = Actor.of_model(model)
    assert actor.policy is model.policy
    assert_same_actions(actor, model, worlds(True, False), deterministic=True)
    before = actor.act(np.full((N_ENVS, 4), 0.5, np.float32), np.ones(N_ENVS, bool), deterministic=True)
    venv.obs_rms.mean = venv.obs_rms.mean + 3
    after = actor.act(np.full((N_ENVS, 4), 0.5, np.float32), np.ones(N_ENVS, bool), deterministic=True)
    assert not np.array_equal(before, after), "statistics are read when it acts"


def process_state() -> dict[str, Any]:
    return {
        "python": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],
        "torch": torch.get_rng_state().tolist(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "cudnn": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
        "grad": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
    }


@pytest.mark.parametrize("algo", ALGOS)
def test_loading_and_acting_leave_the_process_as_it_was(algo: str, tmp_path: Path, encoder: Encoder) -> None:
    continuous = ActionType.CONTINUOUS in find_algo(algo).actions
    venv = worlds(continuous, False)
    saved(tmp_path / "model.zip", algo, Seen(), venv)
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    before = process_state()
    actor = Actor.load(tmp_path / "model.zip")
    for deterministic in (True, False):
        actor.act(np.zeros((2, 4), np.float32), deterministic=deterministic)
    actor.seed(9)
    assert process_state() == before


def test_loading_an_encoder_draws_nothing(tmp_path: Path, encoder: Encoder) -> None:
    seen = Seen(pixels=True, encoded=True)
    saved(tmp_path / "model.zip", "ppo2", seen, wrapped(worlds(True, True), seen, encoder))
    before = process_state()
    assert Actor.load(tmp_path / "model.zip").encoder is not None
    assert process_state() == before


def test_drawn_actions_follow_the_seed(tmp_path: Path, encoder: Encoder) -> None:
    saved(tmp_path / "model.zip", "ppo2", Seen(), worlds(True, False))
    raw = np.zeros((4, 4), np.float32)

    def drawn(actor: Actor) -> np.ndarray:
        return np.stack([actor.act(raw, deterministic=False) for _ in range(3)])

    one, other = Actor.load(tmp_path / "model.zip", seed=1), Actor.load(tmp_path / "model.zip", seed=1)
    first = drawn(one)
    np.random.random()
    torch.rand(1)
    assert np.array_equal(first, drawn(other))
    assert not np.array_equal(first, drawn(one))
    assert not np.array_equal(first, drawn(Actor.load(tmp_path / "model.zip", seed=2)))
    one.seed(3)
    other.seed(3)
    assert np.array_equal(drawn(one), drawn(other))


@pytest.mark.parametrize("algo", ["recurrent_ppo", "ppo2"])
def test_rows_begin_anew_alone(algo: str, tmp_path: Path, encoder: Encoder) -> None:
    seen = SEEN["stacked normalised states"]
    saved(tmp_path / "model.zip", algo, seen, wrapped(worlds(True, False), seen, encoder))
    rng = np.random.default_rng(0)
    raw = [np.repeat(rng.random((1, 4), np.float32), 3, axis=0) for _ in range(6)]
    actor = Actor.load(tmp_path / "model.zip")
    for observations in raw[:5]:
        actor.act(observations, deterministic=True)
    actor.reset(np.array([1]))
    actions = actor.act(raw[5], deterministic=True)
    fresh = Actor.load(tmp_path / "model.zip").act(raw[5], deterministic=True)
    assert np.array_equal(actions[0], actions[2])
    assert not np.array_equal(actions[0], actions[1])
    assert actions[1] == pytest.approx(fresh[1], abs=1e-6)
    assert len(actor.act(raw[0][:2])) == 2, "another number of robots begins anew"


def test_probabilities_are_those_of_the_policy(tmp_path: Path, encoder: Encoder) -> None:
    model = saved(tmp_path / "model.zip", "ppo2", Seen(), worlds(False, False))
    actor = Actor.load(tmp_path / "model.zip")
    raw = np.eye(4, dtype=np.float32)
    actor.act(raw)
    expected = model.policy.get_distribution(torch.as_tensor(raw)).distribution.probs.detach().numpy()
    assert np.array_equal(actor.distribution(), expected)


@pytest.mark.parametrize(("algo", "continuous"), [("ppo2", True), ("dqn", False), ("recurrent_ppo", False)])
def test_others_have_no_probabilities(algo: str, continuous: bool, tmp_path: Path, encoder: Encoder) -> None:
    saved(tmp_path / "model.zip", algo, Seen(), worlds(continuous, False))
    actor = Actor.load(tmp_path / "model.zip")
    actor.act(np.eye(4, dtype=np.float32))
    assert actor.distribution() is None


def test_forbidden_actions_are_never_taken(tmp_path: Path, encoder: Encoder) -> None:
    saved(tmp_path / "model.zip", "maskable_ppo", Seen(), worlds(False, False))
    actor = Actor.load(tmp_path / "model.zip")
    assert actor.uses_masks
    raw, rng = np.repeat(np.eye(4, dtype=np.float32), 50, axis=0), np.random.default_rng(0)
    for deterministic in (True, False):
        masks = np.eye(4, dtype=bool)[rng.integers(4, size=200)] | np.eye(4, dtype=bool)[rng.integers(4, size=200)]
        actions = actor.act(raw, deterministic=deterministic, action_masks=masks)
        assert masks[np.arange(200), actions].all()
        assert (actor.distribution(masks)[~masks] < 1e-6).all()


class Cube(gym.Env[np.ndarray, np.ndarray]):
    """Images with more channels than rows: what a guess takes for channels first."""

    observation_space = spaces.Box(0, 255, (40, 48, 64), np.uint8)
    action_space = spaces.Box(np.array([-1, -3], np.float32), np.array([0.5, 2], np.float32))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: np.ndarray) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), 0.0, False, False, {}


def test_images_are_transposed_by_the_checkpoints_word(tmp_path: Path) -> None:
    from rl_baselines.vec_envs.images import ImagesFirst

    venv = ImagesFirst(DummyVecEnv([Cube]), [""])
    model = PPO("CnnPolicy", venv, n_steps=2, batch_size=2, device="cpu")
    observation_space, action_space = described_spaces(model.env)
    assert observation_space["shape"] == [40, 48, 64]
    assert observation_space["image"]
    hyperparams = {"n_envs": 1, "normalize": False}
    info = CheckpointInfo(
        "ppo2", "feedforward", "Cube", {}, "raw_pixels", 1, 1, 0, hyperparams, 1, observation_space, action_space, {}
    )
    save_checkpoint(tmp_path / "model.zip", model, info)
    actor = Actor.load(tmp_path / "model.zip")
    assert actor.policy.observation_space.shape == (64, 40, 48)
    raw = np.random.default_rng(0).integers(0, 256, (2, 40, 48, 64), np.uint8)
    expected = model.predict(np.moveaxis(raw, -1, 1), deterministic=True)[0]
    assert np.array_equal(actor.act(raw, deterministic=True), expected)


def test_actions_stay_within_an_uneven_box(tmp_path: Path) -> None:
    class Uneven(Cube):
        observation_space = spaces.Box(-1, 1, (2,))

    venv = DummyVecEnv([Uneven])
    for algo in ("ppo2", "td3"):
        model = find_algo(algo).load_class().make_model(venv, {}, seed=0, device="cpu", training=False)
        info = CheckpointInfo(
            algo, "feedforward", "U", {}, "ground_truth", 1, 1, 0, {"normalize": False}, 1, *described_spaces(venv), {}
        )
        save_checkpoint(tmp_path / "model.zip", model, info)
        actor = Actor.load(tmp_path / "model.zip")
        actions = actor.act(np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32) * 9, deterministic=False)
        assert (actions >= venv.action_space.low).all()
        assert (actions <= venv.action_space.high).all()


def test_a_device_that_is_not_there_is_a_user_error(tmp_path: Path) -> None:
    saved(tmp_path / "model.zip", "ppo2", Seen(), worlds(False, False))
    with pytest.raises(UserError, match="nonsense"):
        Actor.load(tmp_path / "model.zip", device="nonsense")
