"""Entering a representation into srl_models.yaml."""

from pathlib import Path

import pytest
import yaml

from srl3.errors import UserError
from state_representation.store.find import SRL_MODELS, read_srl_models
from state_representation.store.register import entry, register, section_text

MOBILE, KUKA = "MobileRobotGymEnv-v0", "KukaButtonGymEnv-v0"


def test_a_new_file_and_a_second_entry(tmp_path):
    file = tmp_path / "mine.yaml"
    register(file, MOBILE, "srl_splits", Path("logs/mobile_r/one"))
    register(file, MOBILE, "autoencoder", Path("logs/mobile_r/two"))
    register(file, MOBILE, "srl_splits", Path("logs/mobile_r/three"))
    assert yaml.safe_load(file.read_text()) == {
        MOBILE: {"log_folder": "logs/mobile_r/", "srl_splits": "three/", "autoencoder": "two/"}
    }


def test_everything_else_stays(tmp_path):
    file = tmp_path / "models.yaml"
    text = SRL_MODELS.read_text() + (
        f"\n{KUKA}:  # the arm\n    log_folder: logs/kuka\n    vae: old/  # a comment\n"
        f"\n# the robot\n{MOBILE}:\n  log_folder: logs/mobile/\n"
    )
    file.write_text(text)
    register(file, KUKA, "inverse", Path("elsewhere/new"))
    lines = file.read_text().splitlines()
    assert [line for line in lines if line not in text.splitlines()] == ["    inverse: ../../elsewhere/new/"]
    assert [line for line in text.splitlines() if line not in lines] == []
    assert lines.index("    inverse: ../../elsewhere/new/") == lines.index("    vae: old/  # a comment") + 1
    register(file, KUKA, "vae", Path("logs/kuka/newer"))
    register(file, MOBILE, "vae", Path("logs/mobile/robot"))
    sections = read_srl_models(file)
    assert sections[KUKA]["vae"] == "newer/"
    assert sections[MOBILE] == {"log_folder": "logs/mobile/", "vae": "robot/"}
    assert "# the robot" in file.read_text()


def test_what_is_printed_instead(tmp_path):
    values = entry(tmp_path / "none.yaml", MOBILE, "vae", Path("logs/mobile_r/one"))
    assert section_text(MOBILE, values) == f"{MOBILE}:\n  log_folder: logs/mobile_r/\n  vae: one/\n"


def test_what_can_t_be_edited_stays(tmp_path):
    file = tmp_path / "models.yaml"
    text = f"{MOBILE}: {{log_folder: logs/}}\n"
    file.write_text(text)
    with pytest.raises(UserError, match="laid out in a way that can't be edited here; add 'vae: one/'"):
        register(file, MOBILE, "vae", Path("logs/one"))
    assert file.read_text() == text
    with pytest.raises(UserError, match=r"can't be written"):
        register(tmp_path / "nowhere" / "models.yaml", MOBILE, "vae", Path("logs/one"))
