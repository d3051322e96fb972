"""Recording trajectories: a policy acts in worlds of its own, and every step is kept."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from environments.flags import make_config
from environments.registry import find_env
from rl_baselines.acting.actor import Actor
from rl_baselines.recordings.recording import CUT, Recording, Trajectory, check_count
from rl_baselines.recordings.robots import Robots, make_robots
from srl3.runtime.seeding import kept_generators

MAX_STEPS = 1000
"""of a trajectory; a longer episode is cut there"""
MAX_BYTES = 64_000_000
"""of poses and pictures of one recording, before it is compressed; all trajectories are cut where they reach it"""


class Recorder:
    """Records the same episodes of one policy after the other.

    Args:
        env_id: key of ``registered_env``.
        env_kwargs: fields of the world's configuration.
        count: trajectories of each recording.
        seed: trajectory i begins with ``seed + i``, every time.
        deterministic: the most probable actions, or drawn ones.

    Raises:
        UserError: when the world can't be made, or for too many trajectories.
    """

    def __init__(
        self, env_id: str, env_kwargs: Mapping[str, Any], count: int, *, seed: int = 0, deterministic: bool = True
    ) -> None:
        check_count(count)
        self.env_id = env_id
        self.env_kwargs = dict(env_kwargs)
        self.count = count
        self.seed = seed
        self.deterministic = deterministic
        self._control_steps = 0
        self._robots: Robots = make_robots(env_id, env_kwargs, count)

    def stay_at(self, control_steps: int) -> None:
        """Keep a curriculum of the world where it is after so many control steps of each robot."""
        self._control_steps = control_steps

    def record(self, actor: Actor, algo: str, trained_steps: int) -> Recording:
        """One episode of each trajectory, at most `MAX_STEPS` of it. No generator of the process moves.

        Args:
            actor: begins anew, in as many robots as are recorded at once.
            algo: how it was trained.
            trained_steps: environment steps that it has learned from.
        """
        robots = self._robots
        most = MAX_BYTES * robots.count // self.count
        found: list[Trajectory] = []
        with kept_generators():
            actor.seed(self.seed)
            for first in range(0, self.count, robots.count):
                robots.stay_at(self._control_steps)
                found += _episodes(actor, robots, self.seed + first, self.deterministic, most)
        actions = robots.action_terms()
        choices = actions[0].choices if len(actions) == 1 else ()
        seconds = robots.control_dt or 1 / float(find_env(self.env_id).load_class().metadata["render_fps"])
        return Recording(
            env_id=self.env_id,
            env_kwargs=make_config(self.env_id, self.env_kwargs).as_trained(self._control_steps).as_dict(),
            algo=algo,
            trained_steps=trained_steps,
            deterministic=self.deterministic,
            seed=self.seed,
            step_seconds=seconds,
            trajectories=found,
            term_names=robots.term_names(),
            action_names=choices or tuple(term.name for term in actions),
            first_choice=int(actions[0].low) if choices else None,
            parts=robots.parts,
        )

    def close(self) -> None:
        """End the worlds."""
        self._robots.close()


class _Steps:
    """What one robot has done so far in its episode."""

    def __init__(self) -> None:
        self.actions: list[np.ndarray] = []
        self.rewards: list[float] = []
        self.terms: list[np.ndarray] = []
        self.poses: list[np.ndarray] = []
        self.pictures: list[bytes] = []

    def see(self, poses: np.ndarray | None, picture: np.ndarray | None) -> int:
        """Keep a moment; how many bytes that takes."""
        if poses is not None:
            self.poses.append(poses.astype(np.float32))
            return self.poses[-1].nbytes
        if picture is not None:
            self.pictures.append(_as_png(picture))
            return len(self.pictures[-1])
        return 0

    def trajectory(self, ending: str, success: bool | None) -> Trajectory:
        return Trajectory(
            np.stack(self.actions),
            np.array(self.rewards),
            np.stack(self.terms),
            ending,
            success,
            np.stack(self.poses) if self.poses else None,
            tuple(self.pictures),
        )


def _episodes(actor: Actor, robots: Robots, seed: int, deterministic: bool, most: int) -> list[Trajectory]:
    """One episode of each robot, until all together take more than ``most`` bytes."""
    observations = robots.begin(seed)
    actor.reset()
    steps = [_Steps() for _ in range(robots.count)]
    going = list(range(robots.count))
    ends: dict[int, tuple[str, bool | None]] = {}
    size = _see(robots, steps, going)
    starts = np.ones(robots.count, np.bool_)
    while going:
        masks = robots.masks() if actor.uses_masks else None
        actions = np.asarray(actor.act(observations, starts, deterministic, masks))
        starts = np.zeros(robots.count, np.bool_)
        stepped = robots.step(actions)
        observations = stepped.observations
        for row in going:
            steps[row].actions.append(actions[row])
            steps[row].rewards.append(float(stepped.rewards[row]))
            steps[row].terms.append(stepped.terms[row])
        size += _see(robots, steps, going)
        ends |= {row: end for row, end in stepped.endings.items() if row in going}
        if size > most or len(steps[going[0]].rewards) >= MAX_STEPS:
            ends |= {row: (CUT, None) for row in going if row not in ends}
        going = [row for row in going if row not in ends]
    return [each.trajectory(*ends[row]) for row, each in enumerate(steps)]


def _see(robots: Robots, steps: list[_Steps], going: list[int]) -> int:
    """Keep this moment of those whose episode goes on; how many bytes that takes."""
    poses = robots.poses() if robots.parts else None
    pictures = robots.pictures() if robots.draws else None
    return sum(
        steps[row].see(None if poses is None else poses[row], None if pictures is None else pictures[row])
        for row in going
    )


def _as_png(picture: np.ndarray) -> bytes:
    done, encoded = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR))
    assert done
    return encoded.tobytes()
