"""The physics client with floor, table, arm and buttons, and the snapshot that every episode starts from."""

from pathlib import Path

from environments.bullet import connect
from environments.bullet import pybullet as p
from environments.kuka_gym.config import KukaButtonConfig
from environments.kuka_gym.pictures.background import load_background
from environments.kuka_gym.robot import N_ARM_JOINTS, KukaArm

BUTTON_URDF = Path(__file__).parents[1] / "assets" / "button" / "button.urdf"
CAP_LINK = 0
Point = tuple[float, float, float]


class KukaScene:
    """Everything that PyBullet simulates. It is loaded and brought to rest once; `restore` starts an episode.

    The snapshot holds no contact, and overlapping pairs are sorted: both are needed for `restore` to be exact.

    Args:
        config: the world's parameters.
        window: simulate inside PyBullet's window instead of without one.

    Raises:
        UserError: when a window is asked for and there is no display.
    """

    def __init__(self, config: KukaButtonConfig, window: bool = False) -> None:
        self.client = client = connect(window)
        p.setPhysicsEngineParameter(
            numSolverIterations=config.solver_iterations, deterministicOverlappingPairs=1, physicsClientId=client
        )
        p.setTimeStep(config.timestep, physicsClientId=client)
        p.setGravity(0, 0, config.gravity, physicsClientId=client)
        self.table = load_background(client)
        self.buttons = self._load_buttons(config)
        self.button = self.buttons[0]
        """The button whose cap `contacts` looks for."""
        self.arm = KukaArm(client, config)
        for button in self.buttons:
            self._tie_to_arm(button)
        for _ in range(config.settle_steps):
            p.stepSimulation(client)
        self.loose_bodies = self._load_loose_bodies(config)
        self._snapshot: int = p.saveState(physicsClientId=client)

    def restore(self, *button_positions: Point) -> None:
        """Bring arm and buttons to rest in their first pose, with the foot of each button at its position."""
        p.restoreState(self._snapshot, physicsClientId=self.client)
        for button, position in zip(self.buttons, button_positions, strict=True):
            self.move_button(button, position)
        self.button = self.buttons[0]
        self.arm.go_home()

    def move_button(self, button: int, position: Point) -> None:
        """Put the foot of ``button`` at ``position``, metres."""
        p.resetBasePositionAndOrientation(button, position, (0, 0, 0, 1), physicsClientId=self.client)

    def _load_buttons(self, config: KukaButtonConfig) -> list[int]:
        return [self._load_button(config.button_pos, config.button_force)]

    def _load_button(self, position: Point, force: float) -> int:
        """A button whose cap is pushed up with ``force`` (newtons)."""
        button: int = p.loadURDF(str(BUTTON_URDF), position, useFixedBase=True, physicsClientId=self.client)
        p.setJointMotorControl2(
            button, CAP_LINK, p.POSITION_CONTROL, targetPosition=0, force=force, physicsClientId=self.client
        )
        return button

    def _load_loose_bodies(self, config: KukaButtonConfig) -> list[int]:
        """Load what lies about; returns the ids. It must touch nothing: the snapshot is taken next."""
        return []

    def _tie_to_arm(self, button: int) -> None:
        """Keep arm and button in one simulation island for ever, by a gear that transmits no force.

        Bullet sorts constraints by island, and merges the islands of bodies that came near each other a while
        ago; without the gear, the order in which motors are solved, and so the last bits of every position, would
        depend on earlier episodes.
        """
        gear = p.createConstraint(
            self.arm.body,
            N_ARM_JOINTS - 1,
            button,
            CAP_LINK,
            p.JOINT_GEAR,
            (0, 0, 1),
            (0, 0, 0),
            (0, 0, 0),
            physicsClientId=self.client,
        )
        p.changeConstraint(gear, gearRatio=1, maxForce=0, physicsClientId=self.client)

    def step(self) -> None:
        """Advance the physics by one timestep."""
        p.stepSimulation(self.client)

    def contacts(self) -> tuple[bool, bool]:
        """Whether the arm touches the cap of `button`, and whether it touches the table."""
        cap = table = False
        for contact in p.getContactPoints(self.arm.body, physicsClientId=self.client):
            if contact[2] == self.table:
                table = True
            elif contact[2] == self.button and contact[4] == CAP_LINK:
                cap = True
        return cap, table

    def close(self) -> None:
        """Free the physics client; a second call does nothing."""
        if self.client >= 0:
            p.disconnect(self.client)
            self.client = -1
