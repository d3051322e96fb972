"""What --losses says, and what is refused."""

import pytest

from srl3.errors import UserError
from state_representation.learning.objectives import OBJECTIVES
from state_representation.registry import registered_srl
from state_representation.store.loss_terms import (
    DEFAULT_WEIGHTS,
    LossTerm,
    check_losses,
    parse_losses,
    preset_losses,
    registered_name,
)


def check(*texts, state_dim=20, model_type="custom_cnn", multi_view=False, has_dae=False):
    plan = parse_losses(texts, state_dim)
    check_losses(plan, model_type=model_type, multi_view=multi_view, has_dae=has_dae)
    return plan


def test_weights_and_whole_state():
    plan = parse_losses(["autoencoder", "reward:3", "inverse:0.5"], 12)
    assert plan.terms == (
        LossTerm("autoencoder", 1.0, 0, 12),
        LossTerm("reward", 3.0, 0, 12),
        LossTerm("inverse", 0.5, 0, 12),
    )
    assert not plan.split
    assert plan.needs_transitions
    assert not parse_losses(["autoencoder"], 12).needs_transitions


def test_splits_share_and_add_up():
    plan = parse_losses(["autoencoder:1:120", "reward:1:-1", "inverse:5:2"], 122)
    assert [(term.start, term.stop) for term in plan.terms] == [(0, 120), (0, 120), (120, 122)]
    assert parse_losses(plan.texts, 122) == plan
    assert plan.texts == ("autoencoder:1:120", "reward:1:-1", "inverse:5:2")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["autoencodr"], r"unknown loss 'autoencodr'; did you mean autoencoder"),
        (["inverse:x"], "not 'inverse:x'"),
        (["inverse:-1"], "weight of at least 0"),
        (["inverse:nan"], "weight of at least 0"),
        (["inverse:1:2:3"], "not 'inverse:1:2:3'"),
        (["inverse", "inverse"], "names inverse twice"),
        (["inverse:1:10", "reward"], "reward has none; write reward:weight:dim"),
        (["inverse:1:-1", "reward:1:20"], "inverse is the first loss"),
        (["inverse:1:0", "reward:1:20"], "can't have 0 numbers"),
        (["inverse:1:5", "reward:1:10"], "add up to 15, and --state-dim is 20"),
        (["vae:1:10", "perceptual:1:10"], "one network"),
    ],
)
def test_unreadable_losses(texts, said):
    with pytest.raises(UserError, match=said):
        parse_losses(texts, 20)


@pytest.mark.parametrize(
    ("texts", "circumstances", "said"),
    [
        (["autoencoder", "vae"], {}, "autoencoder and vae are two ways"),
        (["dae", "vae"], {}, "dae and vae are two ways"),
        (["autoencoder"], {"model_type": "resnet"}, "resnet has no decoder for autoencoder"),
        (["vae"], {"model_type": "resnet"}, "resnet has no decoder for vae"),
        (["vae"], {"model_type": "linear"}, "a linear encoder has no vae"),
        (["perceptual"], {"model_type": "linear", "has_dae": True}, "a linear encoder has no vae"),
        (["inverse"], {"model_type": "resnet", "multi_view": True}, "resnet takes one view"),
        (["dae", "perceptual"], {"has_dae": True}, "leave out dae"),
        (["perceptual"], {}, "--path-to-dae"),
        (["vae"], {"has_dae": True}, "is for the loss perceptual"),
        (["triplet"], {}, "record it with --multi-view"),
        (["triplet", "autoencoder"], {"multi_view": True}, "leave out one of them"),
        (["triplet:1:10", "inverse:1:10"], {"multi_view": True}, "needs the whole state"),
        (["pca", "inverse"], {}, "name it alone"),
        (["inverse:0", "reward:0"], {}, "every loss has weight 0"),
    ],
)
def test_impossible_combinations(texts, circumstances, said):
    with pytest.raises(UserError, match=said):
        check(*texts, **circumstances)


def test_possible_combinations():
    check("triplet", "inverse", multi_view=True, model_type="resnet")
    check("vae", "inverse", model_type="mlp")
    check("random", "inverse")
    assert check("vae:1", "perceptual:3", has_dae=True).names == ("perceptual",)


def test_presets_are_the_registry_s():
    for name, entry in registered_srl.items():
        if entry.losses:
            plan = parse_losses(preset_losses(name, 200), 200)
            assert plan.names == entry.losses
            assert registered_name(plan) == name
    assert preset_losses("srl_splits", 200) == ["autoencoder:1:198", "reward:1:-1", "inverse:2:2"]
    weights = [term.weight for term in parse_losses(preset_losses("srl_combination", 200), 200).terms]
    assert weights == [1, 1, 2]
    with pytest.raises(UserError, match="needs a --state-dim of more than 20, not 20"):
        preset_losses("srl_3_splits", 20)
    with pytest.raises(UserError, match="ground_truth comes from the world"):
        preset_losses("ground_truth", 200)
    with pytest.raises(UserError, match=r"unknown representation \(--srl-model\) 'srl_split'"):
        preset_losses("srl_split", 200)


def test_other_combinations_have_a_name_that_training_knows():
    assert registered_name(parse_losses(["autoencoder", "priors"], 20)) == "srl_combination"
    assert registered_name(parse_losses(["autoencoder:1:10", "priors:1:10"], 20)) == "srl_splits"
    assert registered_name(parse_losses(["perceptual"], 20)) == "vae"


def test_every_loss_is_there():
    assert set(DEFAULT_WEIGHTS) == set(OBJECTIVES) | {"random", "pca"}
