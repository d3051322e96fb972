"""``advise``: what follows from measured sizes, what is printed, what is refused."""

import json
from typing import Any

import pytest

from rl_baselines import advise, train
from rl_baselines.benchmarks.rows import Effort, Row, Task, rows_of
from rl_baselines.benchmarks.sizes import advice as sizing
from rl_baselines.benchmarks.sizes.advice import Size
from rl_baselines.benchmarks.sizes.measure import measure
from rl_baselines.training.flags import request_from_flags
from rl_baselines.training.resolve import resolve
from srl3.errors import UserError

GIB = 1024.0


def test_the_fewest_environments_that_are_fast_enough() -> None:
    sizes = [Size(64, 16, 2000, 300), Size(512, 16, 9500, 400), Size(2048, 16, 10_000, 700)]
    found = sizing.advise(sizes, 8 * GIB, images=False)
    assert (found.n_envs, found.n_steps, found.nminibatches) == (512, 64, 4)
    assert sizing.advise(sizes, 8 * GIB, images=True).nminibatches == 32
    assert sizing.advise([Size(1, 16, 90, 300), Size(2, 16, 100, 301)], 8 * GIB, images=False).n_steps == 2048


def test_memory_is_kept() -> None:
    sizes = [Size(64, 16, 1000, 300), Size(1024, 16, 10_000, 1260), Size(4096, 16, 20_000, 4332)]
    found = sizing.advise(sizes, 1500, images=False)
    assert (found.n_envs, found.n_steps) == (1024, 16), "a MiB for each 16 samples"
    assert found.memory <= 1500
    with pytest.raises(UserError, match="64 environments take 300 MiB already, and 100 MiB are allowed"):
        sizing.advise(sizes, 100, images=False)


@pytest.mark.parametrize(("samples", "expected"), [(32_768, 4), (65_536, 8), (24, 4), (6, 2), (7, 1)])
def test_minibatches_divide_the_samples(samples: int, expected: int) -> None:
    assert sizing.minibatches(samples) == expected
    assert samples % expected == 0


def in_this_process(tasks: list[Task], effort: Effort) -> list[Row]:
    return [row for task in tasks for row in rows_of(task, measure(effort, **task.arguments))]


def test_what_it_prints_trains(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(advise, "run", in_this_process)
    monkeypatch.setattr(advise, "BATCHED_SIZES", (2, 4, 8))
    monkeypatch.setattr(advise, "SHARE", 0.9)
    flags = ["--env", "Ant", "--seconds", "0.01", "--env-kwargs", "max_steps:20"]
    assert advise.main(flags) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["environments", "steps/s", "memory,", "MiB"]
    assert [line.split()[0] for line in lines[1:4]] == ["2", "4", "8"]
    assert lines[5].startswith("recommended: ")
    command = lines[-1].split("rl_baselines.train ")[1].split()
    plan = resolve(request_from_flags(*train.make_parser().parse_with_given([*command, "--no-vis"])))
    assert plan.hyperparams["n_envs"] in (2, 4, 8)
    assert plan.config.flat()["sim.threads"] >= 1

    assert advise.main([*flags, "--json", "--memory", "64GiB"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["memory_allowed_mib"] == 64 * 1024
    assert found["num_envs"] * found["num_steps_per_env"] % found["nminibatches"] == 0
    assert len(found["measured"]) == 3


@pytest.mark.parametrize(
    ("text", "size"), [("8GiB", 8 * 2**30), ("512 MiB", 2**29), ("1.5GB", 1_500_000_000), ("4096", 4096)]
)
def test_sizes_of_memory(text: str, size: int) -> None:
    assert advise.memory_size(text) == size


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--env Antt", "unknown environment 'Antt'; did you mean Ant"),
        ("--env Ant --memory much", "'much' is not a size such as 8GiB"),
        ("--env Ant --memory 0GiB", "'0GiB' is not a size"),
        ("--env Ant --algo sac", "invalid choice: 'sac'"),
        ("", "required: --env"),
        ("--env Ant --env-kwargs max_stepz:3", "max_stepz"),
    ],
)
def test_what_can_not_be_is_one_sentence(line: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        advise.main(line.split())
