"""Plays one policy in several tasks, as ``enjoy`` plays it in its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.config import GROUND_TRUTH, PIXELS
from environments.flags import make_config
from rl_baselines.cross_evaluation.cells import Cell, Reference, has_oracle, reference_of
from rl_baselines.cross_evaluation.tasks import Task
from srl3.errors import UserError

if TYPE_CHECKING:
    from rl_baselines.checkpoints.checkpoint import Checkpoint


@dataclass(frozen=True)
class Conditions:
    """How every cell is played."""

    num_episodes: int
    seed: int
    deterministic: bool | None = None
    """None: as each algorithm is judged"""
    reference: bool = True
    """play the scripted policy and a random agent too"""
    device: str = "cpu"

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def play(path: Path, tasks: Sequence[Task], conditions: Conditions) -> Iterator[Cell]:
    """The cells of a policy, in the order of the tasks; where it does not fit, one that says why.

    Args:
        path: its checkpoint.
        tasks: in which it plays.
        conditions: how.
    """
    from rl_baselines.checkpoints.archive import load_checkpoint

    try:
        checkpoint = load_checkpoint(path, device="cpu")
    except UserError as error:
        yield from (Cell(reason=str(error)) for _ in tasks)
        return
    for task in tasks:
        try:
            yield _cell(checkpoint, task, conditions)
        except UserError as error:
            yield Cell(reason=str(error))


def _cell(checkpoint: "Checkpoint", task: Task, conditions: Conditions) -> Cell:
    from rl_baselines.acting.actor import Actor
    from rl_baselines.acting.evaluation import evaluate, number_of_envs
    from rl_baselines.acting.worlds import make_worlds
    from srl3.runtime.seeding import seed_everything
    from srl3.runtime.threads import torch_threads

    env_kwargs = task.config_kwargs(checkpoint.info.env_kwargs_here)
    seed_everything(conditions.seed)
    actor = Actor.from_checkpoint(checkpoint, conditions.device, conditions.seed)
    worlds = make_worlds(
        checkpoint.info,
        actor.encoder,
        env_kwargs,
        env_id=task.env_id,
        n_envs=number_of_envs(task.env_id, conditions.num_episodes),
        seed=conditions.seed,
    )
    try:
        with torch_threads(images=env_kwargs.get("srl_model") == PIXELS):
            found = evaluate(actor, worlds, conditions.num_episodes, deterministic=conditions.deterministic)
    finally:
        worlds.close()
    return Cell(tuple(found.returns), tuple(found.lengths), found.as_dict()["success_rate"])


class References:
    """What random agents and scripted policies earn, each played once for a world and a kind of actions.

    Args:
        conditions: as of the cells.
    """

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._known: dict[str, Reference | None] = {}

    def of(self, task: Task, trained_with: Mapping[str, Any]) -> Reference | None:
        """The reference for a policy in a task; None where there is none.

        Args:
            task: in which it plays.
            trained_with: every parameter of the world that it was trained in.
        """
        config = make_config(task.env_id, {**task.config_kwargs(trained_with), "renders": False})
        if not self._conditions.reference or not has_oracle(config):
            return None
        if config.has("srl_model"):
            config = make_config(task.env_id, {**config.as_dict(), "srl_model": GROUND_TRUTH})
        key = f"{task.env_id} {sorted(config.flat().items())}"
        if key not in self._known:
            self._known[key] = reference_of(config, self._conditions.num_episodes, self._conditions.seed)
        return self._known[key]
