"""The physics client with floor and humanoid, and the snapshot that every episode starts from."""

import os

import pybullet_data

from environments.bullet import connect
from environments.bullet import pybullet as p
from environments.inmoov.config import InmoovConfig
from environments.inmoov.robot import InmoovRobot


class InmoovScene:
    """Everything that PyBullet simulates. Worlds add what stands before the robot, then call `settle`.

    The snapshot holds no contact, overlapping pairs are sorted, and the broadphase is Bullet's simple one, which keeps
    nothing but the pairs that overlap now (the usual one forgets the others some at a time, so that the order in which
    contacts are solved depends on earlier episodes): `restore` needs all three to be exact.

    Args:
        config: the world's parameters.
        finger_bend: how far the right hand's fingers are bent at the start, radians.
        window: simulate inside PyBullet's window instead of without one.

    Raises:
        UserError: when a window is asked for and there is no display.
    """

    def __init__(self, config: InmoovConfig, finger_bend: float, window: bool = False) -> None:
        self.client = connect(window)
        p.resetSimulation(p.RESET_USE_SIMPLE_BROADPHASE, physicsClientId=self.client)
        p.setPhysicsEngineParameter(
            numSolverIterations=config.solver_iterations, deterministicOverlappingPairs=1, physicsClientId=self.client
        )
        p.setTimeStep(config.timestep, physicsClientId=self.client)
        p.setGravity(0, 0, config.gravity, physicsClientId=self.client)
        p.loadURDF(os.path.join(pybullet_data.getDataPath(), "plane.urdf"), physicsClientId=self.client)
        self._config = config
        self._snapshot = -1
        self.robot = InmoovRobot(self.client, config, finger_bend)

    def settle(self) -> None:
        """Bring everything to rest and take the snapshot."""
        for _ in range(self._config.settle_steps):
            p.stepSimulation(self.client)
        self._snapshot = p.saveState(physicsClientId=self.client)

    def restore(self) -> None:
        """Bring everything back to rest in its first pose."""
        p.restoreState(self._snapshot, physicsClientId=self.client)
        self.robot.go_home()

    def step(self) -> None:
        """Advance the physics by one action's time."""
        for _ in range(self._config.physics_steps_per_action):
            p.stepSimulation(self.client)

    def close(self) -> None:
        """Free the physics client; a second call does nothing."""
        if self.client >= 0:
            p.disconnect(self.client)
            self.client = -1
