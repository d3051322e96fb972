"""``list ENV`` and ``enjoy --show-terms``: what a world's numbers mean."""

import json
import re

import pytest

from rl_baselines import enjoy
from rl_baselines import list as listing
from srl3.errors import UserError
from tests.rl_baselines.export.conftest import Made


def test_list_prints_the_terms_of_a_world(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main(["VelocityFlat"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^command +\d+:\d+ +m/s, rad/s +body", said, re.M)
    assert re.search(r"FR_hip +-3 to 3 +0\.3 +\S+ +rad +FR_hip +-0\.863 to 0\.863 +80 +2", said)
    assert "observation (critic)" in said
    assert "a step is 20 ms" in said


def test_list_takes_a_worlds_flags(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["KukaButtonGymEnv-v0", "-c", "-joints", "--env-kwargs", "srl_model:joints", "--json"]
    assert listing.main(flags) == 0
    found = json.loads(capsys.readouterr().out)
    assert [term["joint"] for term in found["actions"]] == [f"J{index}" for index in range(7)]
    assert found["observations"][0]["elements"][0] == "J0"


def test_flags_of_a_world_need_one() -> None:
    with pytest.raises(UserError, match="name one"):
        listing.main(["-c"])
    with pytest.raises(UserError, match="unknown environment"):
        listing.main(["NoSuchWorld-v0"])


def test_enjoy_shows_terms_and_plays_nothing(original: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert enjoy.main(["--log-dir", str(original.run.path), "--show-terms"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"agent_pos_from_target +0:2 +m +world +x y", said)
    assert "return" not in said
