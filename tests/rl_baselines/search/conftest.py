"""Searches small enough for a test, in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rl_baselines.hyperparam_search import make_parser, plan_search
from rl_baselines.search.plan import SearchPlan

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
