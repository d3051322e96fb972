"""What a training tells its user: what begins, what it earned, and what can be done with it now."""

from stable_baselines3.common.base_class import BaseAlgorithm

from environments.batched.world import BatchedWorld
from environments.packages import env_package_flags
from rl_baselines.hyperparams.resolve import table
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.runs.run_folder import RunFolder
from rl_baselines.training.plan import TrainingPlan
from srl3.runtime.shell import flags_text, python_command
from srl3.runtime.signals import StopRequest


class Reporter:
    """Prints on the console and draws the learning curve.

    Args:
        plan: the training.
        run: its folder.
    """

    def __init__(self, plan: TrainingPlan, run: RunFolder) -> None:
        self.plan = plan
        self.run = run

    def announce(self, model: BaseAlgorithm) -> None:
        """What begins, with which hyperparameters, and where."""
        plan = self.plan
        what = "resuming" if plan.resume else f"retraining {plan.parent.path}" if plan.parent else "training"
        n_envs = model.n_envs * plan.num_processes
        shared = f" in {plan.num_processes} processes" if plan.num_processes > 1 else ""
        start = f" from step {model.num_timesteps:,}" if plan.resume else ""
        print(
            f"{what} {plan.algo} on {plan.env_id} from {plan.srl_model}, seed {plan.seed}, "
            f"{plan.total_timesteps:,} steps{start}, {n_envs} environment(s){shared}, {model.device}"
        )
        print(table(plan.settings))
        if plan.still_imitates:
            print(f"imitating {', '.join(map(str, plan.imitate))}")
        if plan.teacher_data:
            print(model.lessons.in_words())  # type: ignore[attr-defined]
        if plan.value_warmup:
            print(f"in the first {plan.value_warmup:,} steps it acts as it was taught, and learns what that earns")
        world = getattr(getattr(model.get_env(), "unwrapped", None), "world", None)
        tables = world.term_tables() if isinstance(world, BatchedWorld) else ""
        if tables:
            print(f"\n{tables}\n")
        print(f"run folder: {self.run.path}", flush=True)

    def plot(self, log: EpisodeLog) -> None:
        """Write the learning curve into the run folder, if an episode has ended, and curves of all tasks."""
        if log.count:
            from rl_baselines.plots.figures import learning_curve

            self.run.plots.mkdir(exist_ok=True)
            plan = self.plan
            title = f"{plan.env_id} {plan.algo} ({plan.srl_model}), seed {plan.seed}"
            learning_curve(log, self.run.learning_curve, title=title)
        if self.run.cross_evaluation.is_file():
            from rl_baselines.cross_evaluation.history import chapters_of
            from rl_baselines.plots.style import save
            from rl_baselines.plots.tasks.forgetting import forgetting_curves

            self.run.plots.mkdir(exist_ok=True)
            save(forgetting_curves(chapters_of(self.run)), self.run.forgetting_curves)

    def say_what_next(self, model: BaseAlgorithm, log: EpisodeLog, stop: StopRequest) -> None:
        """What was earned, and the commands that go on from here."""
        run, mean = self.run, log.mean_return()
        earned = f"mean return of the last {min(log.count, 100)} episodes: {mean:.2f}" if mean is not None else ""
        if stop.requested:
            print(f"stopped by {stop.name}")
        if self.plan.teacher_data:
            judged = model.validation  # type: ignore[attr-defined]
            print(f"{model.num_timesteps:,} steps learned from; {judged.in_words() if judged else 'not judged yet'}")
        else:
            print(f"{model.num_timesteps:,} steps, {log.count} episodes; {earned or 'no episode has ended yet'}")
        print(f"run folder: {run.path}")
        if stop.requested:
            print(f"  go on:       {command('train', '--resume', run.path)}")
        print(f"  run it:      {command('enjoy', '--log-dir', run.path)}")
        print(f"  retrain it:  {command('train', '--load-rl-model-path', run.path)}")
        if run.learning_curve.is_file():
            print(f"  look at it:  {run.learning_curve}")
        if run.forgetting_curves.is_file():
            print(f"  all tasks:   {run.forgetting_curves}")


def how_to_go_on(run: RunFolder | None) -> str:
    """What to do after a failure."""
    if run is not None and run.latest.is_file():
        return f"go on with {flags_text('--resume', run.path, *env_package_flags())} (what it saved is whole)"
    return "start again (nothing was saved yet)"


def command(name: str, *arguments: object) -> str:
    """A line that the user's shell takes as it is."""
    return python_command(f"rl_baselines.{name}", *arguments, *env_package_flags())
