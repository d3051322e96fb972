"""A whole search: the study opened, its trials run, its results written."""

from pathlib import Path
from typing import Any

import yaml
from optuna import Study
from optuna.trial import TrialState

from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.processes import run_in_processes
from rl_baselines.search.progress import SearchProgress
from rl_baselines.search.results import print_summary, write_results
from rl_baselines.search.space import describe
from rl_baselines.search.studies.study import REASON, counts, give_back_dead, is_finished, open_study, tame_optuna
from rl_baselines.search.worker import run_trials
from srl3.errors import UserError
from srl3.files import write_text
from srl3.formats.yaml import read_mapping
from srl3.runtime.signals import StopRequest
from srl3.runtime.versions import versions

STUDY_FILE = "study.yaml"


def run_search(plan: SearchPlan, command: str) -> int:
    """Search as planned; returns the exit status: 0, 1 when no trial or not every worker got to its end, or 128 +
    the signal that ended it.

    Raises:
        UserError: when the storage refuses or is lost, or the folder or the storage holds another study.
    """
    tame_optuna()
    path = plan.folder / STUDY_FILE
    _check_folder(plan, path)
    stop = StopRequest("giving back what is running")
    with stop:
        made = _make_folder(plan.folder)
        try:
            study, storage = open_study(plan, stop, print)
        except BaseException:
            _remove_empty(made)
            raise
        _write_study_file(path, plan, command)
        give_back_dead(study, storage)
        _announce(plan, study)
        finished = sum(map(is_finished, study.get_trials(deepcopy=False)))
        progress = SearchProgress(plan.n_trials, finished, plan.n_jobs, plan.show_progress)
        all_well = True
        try:
            if plan.n_jobs == 1:
                run_trials(plan, stop, progress)
            else:
                all_well = run_in_processes(plan, stop, progress)
        finally:
            progress.close()
        give_back_dead(study, storage)
        write_results(study, plan)
        print_summary(study, plan)
        _say_what_is_left(study, plan, stop)
    if stop.signal is not None:
        return stop.exit_status
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return 0 if all_well and complete else 1


def _make_folder(folder: Path) -> list[Path]:
    """The folders that had to be made, the innermost first."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the study's folder {folder} can't be made: {error.strerror}.") from error
    return made


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()


def _check_folder(plan: SearchPlan, path: Path) -> None:
    if not path.is_file():
        return
    there = read_mapping(path, "move it away, and the study goes on from its storage", needs=("study", "storage"))
    theirs = (there["study"], there["storage"])
    ours = (plan.study_name, plan.shown_storage)
    if theirs != ours:
        raise UserError(
            f"{plan.folder} holds the results of study '{theirs[0]}' in {theirs[1]}, and this search is study "
            f"'{ours[0]}' in {ours[1]}; give it another --log-dir."
        )


def _write_study_file(path: Path, plan: SearchPlan, command: str) -> None:
    content: dict[str, Any] = {
        "study": plan.study_name,
        "storage": plan.shown_storage,
        "command": command,
        "of": plan.identity,
        "versions": versions(),
    }
    write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _announce(plan: SearchPlan, study: Study) -> None:
    training = plan.training
    done = sum(map(counts, study.get_trials(deepcopy=False)))
    print(
        f"searching for hyperparameters of {training.algo} on {training.env_id} from {training.srl_model}, "
        f"seed {training.seed}: {plan.n_trials} trials of {training.total_timesteps:,} steps, {plan.n_jobs} at a time"
    )
    print(
        f"sampler {plan.sampler}, pruner {plan.pruner}; {len(plan.points)} evaluation(s) of "
        f"{plan.n_eval_episodes} episodes each"
    )
    width = max(map(len, plan.space))
    for name, search_range in plan.space.items():
        print(f"  {name:<{width}}  {describe(search_range)}")
    print(f"study '{plan.study_name}' in {plan.shown_storage}, results in {plan.folder}")
    if done:
        print(f"going on: {done} of its trials are there already")
    print(flush=True, end="")


def _say_what_is_left(study: Study, plan: SearchPlan, stop: StopRequest) -> None:
    trials = study.get_trials(deepcopy=False)
    finished, running = sum(map(is_finished, trials)), sum(trial.state is TrialState.RUNNING for trial in trials)
    if stop.signal is not None:
        print(f"stopped by {stop.name}")
    elsewhere = f" ({running} running elsewhere)" if running else ""
    if finished < plan.n_trials:
        print(f"{finished} of {plan.n_trials} trials have finished{elsewhere}; the same command goes on.")
    failed = [trial for trial in trials if trial.state is TrialState.FAIL and counts(trial)]
    if failed:
        print(f"{len(failed)} failed; the last one, trial {failed[-1].number}: {failed[-1].user_attrs[REASON]}")
