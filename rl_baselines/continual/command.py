"""Parses the flags of ``continual``, does its stages and compares what comes of them."""

import argparse
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from environments.flags import ENV_FLAGS, default_srl_model, env_kwargs_from_flags, make_config
from environments.registry import canonical_id
from rl_baselines.continual.flags import (
    DISTILL,
    FINETUNE,
    OF_STUDENTS,
    OWN,
    TRAINING_SET,
    budgets_of,
    check_flags,
    make_parser,
)
from rl_baselines.continual.runner import Stages
from rl_baselines.continual.stages import RECORD, STUDENT, TRAIN_ALL, Outcome, Setup, Stage, all_stages, outcomes_of
from rl_baselines.continual.task_file import read_tasks
from rl_baselines.cross_evaluation.tasks import Task, tasks_from_flags
from rl_baselines.grid.cells import SHOWN_ONLY, flags_of
from rl_baselines.grid.executors import LocalExecutor
from rl_baselines.grid.record import GridRecord
from rl_baselines.grid.runner import Shown
from rl_baselines.registry import find_algo
from srl3.errors import UserError
from srl3.flags import Parser
from srl3.runtime.processes.children import shared_cores
from state_representation.store.choose import check_srl_model, choose_representation
from state_representation.store.find import is_learned

FROM_SCRATCH = frozenset({"hyperparam", "preset", "conf_file", "policy", "num_stack"})
"""flags of train that a training which goes on from another takes over from it"""
OF_REPRESENTATIONS = frozenset({"srl_config_file", "srl_model_path", "latest"})
"""flags of train that are handed on to trainings that observe a learned representation"""
EVALUATING = frozenset({"perform_cross_evaluation_cc", "eval_episode_window", "eval_episodes"})
NOT_HANDED_ON = frozenset(
    {"env", "algo", "srl_model", "seed", "num_timesteps", "new_lr", "env_kwargs", "env_config", *OWN}
)


def run(argv: list[str] | None = None) -> int:
    """Parse, check, train, compare; returns the exit status."""
    parser = make_parser()
    arguments, given = parser.parse_with_given(argv)
    check_flags(arguments, given)
    setup = _setup(parser, arguments, given)
    seeds = range(arguments.seed, arguments.seed + arguments.num_iteration)
    outcomes = outcomes_of(setup, list(dict.fromkeys(arguments.strategy)), seeds)
    record = GridRecord(arguments.log_dir)
    stages = Stages(setup, all_stages(outcomes), record, _recording_flags(parser, arguments, given))
    _check(stages, arguments)
    if arguments.dry_run:
        _list(stages)
        return 0
    shown = Shown(arguments.log_dir, tuple(_display(parser, arguments, given)))
    with record.locked() as held:
        executor = LocalExecutor(shared_cores(arguments.jobs), held)
        status = stages.run(executor, arguments.jobs, shown, show_progress=not arguments.no_progress)
        if status:
            return status
        _compare(arguments, stages, outcomes)
    return 0


