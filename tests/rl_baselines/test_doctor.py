"""``srl3 doctor``: what it says of this installation, and of one that lacks something."""

import ast
import importlib.metadata
import json
from pathlib import Path

import pytest

from rl_baselines import doctor
from srl3.errors import UserError
from srl3.runtime import installation

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def drawing() -> dict[str, str]:
    return installation.rendering()


def test_every_extra_is_named_with_its_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    setup = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    extras = next(ast.literal_eval(line.value) for line in setup.body if ast.unparse(line).startswith("EXTRAS"))
    assert set(found["extras"]) == set(extras) - {"dev"}
    assert {need["name"] for need in found["extras"]["search"]["needs"]} == {"optuna", "SQLAlchemy", "cmaes", "plotly"}
    assert found["extras"]["visdom"]["here"]
    assert {"torch", "numpy"} <= {need["name"] for need in found["core"]}
    assert found["machine"]["cores"] >= 1
    assert "cpu" in found["machine"]["devices"]


def test_what_draws_is_tried(drawing: dict[str, str]) -> None:
    assert drawing["PyBullet, without a display"] == "works"
    assert drawing["films (ffmpeg)"] == "works"
    assert drawing["windows (OpenCV)"] == "this OpenCV is built without windows"


def test_what_is_missing_is_named_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawing: dict[str, str]
) -> None:
    _install(
        tmp_path,
        monkeypatch,
        "Requires-Dist: numpy>=2\nRequires-Dist: PyYAML>=99\n"
        "Provides-Extra: moon\nRequires-Dist: moon-lander<2; extra == 'moon'\n",
    )
    monkeypatch.setattr(installation, "rendering", lambda: drawing)
    found = doctor.examine()
    assert [(need["name"], need["fits"]) for need in found["core"]] == [("numpy", True), ("PyYAML", False)]
    assert not found["extras"]["moon"]["here"]
    said = doctor.in_words(found)
    assert "not >=99: PyYAML" in said
    assert "missing  moon         pip install -e '.[moon]' --constraint constraints.txt" in said
    assert doctor.main(["--json"]) == 1


def test_a_folder_that_was_never_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(UserError, match="SRL3 is not installed in this Python; run: pip install"):
        doctor.examine()


def _install(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    """Put an SRL3 with these requirements before the real one."""
    meta = folder / "srl3-9.9.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: srl3\nVersion: 9.9\n{lines}", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
