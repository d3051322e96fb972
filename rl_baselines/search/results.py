"""What a study says: ``best.yaml``, ``trials.csv``, the figures, and a table of the best trials."""

import csv
import shlex
from collections.abc import Sequence
from typing import Any

import yaml
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from environments.foreign import escaped_id
from rl_baselines.hyperparams.resolve import Setting
from rl_baselines.search.figures import draw_figures
from rl_baselines.search.plan import SearchPlan
from rl_baselines.search.space import drawn_values
from rl_baselines.search.studies.study import DEFAULT, GIVEN_BACK, REASON
from rl_baselines.search.trial import SECONDS
from srl3.files import atomic_path, write_text

BEST_FILE = "best.yaml"
TRIALS_FILE = "trials.csv"
PLOTS_FOLDER = "plots"
SHOWN = 4
"""best trials in the table, beside the default"""


def best_trials(study: Study) -> list[FrozenTrial]:
    """The trials that were trained to their end, the best first; the earlier of two that are equally good."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(complete, key=lambda trial: (-_value(trial), trial.number))


def settings_of(trial: FrozenTrial, plan: SearchPlan) -> dict[str, Setting]:
    """The hyperparameters that a trial trained with, as a training resolves them."""
    if trial.user_attrs.get(DEFAULT):
        return plan.training.settings
    return plan.settings(drawn_values(trial.params, plan.space))


def preset(trial: FrozenTrial, plan: SearchPlan) -> dict[str, Any]:
    """Those of a trial's hyperparameters that are not the algorithm's own defaults: a section of a preset file."""
    settings = settings_of(trial, plan)
    return {name: found.value for name, found in settings.items() if not found.source.startswith("default of ")}


def write_results(study: Study, plan: SearchPlan) -> None:
    """Write ``trials.csv``, and, once a trial is complete, ``best.yaml`` and the figures."""
    _write_trials(study, plan)
    ranked = best_trials(study)
    if ranked:
        _write_best(ranked[0], plan)
        draw_figures(study, plan.folder / PLOTS_FOLDER, _title(plan))


def _title(plan: SearchPlan) -> str:
    training = plan.training
    return f"{training.algo} on {training.env_id} ({training.srl_model}), {training.total_timesteps:,} steps a trial"


def _write_best(trial: FrozenTrial, plan: SearchPlan) -> None:
    training = plan.training
    section = f"{escaped_id(training.env_id)}/{training.srl_model}"
    head = (
        f"# {training.algo}: trial {trial.number} of study '{plan.study_name}', mean return {_value(trial):.2f} over "
        f"{plan.n_eval_episodes} episodes after {training.total_timesteps:,} steps.\n# {train_command(plan)}\n"
    )
    body = yaml.safe_dump({section: preset(trial, plan)}, sort_keys=False, allow_unicode=True)
    write_text(plan.folder / BEST_FILE, head + body)


def train_command(plan: SearchPlan) -> str:
    """The command that trains with ``best.yaml``."""
    return f"{plan.train_command} --conf-file {shlex.quote(str(plan.folder / BEST_FILE))}"


def _write_trials(study: Study, plan: SearchPlan) -> None:
    names = list(plan.space)
    head = ["trial", "state", "mean_return", "default", "started", "seconds", "training_seconds", "evaluation_seconds"]
    with (
        atomic_path(plan.folder / TRIALS_FILE) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*head, *names, "reason"])
        for trial in study.get_trials(deepcopy=False):
            seconds = trial.user_attrs.get(SECONDS, {})
            values = plan.training.hyperparams if trial.user_attrs.get(DEFAULT) else trial.params
            state = "given back" if GIVEN_BACK in trial.user_attrs else trial.state.name.lower()
            writer.writerow(
                [
                    trial.number,
                    state,
                    "" if trial.value is None else trial.value,
                    bool(trial.user_attrs.get(DEFAULT)),
                    trial.datetime_start.isoformat(timespec="seconds") if trial.datetime_start else "",
                    f"{trial.duration.total_seconds():.3f}" if trial.duration else "",
                    seconds.get("training", ""),
                    seconds.get("evaluation", ""),
                    *(values.get(name, "") for name in names),
                    trial.user_attrs.get(REASON, ""),
                ]
            )


# the table


def print_summary(study: Study, plan: SearchPlan) -> None:
    """Print how many trials ended how, the best ones beside the default, and where the results are."""
    trials = [trial for trial in study.get_trials(deepcopy=False) if GIVEN_BACK not in trial.user_attrs]
    states = [trial.state for trial in trials]
    print(
        f"study '{plan.study_name}': {states.count(TrialState.COMPLETE)} trials complete, "
        f"{states.count(TrialState.PRUNED)} pruned, {states.count(TrialState.FAIL)} failed"
    )
    ranked = best_trials(study)
    if not ranked:
        print("no trial has been trained to its end, so there is no best one yet")
        return
    defaults = [trial for trial in trials if trial.user_attrs.get(DEFAULT) and trial.value is not None]
    shown = [*defaults[-1:], *(trial for trial in ranked if not trial.user_attrs.get(DEFAULT))][: SHOWN + 1]
    print(_table(shown, plan))
    best = ranked[0]
    print(f"best: trial {best.number}, mean return {_value(best):.2f}")
    print(f"  its hyperparameters: {plan.folder / BEST_FILE}")
    print(f"  all trials:          {plan.folder / TRIALS_FILE}")
    if (plan.folder / PLOTS_FOLDER).is_dir():
        print(f"  plots:               {plan.folder / PLOTS_FOLDER}")
    print(f"  train with it:       {train_command(plan)}")


def _table(trials: Sequence[FrozenTrial], plan: SearchPlan) -> str:
    """Trials as columns, hyperparameters as rows."""
    settings = [settings_of(trial, plan) for trial in trials]
    heads = ["default" if trial.user_attrs.get(DEFAULT) else f"trial {trial.number}" for trial in trials]
    rows = [["", *heads], ["mean return", *(f"{_value(trial):.2f}" for trial in trials)]]
    for name in plan.space:
        rows.append([name, *(_shown(found[name].value) if name in found else "-" for found in settings)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not index else cell.rjust(width) for index, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    )


def _shown(value: Any) -> str:
    if isinstance(value, str) and value.startswith("lin_"):
        return f"lin_{float(value.removeprefix('lin_')):.3g}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value
