"""Floor and table, which never move."""

import os

import pybullet_data

from environments.bullet import pybullet as p

FLOOR_POS = (0.0, 0.0, -1.0)
TABLE_POS = (0.5, 0.0, -0.82)


def load_background(client: int) -> int:
    """Load floor and table; returns the table's id."""
    data = pybullet_data.getDataPath()
    p.loadURDF(os.path.join(data, "plane.urdf"), FLOOR_POS, physicsClientId=client)
    table: int = p.loadURDF(os.path.join(data, "table", "table.urdf"), TABLE_POS, physicsClientId=client)
    return table