def _setup(parser: Parser, arguments: argparse.Namespace, given: set[str]) -> Setup:
    env_id = canonical_id(arguments.env)
    srl_model = arguments.srl_model or default_srl_model(env_id)
    teacher_srl_model = arguments.teacher_srl_model or srl_model
    shared = env_kwargs_from_flags(arguments, given)
    for observed in dict.fromkeys((srl_model, teacher_srl_model)):
        check_srl_model(observed, env_id, type(make_config(env_id, {})))
    representations = _representations(parser, arguments, given, (teacher_srl_model, srl_model))
    shared |= _of_representation(arguments, srl_model, env_id, shared)
    tasks, written = _tasks(arguments, env_id, shared)
    budgets = budgets_of(written, arguments)
    other = next((task for task in tasks if task.env_id != env_id), None)
    if other is not None:
        raise UserError(f"continual training is on one world, {env_id}; {other.name} is of {other.env_id}.")
    shown = {*SHOWN_ONLY, "log_dir"}
    common = given - NOT_HANDED_ON - shown - {*OF_STUDENTS, TRAINING_SET} - OF_REPRESENTATIONS
    if "perform_cross_evaluation_cc" not in given:
        common -= EVALUATING
    common.discard("perform_cross_evaluation_cc")
    common -= set(ENV_FLAGS)  # which are handed on as parameters of the world
    return Setup(
        tasks=tuple(tasks),
        budgets=budgets,
        env_id=env_id,
        algo=arguments.algo,
        srl_model=srl_model,
        teacher_srl_model=teacher_srl_model,
        flags=tuple(flags_of(parser, arguments, common)),
        flags_going_on=tuple(flags_of(parser, arguments, common - FROM_SCRATCH)),
        new_lr=arguments.new_lr,
        flags_of_student=tuple(flags_of(parser, arguments, given & {*OF_STUDENTS} | common & {"eval_episodes"})),
        representations=representations,
        training_set_size=_training_set_size(arguments, tasks),
        env_kwargs=shared,
        cross_evaluates="perform_cross_evaluation_cc" in given,
    )


def _tasks(
    arguments: argparse.Namespace, env_id: str, shared: Mapping[str, Any]
) -> tuple[list[Task], list[int | None]]:
    """The tasks, and the steps of each where a file says them."""
    if arguments.task_file is not None:
        return read_tasks(arguments.task_file, env_id, shared)
    if not arguments.tasks:
        return [], []
    tasks = tasks_from_flags(arguments, [env_id], shared)
    return tasks, [None] * len(tasks)


