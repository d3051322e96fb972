"""Policies of every kind of space: from their checkpoint without an environment, and going on in mid-episode."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.checkpoint import (
    CheckpointInfo,
    described_spaces,
    load_checkpoint,
    load_model,
    save_checkpoint,
)
from rl_baselines.checkpoints.resume import restore_training_state, training_state
from rl_baselines.registry import find_algo
from rl_baselines.vec_envs.create import find_normalize
from rl_baselines.vec_envs.leaves import layers
from tests.rl_baselines.vec_envs.space_worlds import OBSERVED, space_envs

SHORT = {"n_steps": 8, "batch_size": 8, "n_epochs": 1}
SMALL = spaces.Dict({"bytes": spaces.Box(0, 255, (3,), np.uint8), "gear": spaces.Discrete(3), "x": OBSERVED["box"]})
CASES = [
    # algorithm, hyperparameters, observed, acted, stack, normalise, workers
    ("ppo", SHORT, "dict", "multi_discrete", 1, True, 1),
    ("ppo", SHORT, "dict", "multi_binary", 16, False, 1),
    ("a2c", {"n_steps": 8}, SMALL, "multi_binary", 2, True, 2),
    ("recurrent_ppo", SHORT, SMALL, "multi_binary", 1, True, 1),
    ("ppo", SHORT, "image", "discrete", 16, False, 2),
    ("sac", {"learning_starts": 4, "buffer_size": 50, "batch_size": 4}, SMALL, "continuous", 2, True, 1),
]


def saved(path, model, algo, normalize, stack, state=None):
    observation_space, action_space = described_spaces(model.env)
    hyperparams = {**model.told, "n_envs": 2, "normalize": normalize}
    info = CheckpointInfo(
        algo,
        "feedforward",
        "Spaces",
        {},
        "ground_truth",
        stack,
        2,
        0,
        hyperparams,
        64,
        observation_space,
        action_space,
        {},
    )
    save_checkpoint(path, model, info, state)


@pytest.mark.parametrize(("algo", "hyperparams", "observed", "acted", "stack", "normalize", "workers"), CASES)
def test_an_actor_acts_as_its_model(tmp_path, algo, hyperparams, observed, acted, stack, normalize, workers):
    torch.set_num_threads(1)
    options = {"stack": stack, "workers": workers}
    venv = space_envs(observed, acted, normalize=normalize, **options)
    model = find_algo(algo).load_class().make_model(venv, hyperparams, seed=0, device="cpu")
    model.told = hyperparams
    model.learn(16)
    saved(tmp_path / "model.zip", model, algo, normalize, stack)
    if normalize:
        find_normalize(venv).training = False
    bare = layers(space_envs(observed, acted, seed=4, workers=workers))
    *_, raw = bare
    venv.seed(4)
    seen, given = venv.reset(), raw.reset()
    actor = Actor.load(tmp_path / "model.zip")
    memory, starts = None, np.ones(2, bool)
    for _ in range(9):  # into the second episode
        wanted, memory = model.predict(seen, state=memory, episode_start=starts, deterministic=True)
        actions = actor.act(given, starts, deterministic=True)
        assert np.array_equal(actions, wanted)
        seen, _, starts, _ = venv.step(actions)
        given = raw.step(actions)[0]
    venv.close()
    raw.close()


class Keep(BaseCallback):
    """Keeps the checkpoint of the second rollout's start, and the policy at the end of the third."""

    def __init__(self, algo, path, normalize, stack):
        super().__init__()
        self.algo, self.path, self.normalize, self.stack = algo, path, normalize, stack
        self.rollouts = 0

    def _on_rollout_start(self):
        self.rollouts += 1
        if self.rollouts == 2 and self.path is not None:
            state = training_state(find_algo(self.algo).load_class(), self.model)
            saved(self.path, self.model, self.algo, self.normalize, self.stack, state)

    def _on_step(self):
        return True


@pytest.mark.parametrize(
    ("algo", "hyperparams", "observed", "acted", "stack", "normalize", "workers"),
    [case for case in CASES if case[0] in ("ppo", "a2c", "recurrent_ppo")],
)
def test_a_training_goes_on_bit_for_bit(tmp_path, algo, hyperparams, observed, acted, stack, normalize, workers):
    torch.set_num_threads(1)
    path = tmp_path / "latest.zip"
    options = {"stack": stack, "workers": workers, "normalize": normalize}
    algorithm = find_algo(algo).load_class()
    whole = algorithm.make_model(space_envs(observed, acted, **options), hyperparams, seed=0, device="cpu")
    whole.told = hyperparams
    whole.learn(48, callback=Keep(algo, path, normalize, stack))
    checkpoint = load_checkpoint(path)
    venv = space_envs(observed, acted, seed=9, **options)
    model = load_model(checkpoint, venv, device="cpu", training=True)
    model.set_logger(Logger(None, []))
    restore_training_state(algorithm, model, checkpoint.state["training"])
    model.learn(48 - model.num_timesteps, reset_num_timesteps=False, callback=Enter(algorithm, checkpoint))
    assert model.num_timesteps == whole.num_timesteps == 48
    for name, tensor in whole.policy.state_dict().items():
        assert torch.equal(tensor, model.policy.state_dict()[name]), name
    whole.env.close()
    venv.close()


class Enter(BaseCallback):
    """What a resumed run does at the start of its first rollout."""

    def __init__(self, algorithm, checkpoint):
        super().__init__()
        self.algorithm, self.state = algorithm, checkpoint.state["training"]

    def _on_rollout_start(self):
        if self.state is not None:
            self.algorithm.enter_rollout(self.model, self.state)
            self.state = None

    def _on_step(self):
        return True
