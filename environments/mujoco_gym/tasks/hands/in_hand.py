"""`InHandTask`: a cube on the upturned palm: how it is put there, kept and dropped."""

import mujoco
import torch

from environments.mujoco_gym.maths import faces_of, inverse, normalised, product, rotate, total
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.robots.objects import add_cube
from environments.mujoco_gym.robots.robot import Robot
from environments.mujoco_gym.task import Terms
from environments.mujoco_gym.tasks.hands.hand_task import HandTask
from environments.mujoco_gym.tasks.hands.in_hand_config import InHandConfig

CUBE = "cube"
FOR_CRITIC = ("joint_vel", "fingertips", "cube_lin_vel", "cube_ang_vel", "touch_forces")
"""terms that only a value function sees"""
FACES = (*(f"order {order} {part}" for order in (4, 3, 2, 1) for part in ("real", "imaginary")), "order 0")
"""the numbers of `faces_of`"""


class InHandTask(HandTask):
    """N hands with a cube each."""

    config: InHandConfig
    rewards_times_dt = True
    object_name = CUBE

    def build_spec(self, robot: Robot) -> mujoco.MjSpec:
        spec = robot.spec()
        config = self.config
        add_cube(spec, CUBE, config.cube_size / 2, config.cube_mass, (0.08, 0.0, 0.25))
        return spec

    def setup(self) -> None:
        super().setup()
        self.backend.read("actuator_force")
        self._hold = self.constant(self.config.hold_place)

    # episodes

    def first_turn(self, draws: Draws) -> torch.Tensor:
        """``(K, 4)``: how the cube is turned at the start of an episode, in the palm's frame."""
        return uniform_turn(draws, "cube.turn")

    def place(self, draws: Draws) -> None:
        """The hand near its default pose, at rest; the cube over its place on the palm."""
        config, joints = self.config, len(self.robot.joints)
        position = self.default_joint_pos + config.joint_noise * draws.normal("joint_pos", joints)
        self.set_robot(torch.minimum(torch.maximum(position, self.joint_low), self.joint_high))
        self.backend.forward(self.rows)
        self.state_changed()
        offset = draws.uniform("cube.place", 3, -config.start_noise, config.start_noise)
        above = self._hold + self.constant([0, 0, config.start_height])
        place = self.palm_pos + rotate(self.palm_quat, above + offset)
        self.put_object(place, normalised(product(self.palm_quat, self.first_turn(draws))))

    def begin(self, draws: Draws) -> None:
        self.target_where_it_is()

    # what several terms read

    @property
    def cube_error(self) -> torch.Tensor:
        """``(K, 3)``: the cube from its place on the palm, palm frame, m"""
        return self._cached("cube_error", lambda: self.palm_frame(self.object_pos[:, None])[:, 0] - self._hold)

    @property
    def dropped(self) -> torch.Tensor:
        """``(K,) bool``"""
        return self._cached("dropped", lambda: self.object_pos[:, 2] < self.config.drop_height)

    @property
    def joint_torques(self) -> torch.Tensor:
        """``(K, J)``: of the joints' actuators in the last substep, N m"""
        return self.field("actuator_force")[:, self.actuator_of_joint]

    def falling_off(self, distance: torch.Tensor, free: float, margin: float) -> torch.Tensor:
        """``(K,)``: 1 up to ``free``, then falling evenly, to ``value_at_margin`` at ``margin`` beyond, down to 0."""
        beyond = (distance - free).clamp(min=0) / margin
        return (1 - (1 - self.config.value_at_margin) * beyond).clamp(min=0)

    # terms

    def cube_observations(self) -> Terms:
        """Terms of the groups of both tasks, by name."""
        return {
            "joint_pos": self.joint_pos,
            "joint_error": self.joint_pos - self.joint_targets(self.target),
            "cube_pos": self.cube_error,
            "cube_faces": faces_of(self.object_quat),
            "touch": self.touches.float(),
            "actions": self.actions.newest,
            "joint_vel": self.joint_vel,
            "fingertips": self.palm_frame(self.fingertip_positions).flatten(1),
            "cube_lin_vel": self.object_lin_vel,
            "cube_ang_vel": self.object_ang_vel_world,
            "touch_forces": self.touch_forces,
        }

    def compute_task_rewards(self) -> Terms:
        config, actions = self.config, self.actions
        distance = torch.sqrt(total(self.cube_error * self.cube_error))
        first = actions.newest - actions.before
        second = actions.newest - 2 * actions.before + actions.earlier
        posture = self.joint_pos - self.default_joint_pos
        first, second = total(torch.stack([first * first, second * second], 2)).unbind(1)
        power = (self.joint_vel * self.joint_torques).abs()
        posture, power = total(torch.stack([posture * posture, power], 2)).unbind(1)
        return {
            "position": self.falling_off(distance, config.position_free, config.position_margin),
            "dropped": self.dropped.float(),
            "hand_pose": posture,
            "action_rate": first + second,
            "energy": power,
        }

    def compute_terminations(self) -> Terms:
        return {"dropped": self.dropped}

    def observation_meaning(self, term: str) -> tuple[str, str, tuple[str, ...]]:
        axes = ("x", "y", "z")
        rows = tuple(f"row {row} {axis}" for row in (2, 3) for axis in axes)
        known = {
            "cube_pos": ("m", "palm", axes),
            "turn_to_goal": ("", "world", rows),
            "turn_vector": ("rad", "world", axes),
            "cube_faces": ("", "world", FACES),
            "fingertips": ("m", "palm", tuple(f"{name}_{axis}" for name in self.finger_names for axis in axes)),
            "cube_lin_vel": ("m/s", "world", axes),
            "cube_ang_vel": ("rad/s", "world", axes),
        }
        return known.get(term) or super().observation_meaning(term)


def uniform_turn(draws: Draws, purpose: str) -> torch.Tensor:
    """``(K, 4)``: turns, all equally likely."""
    return normalised(draws.normal(purpose, 4))


def turn_between(start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """``(K, 4)``: the turn, in the world's frame, that takes the orientation ``start`` to ``end``."""
    return product(end, inverse(start))
