"""A policy that is shown another group of observations than its own can be run, judged and retrained."""

import numpy as np
import pytest

from environments.registry import find_env
from rl_baselines.acting.actor import Actor
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.training.request import TrainingRequest
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError

HAND = "ParaHandReorientGymEnv-v0"
SMALL = ("--num-envs", "4", "--num-timesteps", "32")


@pytest.mark.parametrize(
    ("world", "model"), [((), ("policy_obs_key:critic",)), (("--env-kwargs", "policy_group:critic"), ())]
)
def test_who_runs_the_policy_later_sees_what_it_saw(small_train, world, model):
    run = small_train("--env", HAND, *SMALL, *world, "--hyperparam", "n_steps:4", "nminibatches:1", *model)
    info = load_checkpoint(run.latest).info
    assert info.env_kwargs["policy_group"] == "critic"
    assert info.hyperparams["policy_obs_key"] == "policy"
    face = find_env(HAND).load_class()
    world = face.world_class(face.config_class.from_kwargs(info.env_kwargs), 3)
    world.seed([0, 1, 2])
    world.reset()
    np.testing.assert_array_equal(world.observe(), world.observe(group="critic"))
    actions = Actor.load(run.latest).act(world.observe().numpy(), np.ones(3, bool), deterministic=True)
    assert actions.shape == (3, 22)
    again = small_train("--load-rl-model-path", str(run.path), "--num-timesteps", "32")
    assert load_checkpoint(again.latest).info.env_kwargs["policy_group"] == "critic"


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"hyperparam": ["policy_obs_key:crtic"]}, "for policy_obs_key 'crtic'; did you mean critic"),
        (
            {"env_kwargs": {"policy_group": "crtic"}},
            "for policy_group of ParaHandReorient.* 'crtic'; did you mean crit",
        ),
        (
            {"hyperparam": ["policy_obs_key:policy"], "env_kwargs": {"policy_group": "critic"}},
            "policy_obs_key:policy and policy_group:critic contradict each other",
        ),
        ({"srl_model": "raw_pixels", "env_kwargs": {"policy_group": "critic"}}, "policy_group .*leave it out"),
        (
            {"eval_freq": 100, "eval_env_kwargs": {"policy_group": "critic"}},
            "--eval-env-kwargs can't change policy_group",
        ),
    ],
)
def test_mistakes_are_named(choices, words, tmp_path):
    with pytest.raises(UserError, match=words):
        resolve(TrainingRequest(env=HAND, log_dir=tmp_path, no_vis=True, **choices))
