import pytest

from srl3.errors import UserError
from state_representation.registry import SRLType, find_srl, registered_srl

KUKA = "KukaButtonGymEnv-v0"


def test_names_and_types() -> None:
    given = {name for name, entry in registered_srl.items() if entry.srl_type is SRLType.ENVIRONMENT}
    assert given >= {"raw_pixels", "ground_truth", "joints", "joints_position"}
    assert len(registered_srl) >= 24
    assert registered_srl["srl_combination"].losses == ("autoencoder", "reward", "inverse")
    assert not any(registered_srl[name].losses for name in given)


def test_joints_are_for_arms_and_their_variants() -> None:
    find_srl("joints", [KUKA])
    find_srl("joints", ["KukaRandButtonGymEnv-v0", KUKA])
    with pytest.raises(UserError, match="joints exists only for KukaButtonGymEnv-v0"):
        find_srl("joints", ["MobileRobotGymEnv-v0"])
    assert registered_srl["autoencoder"].allows(["MobileRobotGymEnv-v0"])


def test_unknown_name_gets_close_matches() -> None:
    with pytest.raises(UserError, match=r"unknown representation 'autoencodr'; did you mean .*autoencoder"):
        find_srl("autoencodr")
