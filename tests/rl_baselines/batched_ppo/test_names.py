from typing import Any

import pytest
import torch

from rl_baselines.batched_ppo.names import BRAX, DEXHAND, ELSEWHERE, RSL_RL, translated
from rl_baselines.batched_ppo.registered import BatchedPPOModel
from rl_baselines.hyperparams.resolve import resolve_hyperparams
from srl3.errors import UserError
from tests.rl_baselines.batched_ppo.worlds import follow, made

SEED_001 = {
    "init_noise_std": 0.8,
    "noise_std_type": "log",
    "actor_obs_normalization": True,
    "critic_obs_normalization": True,
    "actor_hidden_dims": [12, 6],
    "critic_hidden_dims": [14],
    "activation": "elu",
    "num_learning_epochs": 3,
    "num_mini_batches": 2,
    "learning_rate": 5e-4,
    "schedule": "adaptive",
    "gamma": 0.98,
    "lam": 0.9,
    "entropy_coef": 0.01,
    "desired_kl": 0.02,
    "max_grad_norm": 0.7,
    "value_loss_coef": 2.0,
    "use_clipped_value_loss": True,
    "clip_param": 0.15,
    "normalize_advantage_per_mini_batch": True,
    "num_steps_per_env": 4,
    "clip_actions": 1.0,
}


def test_the_whole_table_of_mjlab_reaches_the_model() -> None:
    model = made(follow(4), **SEED_001)
    assert model.policy.net_arch == {"pi": [12, 6], "vf": [14]}
    assert model.policy.activation_fn is torch.nn.ELU
    torch.testing.assert_close(model.policy.log_std.exp(), torch.tensor([0.8]))
    assert (model.n_epochs, model.batch_size, model.n_steps) == (3, 8, 4)
    assert (model.learner.rate, model.desired_kl, model.gamma, model.gae_lambda) == (5e-4, 0.02, 0.98, 0.9)
    assert (model.ent_coef, model.vf_coef, model.max_grad_norm, model.clip_actions) == (0.01, 2.0, 0.7, 1.0)
    assert (float(model.clip_range(1)), float(model.clip_range_vf(1))) == (0.15, 0.15)  # type: ignore[operator, misc]
    assert model.normalize_advantage_per_minibatch
    assert model.normalize_observations


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"distribution_cfg": {"init_std": 1.0, "std_type": "scalar"}}, {"std_type": "scalar"}),
        ({"schedule": "fixed"}, {"desired_kl": None}),
        ({"use_clipped_value_loss": False}, {"clip_range_vf": None}),
        ({"hidden_dims": [8]}, {"policy_kwargs": {"net_arch": {"pi": [8], "vf": [8]}}}),
        ({"reward_scaling": 0.1, "discounting": 0.97}, {"reward_scale": 0.1, "gamma": 0.97}),
        ({"policy_hidden_layer_sizes": "64,64"}, {"policy_kwargs": {"net_arch": {"pi": [64, 64]}}}),
        ({"num_updates_per_batch": 8, "clipping_epsilon": 0.2}, {"n_epochs": 8, "clip_range": 0.2}),
        ({"horizon_length": 16, "mini_epochs": 8}, {"n_steps": 16, "n_epochs": 8}),
    ],
)
def test_other_systems_names(values: dict[str, Any], expected: dict[str, Any]) -> None:
    got = translated(values, "here")
    assert {name: got[name] for name in expected} == expected


def test_every_name_leads_to_a_hyperparameter() -> None:
    known = {*BatchedPPOModel.parameters(), "policy_kwargs"}
    samples: dict[str, Any] = {
        "activation": "relu",
        "schedule": "fixed",
        "distribution_cfg": {"init_std": 1.0},
        "init_noise_std": 1.0,
        "init_std": 1.0,
    }
    for table in (RSL_RL, BRAX, DEXHAND):
        for name in table:
            assert set(translated({name: samples.get(name, 1)}, "here")) <= known, name
            assert name not in ELSEWHERE


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lam": 0.9, "gae_lambda": 0.95}, "here sets gae_lambda twice, by lam and by gae_lambda; set it once"),
        ({"schedule": "linear"}, "schedule must be adaptive or fixed, not 'linear'"),
        ({"activation": "rellu"}, "unknown activation 'rellu'; did you mean relu"),
        ({"max_iterations": 300}, "here: max_iterations is no hyperparameter here; use --num-timesteps"),
        ({"init_noise_std": 0}, "standard deviation of the actions must be more than 0, not 0"),
        ({"distribution_cfg": {"std": 1}}, "distribution_cfg takes class_name, init_std, std_type, not"),
        ({"actor_obs_normalization": True, "critic_obs_normalization": False}, "set both to the same"),
    ],
)
def test_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        translated(values, "here")


def test_on_the_command_line_a_part_of_policy_kwargs_leaves_the_rest_of_the_preset() -> None:
    settings = resolve_hyperparams(
        BatchedPPOModel,
        "batched_ppo",
        "MobileRobotGymEnv-v0",
        "ground_truth",
        continuous=True,
        overrides=["actor_hidden_dims:[32, 16]", "num_learning_epochs:2", "init_noise_std:0.5"],
    )
    kwargs = settings["policy_kwargs"].value
    assert kwargs["net_arch"] == {"pi": [32, 16], "vf": [64, 64]}
    assert kwargs["activation_fn"] == "ELU"
    assert kwargs["log_std_init"] == pytest.approx(-0.6931, abs=1e-4)
    assert settings["n_epochs"].value == 2
