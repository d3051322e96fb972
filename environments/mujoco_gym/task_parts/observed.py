"""What robots in MuJoCo observe: the task's terms by group, with their noise, delay and history, or pictures."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch

from environments.batched.world import ALL, Rows
from environments.config import PIXELS, EnvConfig
from environments.mujoco_gym.config import TaskConfig
from environments.mujoco_gym.randomness import Draws
from environments.mujoco_gym.task_parts.checked_terms import check_groups
from environments.mujoco_gym.task_parts.snapshots import Snapshots
from environments.mujoco_gym.terms.meaning import OWN_TERMS
from environments.mujoco_gym.terms.observations import ObservationGroup
from environments.terms import POLICY, ObservationTerm, laid_out
from srl3.errors import UserError, unknown_name

Terms = dict[str, torch.Tensor]


class Observed(Snapshots):
    """The part of a task that shows what it computes."""

    config: TaskConfig
    _original: TaskConfig

    # what a task provides

    @abstractmethod
    def compute_observations(self) -> dict[str, Terms]:
        """Raw terms by group and name, ``(N, k) float32`` each."""

    def observation_meaning(self, term: str) -> tuple[str, str, tuple[str, ...]]:
        """Unit, coordinate frame and names of the elements of an observation term; empty where there are none."""
        joints = self.robot.joints
        known = {"joint_pos": ("rad", "", joints), "joint_vel": ("rad/s", "", joints), "actions": ("", "", joints)}
        return known.get(term, ("", "", ()))

    # the batched world

    def observe(self, rows: Rows = ALL, group: str = POLICY) -> Any:
        if self.config.srl_model == PIXELS:
            return torch.from_numpy(self.images(rows)).to(self.backend.device)
        values = self._groups[group].values
        return values.clone() if isinstance(rows, slice) and rows == ALL else values[rows].clone()

    def group_as(self, config: EnvConfig) -> str:
        chosen = getattr(config, "policy_group", POLICY)
        return POLICY if chosen == self._original.policy_group else chosen

    def ground_truth_dim(self) -> int:
        return self._groups[POLICY].clean(self._observed_terms()[POLICY]).shape[1]

    def ground_truth(self, rows: Rows = ALL) -> torch.Tensor:
        """``(K, ground_truth_dim) float32``: the policy's terms, scaled, without noise, delay and history."""
        return self._groups[POLICY].clean(self._observed_terms()[POLICY])[rows]

    def observation_terms(self) -> list[ObservationTerm]:
        if self.config.srl_model == PIXELS:
            return super().observation_terms()
        terms = []
        for group in self._groups.values():
            for name, config in group.terms.items():
                place = group.places[name]
                unit, frame, elements = self.observation_meaning(name)
                terms.append(
                    ObservationTerm(
                        name,
                        place.stop - place.start,
                        unit=unit,
                        frame=frame,
                        scale=config.scale,
                        clip=config.clip,
                        noise=config.noise,
                        noise_kind=config.noise_kind if config.noise else "",
                        group=group.name,
                        elements=elements * config.history,
                        history=config.history,
                        delay=config.delay,
                        source=name if name in OWN_TERMS else "",
                    )
                )
        return laid_out(terms)

    # helpers

    def _push_observations(self, steps: torch.Tensor) -> None:
        """Observe all robots after a step, ``steps (N,)`` of their episodes."""
        if self.config.srl_model == PIXELS:
            return
        raw = self._observed_terms()
        for name, group in self._groups.items():
            group.push(raw[name], self.draws(self._all_rows, steps) if group.noisy else None)

    def _begin_observations(self, rows: torch.Tensor, draws: Draws) -> None:
        """Observe these robots, which the terms see alone, at the start of their episodes."""
        if self.config.srl_model == PIXELS:
            return
        raw = self._observed_terms()
        for name, group in self._groups.items():
            group.begin(rows, raw[name], draws)

    @abstractmethod
    def draws(self, rows: torch.Tensor, steps: torch.Tensor) -> Draws:
        """The random numbers of these robots in their current episodes, after so many steps of them."""

    def _observed_terms(self) -> dict[str, Terms]:
        """What the task computes by group, `TaskConfig.policy_group` in the place of the policy's own."""
        raw, chosen = self.compute_observations(), self._original.policy_group
        return raw if chosen == POLICY else {**raw, POLICY: raw[chosen]}

    def _make_groups(self) -> dict[str, ObservationGroup]:
        raw = self.compute_observations()
        check_groups(self._original.env_id, raw, self.count)
        configured = self._original.observations
        self._checked_names("observations", raw, configured)
        groups = {}
        for name in configured:
            self._checked_names(f"observations.{name}", raw[name], configured[name])
        raw = self._observed_terms()
        for name, terms in self._original.observed_groups().items():
            sizes = {term: values.shape[1] for term, values in raw[name].items()}
            groups[name] = ObservationGroup(name, terms, sizes, self.num_envs, self.backend.device)
        return groups

    def _checked_names(self, part: str, computed: Mapping[str, Any], configured: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of both; a name of one that the other lacks is refused."""
        for name in configured:
            if name not in computed:
                raise unknown_name(f"term of {part} of {self._original.env_id}", name, computed)
        for name in computed:
            if name not in configured:
                raise UserError(f"{part} of {self._original.env_id} has the term {name}, but no configuration for it.")
        return tuple(configured)
