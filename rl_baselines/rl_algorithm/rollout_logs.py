"""The figures that Stable-Baselines3's algorithms log after a rollout, for those that are not from there."""

import sys
import time

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import safe_mean


def dump_rollout_logs(model: BaseAlgorithm) -> None:
    """Log the mean return and length of the last episodes and the speed, and write what was recorded."""
    seconds = max((time.time_ns() - model.start_time) / 1e9, sys.float_info.epsilon)
    if model.ep_info_buffer:
        model.logger.record("rollout/ep_rew_mean", safe_mean([episode["r"] for episode in model.ep_info_buffer]))
        model.logger.record("rollout/ep_len_mean", safe_mean([episode["l"] for episode in model.ep_info_buffer]))
    if model.ep_success_buffer:
        model.logger.record("rollout/success_rate", safe_mean(model.ep_success_buffer))
    model.logger.record("time/fps", int((model.num_timesteps - model._num_timesteps_at_start) / seconds))
    model.logger.record("time/time_elapsed", int(seconds), exclude="tensorboard")
    model.logger.record("time/total_timesteps", model.num_timesteps, exclude="tensorboard")
    model.logger.dump(step=model.num_timesteps)
