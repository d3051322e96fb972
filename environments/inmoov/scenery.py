"""What stands before the humanoid: a potted plant with one ripe fruit, and a table, as tables of shapes."""

from math import cos, pi, sin

from environments.inmoov.model.shapes import Joint, Link, Shape

STOOL_HEIGHT = 0.60
"""Height of the stool that the pot stands on, metres."""
STEM_TOP = 1.42
FRUIT_AT = (-0.10, 0.0, 1.18)
"""Centre of the ripe fruit from the plant's foot, metres."""
FRUIT_RADIUS = 0.035
"""A ripe tomato of 7 cm, metres."""
TABLE_TOP = 0.92
"""Height of the table's top, metres: a standing desk."""
TABLE_SIZE = (0.50, 0.80)
"""Extent of the table along x and y, metres."""

_LEAVES = (
    (0.98, 0.3, 0.13),
    (1.00, 2.6, 0.14),
    (1.03, 4.4, 0.13),
    (1.10, 1.2, 0.14),
    (1.12, 5.4, 0.12),
    (1.20, 0.2, 0.13),
    (1.24, 1.9, 0.12),
    (1.26, 4.5, 0.12),
    (1.34, 0.9, 0.11),
    (1.36, 5.3, 0.11),
    (1.38, 2.9, 0.10),
    (1.42, 4.0, 0.09),
)
"""Height (metres), direction (radians about z, none towards the ripe fruit) and length (metres) of each leaf."""
_UNRIPE = ((0.09, 0.05, 1.06), (0.03, -0.09, 1.16), (-0.06, 0.07, 0.98), (0.07, -0.06, 0.95))


def plant() -> tuple[list[Link], list[Joint]]:
    """The plant with its pot and stool. Only pot, stool and ripe fruit are solid: leaves and stems yield to a hand."""
    pot = STOOL_HEIGHT + 0.11
    fruit_x, _, fruit_z = FRUIT_AT
    shapes = [
        Shape("box", (0.26, 0.26, 0.03), (0, 0, STOOL_HEIGHT - 0.015), "wood", solid=True),
        *(
            Shape("box", (0.03, 0.03, STOOL_HEIGHT - 0.03), (x, y, STOOL_HEIGHT / 2 - 0.015), "wood")
            for x in (-0.1, 0.1)
            for y in (-0.1, 0.1)
        ),
        Shape("cylinder", (0.10, 0.22), (0, 0, pot), "clay", solid=True),
        Shape("cylinder", (0.085, 0.01), (0, 0, pot + 0.112), "dark"),
        Shape("cylinder", (0.010, STEM_TOP - pot - 0.1), (0, 0, (STEM_TOP + pot + 0.1) / 2), "leaf"),
        Shape("cylinder", (0.004, 0.10), (fruit_x / 2, 0, fruit_z + FRUIT_RADIUS + 0.005), "leaf", (0, pi / 2, 0)),
        *(Shape("sphere", (0.024,), at, "unripe") for at in _UNRIPE),
    ]
    for height, turn, length in _LEAVES:
        middle = (0.5 * length * cos(turn), 0.5 * length * sin(turn), height - 0.015)
        shapes.append(Shape("box", (length, 0.055, 0.004), middle, "leaf", (0.5, 0.3, turn)))
    ripe = Shape("sphere", (FRUIT_RADIUS,), (0, 0, 0), "ripe", solid=True)
    links = [
        Link("plant", 10.0, (0, 0, 0), (0.26, 0.26, STEM_TOP), tuple(shapes)),
        Link("fruit", 0.15, (0, 0, 0), (0.07, 0.07, 0.07), (ripe,)),
    ]
    return links, [Joint("fruit_stalk", "plant", "fruit", FRUIT_AT)]


def table() -> tuple[list[Link], list[Joint]]:
    """A table whose top's middle is above the origin."""
    depth, width = TABLE_SIZE
    leg = TABLE_TOP - 0.03
    legs = [
        Shape("box", (0.04, 0.04, leg), (x, y, leg / 2), "grey")
        for x in (-depth / 2 + 0.04, depth / 2 - 0.04)
        for y in (-width / 2 + 0.04, width / 2 - 0.04)
    ]
    top = Shape("box", (depth, width, 0.03), (0, 0, TABLE_TOP - 0.015), "wood", solid=True)
    return [Link("table", 15.0, (0, 0, 0), (depth, width, 0.03), (top, *legs))], []
