"""Searches small enough for a test, in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rl_baselines.hyperparam_search import make_parser, plan_search
from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.progress import TrialEnd
from tests.rl_baselines.search import postgresql

MOBILE = ("--env", "MobileRobotGymEnv-v0", "--srl-model", "ground_truth", "--env-kwargs", "max_steps:10")
SMALL = ("--num-timesteps", "300", "--n-evaluations", "2", "--n-eval-episodes", "2", "--no-progress")

Plan = Callable[..., SearchPlan]


@pytest.fixture
def make_plan(tmp_path: Path) -> Plan:
    """``make_plan(*flags)`` is the plan of a search for a2c on a mobile robot, in a folder of the test's own."""

    def make(*flags: str, folder: str = "study") -> SearchPlan:
        world = () if "--env" in flags else MOBILE
        algo = () if "--algo" in flags else ("--algo", "a2c")
        argv = [*algo, *world, *SMALL, "--log-dir", str(tmp_path / folder), *flags]
        plan = plan_search(*make_parser().parse_with_given(argv), argv)
        plan.folder.mkdir(exist_ok=True)
        return plan

    return make


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[postgresql.PostgreSQL]:
    """A PostgreSQL server, or the reason why there is none."""
    with postgresql.server(request.config.cache.mkdir("postgresql")) as running:
        yield running


class Recorder:
    """A listener that keeps what it is told; ``on_end(trials so far)`` is called after each trial."""

    def __init__(self, on_end: Callable[[int], None] = lambda count: None) -> None:
        self.ends: list[TrialEnd] = []
        self.shares: list[float] = []
        self.notes: list[str] = []
        self.on_end = on_end

    def trial_ended(self, end: TrialEnd) -> None:
        self.ends.append(end)
        self.on_end(len(self.ends))

    def trial_goes_on(self, share: float) -> None:
        self.shares.append(share)

    def note(self, text: str) -> None:
        self.notes.append(text)


class StopAfter:
    """Asks to stop once it has been looked at so often."""

    def __init__(self, looks: int = 10**9) -> None:
        self.looks = looks

    @property
    def requested(self) -> bool:
        self.looks -= 1
        return self.looks < 0
