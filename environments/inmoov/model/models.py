"""The URDF files of the InMoov worlds: where they are, what they hold, and how they are loaded."""

import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from environments.inmoov.model.body import body
from environments.inmoov.model.shapes import urdf_text
from environments.inmoov.scenery import plant, table
from srl3.errors import UserError

_ALL_ASSETS = Path(__file__).parents[2] / "assets"
ASSETS = _ALL_ASSETS / "inmoov"
BUTTON_URDF = _ALL_ASSETS / "button" / "button.urdf"
ROBOT_URDF = ASSETS / "inmoov.urdf"
PLANT_URDF = ASSETS / "plant.urdf"
TABLE_URDF = ASSETS / "table.urdf"


def urdf_files() -> dict[Path, str]:
    """Every URDF file and its text, from the tables of links and joints."""
    made_by = "written by python -m environments.inmoov.urdf"
    return {
        ROBOT_URDF: urdf_text("inmoov", f"The InMoov humanoid of primitive shapes; {made_by}", *body()),
        PLANT_URDF: urdf_text("plant", f"A potted plant with one ripe fruit; {made_by}", *plant()),
        TABLE_URDF: urdf_text("table", f"A table; {made_by}", *table()),
    }


def load_model(path: Path, client: int, welded: Mapping[str, float] | None = None) -> int:
    """Load a URDF file into a physics client, its base fixed to the world; returns its body.

    Args:
        path: the file.
        client: the physics client.
        welded: revolute joints to make rigid, and the angle of each, radians. Links keep their numbers.

    Raises:
        UserError: when the file is missing.
    """
    if not path.is_file():
        raise UserError(f"the model {path} is missing; install SRL3 again, or get the file back from its repository.")
    if not welded:
        return _load(path, client)
    tree = ET.parse(path)
    for joint in tree.iter("joint"):
        name = joint.attrib["name"]
        if name in welded:
            axis, origin = joint.find("axis"), joint.find("origin")
            assert axis is not None
            assert origin is not None
            joint.set("type", "fixed")
            # roll, pitch and yaw, because every axis is one of the coordinate axes
            origin.set("rpy", " ".join(f"{float(part) * welded[name]:.9g}" for part in axis.attrib["xyz"].split()))
    with tempfile.TemporaryDirectory(prefix="inmoov") as folder:
        copy = Path(folder) / path.name
        tree.write(copy)
        return _load(copy, client)


def _load(path: Path, client: int) -> int:
    from environments.bullet import pybullet as p

    flags = p.URDF_USE_INERTIA_FROM_FILE  # or else the engine makes inertias from the solid shapes
    return int(p.loadURDF(str(path), useFixedBase=True, flags=flags, physicsClientId=client))
