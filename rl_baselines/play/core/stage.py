"""The world that is watched: robots of all slots in one `VecEnv`, with the same seeds in each slot."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported

from environments.batched.world import BatchedWorld
from environments.config import PIXELS
from environments.registry import ThreadingType, canonical_id, find_env
from environments.scenes.parts import ScenePart
from environments.terms import ActionTerm, CommandTerm, ObservationTerm
from rl_baselines.play.policies.agents import Observations, rows_of
from rl_baselines.vec_envs.create import create_envs, restore_vec_env_state, vec_env_state
from rl_baselines.vec_envs.leaves import layers
from rl_baselines.vec_envs.wrappers.named import NONE, Wrappers
from srl3.errors import UserError

MAX_ROBOTS = 64
"""in all slots together"""
VIEW_SHAPE = (300, 300)
"""height and width of the pictures of a world that is not observed through them"""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a stage is made of."""

    env_id: str
    env_kwargs: Mapping[str, Any]
    """fields of the world's configuration"""
    slots: int = 1
    robots: int = 1
    """in each slot"""
    seed: int = 0
    """robot i of each slot begins with ``seed + i``"""
    pictures: bool = False
    """whether the world draws"""
    wrappers: Wrappers = NONE
    """around the world, as in the training of its policies"""


@dataclasses.dataclass(frozen=True)
class Ended:
    """An episode that ended in a step."""

    row: int
    """of the robot, among those of all slots"""
    episode_return: float
    length: int
    success: bool | None
    terms: dict[str, float]


