"""Keeps the model with the best mean return."""

from stable_baselines3.common.callbacks import BaseCallback

from environments.config import EnvConfig
from rl_baselines.runs.episodes import EpisodeLog
from rl_baselines.training.callbacks.checkpoints import Best, CheckpointWriter

WINDOW = 100
"""episodes that the mean is taken over, at least"""
ROUNDS = 4
"""episodes of each environment that the mean is taken over, at least: those of many environments end together, and the
best of many looks at hardly more than one round would be the luckiest"""
OFF_POLICY_INTERVAL = 200
"""environment steps between looks, for algorithms that have no rollouts"""


class BestModelCallback(BaseCallback):
    """Writes ``best_model.zip`` when the mean return of the last training episodes is the best so far.

    The mean is of the last 100, and of no fewer than four for each environment. A stage of a curriculum has a best
    model of its own, of as many episodes that all began in it: others were easier, or paid otherwise.

    Looks after each rollout of an on-policy algorithm, before its update, so that the model written is
    the one that earned the return; else every 200 steps.

    Args:
        writer: writes the checkpoint.
        log: the run's episodes.
        min_episodes: episodes before a best model may be saved.
        on_policy: look at rollout ends.
        config: of the world.
    """

    def __init__(
        self, writer: CheckpointWriter, log: EpisodeLog, min_episodes: int, on_policy: bool, config: EnvConfig
    ) -> None:
        super().__init__()
        self.writer = writer
        self.log = log
        self.min_episodes = min_episodes
        self.config = config
        self.on_policy = on_policy
        self._next_look = OFF_POLICY_INTERVAL
        self._seen = 0

    def _on_rollout_end(self) -> None:
        if self.on_policy:
            self._look()

    def _on_step(self) -> bool:
        if not self.on_policy and self.num_timesteps >= self._next_look:
            self._next_look = self.num_timesteps + OFF_POLICY_INTERVAL
            self._look()
        return True

    def _look(self) -> None:
        if self.log.count == self._seen:
            return
        window = max(WINDOW, ROUNDS * self.training_env.num_envs)
        steps = self.writer.info.control_steps(self.num_timesteps)
        began = self.config.stage_began(steps)
        if began != self.writer.best.stage:
            if steps < began + self.config.as_trained(began - 1).max_steps:  # episodes that began before it may go on
                return
            self.writer.best = Best(stage=began, first=self.log.count)
        if self.log.count - self.writer.best.first < (window if began else max(self.min_episodes, 1)):
            return
        self._seen = self.log.count
        mean = self.log.mean_return(window, self.writer.best.first)
        if mean is not None and mean > self.writer.best.mean:
            self.writer.write_best(self.model, mean)
