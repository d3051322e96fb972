"""What the presets reach: the trainings of ``results.yaml``, as documentation and `list` show them."""

import dataclasses
import statistics
from collections.abc import Mapping
from functools import cache
from typing import Any

from config import CONFIG_FOLDER
from srl3.formats.damage import DamagedFile
from srl3.formats.yaml import read_mapping

RESULTS_FILE = CONFIG_FOLDER / "results.yaml"
DRAWN, BEST = "drawn", "best"
_ADVICE = "install SRL3 anew"
_OWN = ("world", "algo", "flags", "settings", "steps", "asked", "returns", "acting", "srl_model", "listed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """One training, or the same one with several seeds, and what its policies earn."""

    table: str
    world: str
    """id of the world"""
    algo: str
    """key of ``registered_rl``"""
    steps: tuple[int, ...]
    """taken by each seed; one number where all took the same"""
    returns: tuple[tuple[float, ...], ...]
    """of each seed: mean over the evaluation's episodes and, where it is known, standard deviation"""
    acting: str
    """``drawn`` or ``best``: actions drawn from the policy, or its most probable ones"""
    srl_model: str = "ground_truth"
    """what is observed"""
    flags: str = ""
    """of the command, that choose the task"""
    asked: int | None = None
    """steps of the command, where the training was ended before them"""
    settings: str = ""
    """other flags of the command; the number of steps is not among them"""
    listed: bool = True
    """shown by ``list``"""
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """what else its table shows"""

    @property
    def mean_return(self) -> float:
        """Over the seeds."""
        return statistics.fmean(each[0] for each in self.returns)

    @property
    def mean_steps(self) -> int:
        """Over the seeds."""
        return round(statistics.fmean(self.steps))

    def command_flags(self) -> str:
        """The flags that choose the task and settings, with the number of steps between them."""
        return " ".join(
            part for part in (self.flags, f"--num-timesteps {self.asked or self.mean_steps:_}", self.settings) if part
        )


@cache
def trainings() -> dict[str, tuple[Training, ...]]:
    """All trainings by table, in the order of the file.

    Raises:
        UserError: for a file that is damaged.
    """
    return {name: tuple(_table(name, content)) for name, content in read_mapping(RESULTS_FILE, _ADVICE).items()}


def trainings_in(env_id: str) -> list[Training]:
    """The trainings in a world that ``list`` shows."""
    return [each for table in trainings().values() for each in table if each.world == env_id and each.listed]


def _table(name: str, content: Any) -> list[Training]:
    try:
        common = {key: value for key, value in content.items() if key != "rows"}
        return [_training(name, {**common, **row}) for row in content["rows"]]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedFile(RESULTS_FILE, f"table {name}: {type(error).__name__}: {error}", _ADVICE) from None


def _training(table: str, row: Mapping[str, Any]) -> Training:
    own = {key: value for key, value in row.items() if key in _OWN}
    steps = own["steps"] if isinstance(own["steps"], list) else [own["steps"]]
    returns = tuple(tuple(float(value) for value in each) for each in own["returns"])
    return Training(
        **{**own, "steps": tuple(int(each) for each in steps), "returns": returns},
        table=table,
        more={key: value for key, value in row.items() if key not in _OWN},
    )
