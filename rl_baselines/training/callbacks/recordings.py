"""Records trajectories of the policy now and then, and of the last one, in worlds of their own."""

from collections.abc import Callable

from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.acting.actor import Actor
from rl_baselines.recordings.files import write_recording
from rl_baselines.recordings.recorder import Recorder
from rl_baselines.runs.run_folder import RunFolder


class RecordingCallback(BaseCallback):
    """Between rollouts, before the first one and then every so many steps, a recording of the policy as it is.

    The training's random numbers and environments are left as they are, so it learns the same with it and without.

    Args:
        recorder: has the worlds.
        make_actor: from the model in training to what acts.
        run: whose ``recordings/`` they go to.
        algo: key of ``registered_rl``.
        interval: training steps between two recordings.
        control_steps: how many steps each environment has done, from those of all together.
    """

    def __init__(
        self,
        recorder: Recorder,
        make_actor: Callable[[], Actor],
        run: RunFolder,
        algo: str,
        interval: int,
        control_steps: Callable[[int], int],
    ) -> None:
        super().__init__()
        self._recorder = recorder
        self._make_actor = make_actor
        self._run = run
        self._algo = algo
        self._interval = interval
        self._control_steps = control_steps
        self._next = 0

    def record(self) -> None:
        """Record the policy of this moment, in place of an earlier recording of as many steps."""
        steps = self.model.num_timesteps
        self._run.recordings.mkdir(exist_ok=True)
        self._recorder.stay_at(self._control_steps(steps))
        write_recording(self._run.recording(steps), self._recorder.record(self._make_actor(), self._algo, steps))

    def _on_training_start(self) -> None:
        if self.model.num_timesteps:  # a run that goes on
            self._after(self.model.num_timesteps)

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps >= self._next:
            self.record()
            self._after(self.model.num_timesteps)

    def _on_step(self) -> bool:
        return True

    def _after(self, steps: int) -> None:
        self._next = (steps // self._interval + 1) * self._interval
