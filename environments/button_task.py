"""Pushing a button without touching the table: the rules that the arms share."""

from typing import NamedTuple, Protocol


class ButtonRules(Protocol):
    """The parameters of a world that the rules need."""

    @property
    def is_discrete(self) -> bool:
        """whether actions are a direction's number"""

    @property
    def shape_reward(self) -> bool:
        """whether the reward is dense"""

    @property
    def max_distance(self) -> float:
        """metres from the target; farther is outside"""

    @property
    def n_contacts_to_end(self) -> int:
        """steps of contact that solve an episode"""

    @property
    def max_steps_outside(self) -> int:
        """steps in a row outside, or on the table, that end an episode"""

    @property
    def success_reward(self) -> float:
        """dense reward of the step that solves an episode"""

    @property
    def failure_reward(self) -> float:
        """dense reward of the step that ends an episode otherwise"""


class Judged(NamedTuple):
    """What a step came to: contacts, the distance to the target in metres, and how the episode stands."""

    on_button: bool
    on_table: bool
    outside: bool
    distance: float
    terminated: bool
    success: bool


class ButtonTask:
    """Mixin of a world in which a button is to be pushed.

    Sparse reward: +1 for a step in contact with the button; -1 instead when the arm touches the table or is
    outside ``max_distance``; else 0. Dense reward: minus the distance to the target, metres; with continuous actions
    the last step pays ``success_reward`` or ``failure_reward`` instead. An episode ends after ``n_contacts_to_end``
    steps of contact, at a touch of the table, or after ``max_steps_outside``.
    """

    config: ButtonRules
    _n_contacts = 0
    _n_steps_outside = 0

    def _begin_counting(self) -> None:
        """Forget the last episode."""
        self._n_contacts = 0
        self._n_steps_outside = 0

    def _judge_step(
        self, on_button: bool, on_table: bool, distance: float
    ) -> tuple[float, dict[str, float], bool, bool]:
        """Reward, its terms, terminated and success of a step with these contacts, so many metres from the target."""
        config = self.config
        outside = distance > config.max_distance
        failing = on_table or outside
        self._n_steps_outside = self._n_steps_outside + 1 if failing else 0
        solved = on_button and self._count_contact()
        terminated = solved or on_table or self._n_steps_outside >= config.max_steps_outside
        success = solved and not failing
        if config.shape_reward:
            terms = self._dense_terms(Judged(on_button, on_table, outside, distance, terminated, success))
        else:
            terms = {
                "contact": float(on_button and not failing),
                "table": -float(on_table),
                "outside": -float(outside and not on_table),
            }
        return sum(terms.values()), terms, terminated, success

    def _count_contact(self) -> bool:
        """Count a step in contact with the button; whether that solves the episode."""
        self._n_contacts += 1
        return self._n_contacts >= self.config.n_contacts_to_end

    def _dense_terms(self, step: Judged) -> dict[str, float]:
        if self.config.is_discrete:
            return {"distance": -step.distance}
        return self._dense_terms_with_outcome(step)

    def _dense_terms_with_outcome(self, step: Judged) -> dict[str, float]:
        """Minus the distance, but at the end of an episode what its success or failure is worth."""
        config = self.config
        return {
            "distance": 0.0 if step.terminated else -step.distance,
            "success": config.success_reward if step.success else 0.0,
            "failure": config.failure_reward if step.terminated and not step.success else 0.0,
        }
