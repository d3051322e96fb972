"""What the front doors share where a training goes on from a model that is there."""

from pathlib import Path

from rl_baselines.front_doors.shared.table import Draft

RATE = "learning_rate"


def go_on_from(draft: Draft, checkpoint: Path) -> None:
    """Let the training go on from a checkpoint in a folder of its own, at the flags' rate, else at the saved one.

    Raises:
        UserError: for a file that is no checkpoint.
    """
    from rl_baselines.checkpoints.archive import read_info
    from rl_baselines.hyperparams.schedules import initial_learning_rate

    draft.fields["load_rl_model_path"] = str(checkpoint)
    rate = draft.hyperparameters.pop(RATE, None)
    if rate is None:
        rate = initial_learning_rate(read_info(checkpoint).hyperparams)
    if rate:
        draft.fields["new_lr"] = rate


def world_of(checkpoint: Path) -> str:
    """The world that a checkpoint was trained in, by its short name where it has one.

    Raises:
        UserError: for a file that is no checkpoint.
    """
    from environments.registry import find_env
    from rl_baselines.checkpoints.archive import read_info

    env_id = read_info(checkpoint).env_id
    return next(iter(find_env(env_id).aliases), env_id)