def _representations(
    parser: Parser, arguments: argparse.Namespace, given: set[str], observed: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The flags that choose a learned representation, for each of what is ``observed``, of which the last is named."""
    learned = [name for name in dict.fromkeys(observed) if is_learned(name)]
    chosen = given & OF_REPRESENTATIONS
    if not learned and chosen:
        flag = flags_of(parser, arguments, chosen)[0]
        raise UserError(f"{flag} chooses a learned representation, and {observed[-1]} is none.")
    named = learned[-1:]
    return {
        name: tuple(flags_of(parser, arguments, chosen if name in named else chosen - {"srl_model_path"}))
        for name in learned
    }


def _of_representation(
    arguments: argparse.Namespace, srl_model: str, env_id: str, env_kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Parameters of the world that follow from a learned representation: size of pictures and cameras."""
    if not is_learned(srl_model):
        return {}
    _, kwargs = choose_representation(
        srl_model,
        env_id,
        env_kwargs,
        config_file=arguments.srl_config_file,
        path=arguments.srl_model_path,
        latest=arguments.latest,
    )
    return {name: kwargs[name] for name in ("img_shape", "multi_view")}


def _training_set_size(arguments: argparse.Namespace, tasks: Sequence[Task]) -> int | None:
    size: int | None = getattr(arguments, TRAINING_SET)
    if size is None or size == -1:
        return None
    if size < 1:
        raise UserError(f"--distillation-training-set-size is at least 1, or -1 for all, not {size}.")
    longest = arguments.teacher_episodes * max(make_config(task.env_id, task.env_kwargs).max_steps for task in tasks)
    if size > longest * len(tasks):
        raise UserError(
            f"--distillation-training-set-size {size:,} is more than {len(tasks)} teachers leave in "
            f"--teacher-episodes {arguments.teacher_episodes} each, {longest * len(tasks):,} steps at most; ask for "
            "fewer, or record more."
        )
    return size


def _display(parser: Parser, arguments: argparse.Namespace, given: set[str]) -> list[str]:
    flags = flags_of(parser, arguments, given & (SHOWN_ONLY - {"log_dir", "no_progress", "no_vis"}))
    return flags if "port" in given and not arguments.no_vis else [*flags, "--no-vis"]


def _recording_flags(parser: Parser, arguments: argparse.Namespace, given: set[str]) -> list[str]:
    flags = flags_of(parser, arguments, {"perturbed_actions_proportion"})
    size = flags_of(parser, arguments, given & {"img_shape"})
    return [
        "--num-episode",
        str(arguments.teacher_episodes),
        *flags,
        *size,
        *(["--no-progress"] if arguments.no_progress else []),
    ]


def _check(stages: Stages, arguments: argparse.Namespace) -> None:
    """Let train's own checks see every training that begins from scratch."""
    from rl_baselines.training.flags import add_training_flags, request_from_flags
    from rl_baselines.training.resolve import resolve

    for stage in stages.stages:
        if stage.kind == STUDENT:
            find_algo("distillation")
        if not stage.needs:
            parser = Parser(prog="python -m rl_baselines.train")
            add_training_flags(parser)
            line = [*stages.cell(stage).arguments, "--log-dir", str(arguments.log_dir), "--no-vis"]
            resolve(request_from_flags(*parser.parse_with_given(line)))


def _list(stages: Stages) -> None:
    for number, stage in enumerate(stages.stages, start=1):
        task = stages.setup.tasks[stage.number].name
        of = f" from {stage.srl_model}" if stage.srl_model else ""
        up_to = "up to " if stage.kind in (STUDENT, TRAIN_ALL) else ""
        done = ", done" if _is_done(stages, stage) else ""
        print(f"{number}. {stage.kind}: {up_to}{task}{of}, seed {stage.seed}{done}")


def _is_done(stages: Stages, stage: Stage) -> bool:
    if stage.kind == RECORD:
        return stages.dataset(stage).is_dir()
    with contextlib.suppress(UserError):
        entry = stages.record.entry(stages.cell(stage))
        return entry is not None and entry.status == "finished"
    return False


def _compare(arguments: argparse.Namespace, stages: Stages, outcomes: list[Outcome]) -> None:
    """Play every policy in every task; print and write tables and pictures into the log folder."""
    from rl_baselines.checkpoints.archive import read_info
    from rl_baselines.continual.figure import task_curves
    from rl_baselines.cross_evaluation.matrix import cross_evaluate
    from rl_baselines.cross_evaluation.play import Conditions
    from rl_baselines.cross_evaluation.policies import Policy
    from rl_baselines.cross_evaluation.tables import FORMATS, as_markdown
    from rl_baselines.plots.style import save
    from rl_baselines.plots.tasks.heat_map import heat_map
    from srl3.files import write_text
    from srl3.runtime.progress import Progress

    tasks = stages.setup.tasks
    policies = []
    for outcome, label in zip(outcomes, _labels(stages.setup, outcomes), strict=True):
        path = stages.checkpoint(outcome.stage)
        policies.append(Policy(label, path, read_info(path)))
    conditions = Conditions(num_episodes=arguments.num_episodes, seed=arguments.seed)
    with Progress(len(policies) * len(tasks), "cells", not arguments.no_progress) as bar:
        matrix = cross_evaluate(policies, tasks, conditions, arguments.jobs, lambda note: bar.advance(note=note))
    print(as_markdown(matrix), end="")
    where = arguments.log_dir / "continual"
    for suffix, text in FORMATS.items():
        write_text(where.with_suffix(suffix), text(matrix))
    save(heat_map(matrix), where.with_suffix(".png"))
    curves = where.with_name("continual_curves.png")
    save(task_curves(matrix, outcomes), curves)
    written = [where.with_suffix(suffix) for suffix in (*FORMATS, ".png")]
    print(f"written: {', '.join(map(str, [*written, curves]))}")


def _labels(setup: Setup, outcomes: list[Outcome]) -> Iterator[str]:
    several = len({outcome.seed for outcome in outcomes}) > 1
    for outcome in outcomes:
        after = f" after {setup.tasks[outcome.number].name}" if outcome.strategy in (FINETUNE, DISTILL) else ""
        yield f"{outcome.strategy}{after}" + (f", seed {outcome.seed}" if several else "")
