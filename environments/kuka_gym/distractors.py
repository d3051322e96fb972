"""The scene with loose bodies: ducks, toy bricks and cubes that lie about, and a ball."""

import math
import os
from typing import NamedTuple

import numpy as np
import pybullet_data

from environments.bullet import pybullet as p
from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.scene import KukaScene, Point
from environments.kuka_gym.variant_configs import KukaRandButtonConfig


class Kind(NamedTuple):
    """A kind of distractor: a mesh of pybullet_data to see, a box to touch. Lengths in metres."""

    mesh: str
    scale: float
    roll: float
    """Turn about x that sets the mesh upright, radians."""
    centre: Point
    """Centre of the upright mesh."""
    half_size: Point
    """Half the box."""
    color: tuple[float, float, float]
    """Red, green and blue, 0 to 1."""

    @property
    def orientation(self) -> tuple[float, float, float, float]:
        """Quaternion (x, y, z, w) that sets the mesh upright."""
        return (math.sin(self.roll / 2), 0.0, 0.0, math.cos(self.roll / 2))


KINDS = (
    Kind("duck.obj", 0.05, math.pi / 2, (-0.0067, -0.0019, 0.0435), (0.0414, 0.0288, 0.0385), (1.0, 1.0, 0.4)),
    Kind("lego/lego.obj", 0.1, math.pi / 2, (0.0159, 0.0159, 0.0115), (0.0159, 0.0159, 0.0115), (1.0, 1.0, 0.4)),
    Kind("cube.obj", 0.05, 0.0, (0.0, 0.0, 0.0), (0.025, 0.025, 0.025), (1.0, 1.0, 1.0)),
)
MASS = 0.1
"""Of every distractor, kilograms."""
BALL = "sphere_small.urdf"
_AIR = 0.001
"""Between a distractor and the table when it is laid down, metres."""


class DistractorScene(KukaScene):
    """`KukaScene` with loose bodies.

    Bullet solves several simulation islands in one batch, whose iterations end when the batch as a whole is accurate
    enough, and which islands share a batch depends on which bodies came near each other a while ago. So here every
    batch gets all its iterations, and no step depends on earlier episodes. Boxes, too, are for that: the contacts of
    compound shapes are not solved in a fixed order.
    """

    def _load_loose_bodies(self, config: KukaButtonConfig) -> list[int]:
        assert isinstance(config, KukaRandButtonConfig)
        p.setPhysicsEngineParameter(solverResidualThreshold=0, physicsClientId=self.client)
        self.kinds = [KINDS[i % len(KINDS)] for i in range(config.n_distractors)]
        self.distractors = [self._load_distractor(kind, (2.0, 0.3 * i, 2.0)) for i, kind in enumerate(self.kinds)]
        path = os.path.join(pybullet_data.getDataPath(), BALL)
        self.ball: int = p.loadURDF(path, config.ball_pos, physicsClientId=self.client)
        return [*self.distractors, self.ball]

    def _load_distractor(self, kind: Kind, position: Point) -> int:
        collision = p.createCollisionShape(p.GEOM_BOX, halfExtents=kind.half_size, physicsClientId=self.client)
        visual = p.createVisualShape(
            p.GEOM_MESH,
            fileName=os.path.join(pybullet_data.getDataPath(), kind.mesh),
            meshScale=[kind.scale] * 3,
            rgbaColor=(*kind.color, 1),
            visualFramePosition=[-value for value in kind.centre],
            visualFrameOrientation=kind.orientation,
            physicsClientId=self.client,
        )
        body: int = p.createMultiBody(MASS, collision, visual, position, physicsClientId=self.client)
        return body

    def lay(self, places: np.ndarray, yaws: np.ndarray, height: float) -> None:
        """Put the distractors just above a table of this height: ``places`` (n, 2) metres, ``yaws`` (n,) radians."""
        p.performCollisionDetection(self.client)  # forgets the contacts of the last episode
        for body, kind, (x, y), yaw in zip(self.distractors, self.kinds, places.tolist(), yaws.tolist(), strict=True):
            p.resetBasePositionAndOrientation(
                body,
                (x, y, height + kind.half_size[2] + _AIR),
                p.getQuaternionFromEuler((0.0, 0.0, yaw)),
                physicsClientId=self.client,
            )

    def kick_ball(self, force: Point) -> None:
        """Push the ball's centre with ``force`` (newtons) in the next step."""
        centre = p.getBasePositionAndOrientation(self.ball, physicsClientId=self.client)[0]
        p.applyExternalForce(self.ball, -1, force, centre, p.WORLD_FRAME, physicsClientId=self.client)