class Stage:
    """Steps the robots of all slots together; those whose episode ends begin the next one in the same step.

    Raises:
        UserError: when the world can't be made, or not for so many.

    Attributes:
        observations: what all robots observe, as the world gives it.
        starts: ``(n,) bool``: whose observation is the first of an episode.
        returns: ``(n,)``: sums of rewards of the episodes in progress.
        lengths: ``(n,)``: their steps so far.
        rewards: ``(n,)`` of the last step.
    """

    def __init__(self, setting: Setting) -> None:
        total = setting.slots * setting.robots
        if total > MAX_ROBOTS:
            each = "" if setting.slots == 1 else f" ({setting.robots} of each of {setting.slots} policies)"
            raise UserError(f"{total} robots{each} are too many; {MAX_ROBOTS} are shown at most.")
        self.setting = setting
        self.env_id = canonical_id(setting.env_id)
        entry = find_env(self.env_id)
        if total > 1 and entry.threading is ThreadingType.NONE:
            raise UserError(f"{self.env_id} runs one at a time; show one robot in one slot.")
        kwargs = dict(setting.env_kwargs)
        if setting.pictures and kwargs.get("srl_model") != PIXELS and entry.load_config().has("img_shape"):
            kwargs["img_shape"] = VIEW_SHAPE
        self.venv: Any = create_envs(
            self.env_id,
            kwargs,
            n_envs=total,
            seed=setting.seed,
            normalize=False,
            raw_images=True,
            training=False,
            render_mode="rgb_array" if setting.pictures else None,
            wrappers=setting.wrappers,
        )
        self._worlds: Any = list(layers(self.venv))[-1]
        self.world: BatchedWorld | None = getattr(self.venv, "world", None)
        self.action_space = self.venv.action_space
        self._masked = is_masking_supported(self.venv)
        self.begin(setting.seed)

    @property
    def count(self) -> int:
        """Robots of all slots."""
        return int(self.venv.num_envs)

    def rows(self, slot: int) -> slice:
        """The robots of a slot."""
        return slice(slot * self.setting.robots, (slot + 1) * self.setting.robots)

    def begin(self, seed: int) -> None:
        """New episodes everywhere, drawn from ``seed``, in each slot the same."""
        self.setting = dataclasses.replace(self.setting, seed=seed)
        # `VecEnv.seed` would give each robot another seed
        self._worlds._seeds = [seed + row % self.setting.robots for row in range(self.count)]
        self.observations: Observations = self.venv.reset()
        self.starts = np.ones(self.count, np.bool_)
        self.returns, self.rewards = np.zeros(self.count), np.zeros(self.count)
        self.lengths = np.zeros(self.count, np.int64)

    def begin_slot(self, slot: int) -> None:
        """New episodes for the robots of a slot only; for all where wrappers are around all of them together."""
        if self.setting.wrappers.vec_env:  # which begin with all robots or none
            self.begin(self.setting.seed)
            return
        rows = np.arange(self.count)[self.rows(slot)]
        self.observations = self.venv.reset_rows(rows)
        self.starts[rows] = True
        self.returns[rows] = self.rewards[rows] = 0
        self.lengths[rows] = 0

    def observed(self, slot: int) -> Observations:
        """What the robots of a slot observe."""
        return rows_of(self.observations, self.rows(slot))

    def masks(self, slot: int) -> np.ndarray | None:
        """``(robots, actions) bool``: allowed actions, where the world has such."""
        return get_action_masks(self.venv)[self.rows(slot)] if self._masked else None

    def step(self, actions: np.ndarray) -> list[Ended]:
        """One step of all robots, whose actions are ``(n, …)``; the episodes that ended with it."""
        self.observations, rewards, self.starts, infos = self.venv.step(actions)
        self.rewards = np.asarray(rewards, np.float64)
        self.returns += self.rewards
        self.lengths += 1
        ended = [self._ended(int(row), infos[row]) for row in np.flatnonzero(self.starts)]
        self.returns[self.starts] = 0
        self.lengths[self.starts] = 0
        return ended

    def _ended(self, row: int, info: Mapping[str, Any]) -> Ended:
        episode = info.get("episode", {"r": self.returns[row], "l": self.lengths[row]})
        success = bool(info["is_success"]) if "is_success" in info else None
        terms = {name: float(value) for name, value in info.get("reward_terms", {}).items()} if self.world else {}
        return Ended(row, float(episode["r"]), int(episode["l"]), success, terms)

    # what the world says of itself

    @property
    def step_seconds(self) -> float:
        """Of simulated time in a step; of a world without time as films show it."""
        seconds = self.world.control_dt if self.world else self._ask("control_dt")
        return float(seconds) if seconds else 1 / int(find_env(self.env_id).load_class().metadata["render_fps"])

    def running_terms(self, row: int) -> dict[str, float]:
        """Sums by term of the reward over one robot's episode so far; empty where the world does not tell."""
        if self.world is None:
            return {}
        sums = self.world.arrays.to_numpy(self.world.episode_terms)[:, row].tolist()
        return dict(zip(self.world.term_names(), sums, strict=True))

    def observation_terms(self) -> list[ObservationTerm]:
        """What the numbers of an observation mean; empty where the world does not say."""
        terms = self.world.observation_terms() if self.world else self._ask("observation_terms")
        return [term for term in terms or [] if term.group == "policy"]

    def action_terms(self) -> list[ActionTerm]:
        """What the numbers of an action mean; empty where the world does not say."""
        return list((self.world.action_terms() if self.world else self._ask("action_terms")) or [])

    def scene_parts(self) -> list[ScenePart] | None:
        """What a viewer draws of each robot's world; None where it draws pictures."""
        found: list[ScenePart] | None = self.world.scene_parts() if self.world else self._ask("scene_parts")
        return found

    def scene_poses(self) -> np.ndarray:
        """``(n, parts, 7)``: where the parts are, metres, and how they are turned (w, x, y, z)."""
        poses = self.world.scene_poses() if self.world else np.stack(self.venv.env_method("scene_poses"))
        assert poses is not None
        return poses

    @property
    def can_be_pushed(self) -> bool:
        """Whether `push` does something."""
        return self.world is not None and self.world.can_be_pushed

    def push(self, velocity: Sequence[float], row: int | None = None) -> None:
        """Change the velocity of a robot's base, or of all robots', by ``(3,)`` m/s."""
        assert self.world is not None
        self.world.push(slice(None) if row is None else slice(row, row + 1), velocity)

    def command_terms(self) -> list[CommandTerm]:
        """What a person may command the robots to do; empty in a world without commands."""
        return [] if self.world is None else self.world.command_terms()

    def command(self, row: int) -> list[float]:
        """What a robot is commanded to do now, in the units of `command_terms`."""
        return [] if self.world is None else self.world.commands(slice(row, row + 1))[0].tolist()

    def set_command(self, values: Sequence[float] | None) -> None:
        """Let all robots follow these commands; None: the world draws its own again."""
        assert self.world is not None
        self.world.set_command(values)

    def images(self) -> Sequence[np.ndarray | None]:
        """A picture of each robot, ``(H, W, 3) uint8``; None where the world draws none."""
        return list(self.venv.get_images())

    def save(self) -> dict[str, Any]:
        """All that `restore` needs, as a tree of plain values and arrays."""
        return {
            "envs": vec_env_state(self.venv),
            "returns": self.returns,
            "lengths": self.lengths,
            "starts": self.starts,
            "observations": dict(self.observations) if isinstance(self.observations, Mapping) else self.observations,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to where `save` was called on a stage of the same setting."""
        restore_vec_env_state(self.venv, state["envs"])
        self.returns, self.lengths = np.array(state["returns"]), np.array(state["lengths"])
        self.starts, self.observations = np.array(state["starts"]), state["observations"]

    def close(self) -> None:
        """End the world's engines."""
        self.venv.close()

    def _ask(self, name: str) -> Any:
        """An attribute of the first robot's world, or what its method of that name gives; None without."""
        try:
            value = self.venv.get_attr(name, indices=0)[0]
        except AttributeError:
            return None
        return self.venv.env_method(name, indices=0)[0] if callable(value) else value
