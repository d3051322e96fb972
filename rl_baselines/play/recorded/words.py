"""What is said of recordings: lists, and the values of a moment, as Markdown."""

from pathlib import Path

import numpy as np

from rl_baselines.play.recorded.scenery import Scenery
from rl_baselines.play.web.escaping import escaped
from rl_baselines.recordings.recording import Recording, Trajectory

SHOWN_ACTIONS = 60


def moment_label(path: Path) -> str:
    """How a list shows a recording: by what its policy had learned from."""
    steps = path.stem.removeprefix("step_")
    return f"{int(steps):,} steps" if steps.isdecimal() else path.name


def trajectory_label(number: int, trajectory: Trajectory) -> str:
    """How a list shows a trajectory."""
    return f"{number + 1}: return {trajectory.episode_return:.2f}, {trajectory.length} steps, {_end(trajectory)}"


def described(recording: Recording) -> str:
    """The recording in a few lines."""
    figures = recording.summary()
    rate = figures["success_rate"]
    success = "" if rate is None else f" · success {rate:.0%}"
    acting = "most probable actions" if recording.deterministic else "drawn actions"
    return (
        f"**{escaped(recording.env_id)}** · {escaped(recording.algo)} · {recording.trained_steps:,} steps trained  \n"
        f"{len(recording.trajectories)} trajectories · mean return {figures['mean_return']:.2f} · "
        f"{figures['mean_length']:.0f} steps{success}  \n{acting} · seed {recording.seed}"
    )


def values(scenery: Scenery) -> str:
    """Reward, terms and action of the step that led to the moment; of several trajectories their returns."""
    recording, step = scenery.recording, scenery.step
    seconds = step * recording.step_seconds
    lines = [f"**step {step} of {scenery.length}** · {seconds:.2f} s", ""]
    if scenery.count > 1:
        lines += ["| trajectory | last reward | return so far | |", "|---|---|---|---|"]
        for number, each in zip(scenery.numbers, scenery.shown, strict=True):
            at = min(step, each.length)
            over = escaped(_end(each)) if step >= each.length else ""
            lines.append(f"| {number + 1} | {_last(each.rewards, at)} | {each.rewards[:at].sum():.2f} | {over} |")
        return "\n".join(lines)
    (trajectory,) = scenery.shown
    over = f" · **{escaped(_end(trajectory))}**" if step >= trajectory.length else ""
    lines += [
        f"last reward {_last(trajectory.rewards, step)} · return so far {trajectory.rewards[:step].sum():.2f}{over}",
        "",
    ]
    if recording.term_names:
        lines += ["| reward by term | last step | so far |", "|---|---|---|"]
        for index, name in enumerate(recording.term_names):
            column = trajectory.terms[:, index]
            lines.append(f"| {escaped(name)} | {_last(column, step)} | {column[:step].sum():.3f} |")
        lines.append("")
    if step:
        lines += ["| action | |", "|---|---|", *_action(recording, trajectory.actions[step - 1])]
    return "\n".join(lines)


def in_lines(path: Path, recording: Recording) -> list[str]:
    """The recording for a terminal: a line, and one for each trajectory."""
    figures = recording.summary()
    lines = [
        f"{path}: {recording.algo} on {recording.env_id}, {recording.trained_steps:,} steps trained, "
        f"mean return {figures['mean_return']:.2f}"
    ]
    return [
        *lines,
        *(f"  {trajectory_label(number, each)}" for number, each in enumerate(recording.trajectories)),
    ]


def _action(recording: Recording, action: np.ndarray) -> list[str]:
    numbers, names = np.asarray(action).reshape(-1), list(recording.action_names)
    if recording.first_choice is not None:
        index = int(numbers[0]) - recording.first_choice
        return [f"| {escaped(names[index]) if 0 <= index < len(names) else ''} | {int(numbers[0])} |"]
    names += [str(index) for index in range(len(names), len(numbers))]
    shown = min(len(numbers), SHOWN_ACTIONS)
    return [f"| {escaped(names[index])} | {float(numbers[index]):.3f} |" for index in range(shown)]


def _last(numbers: np.ndarray, step: int) -> str:
    return f"{numbers[step - 1]:.3f}" if step else "–"


def _end(trajectory: Trajectory) -> str:
    success = "" if trajectory.success is None else ", success" if trajectory.success else ", no success"
    return f"{trajectory.ending}{success}"
