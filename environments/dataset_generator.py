"""``python -m environments.dataset_generator``: records a dataset of episodes."""

import argparse
import dataclasses
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.config import GROUND_TRUTH, PIXELS, EnvConfig
from environments.flags import add_env_flags, env_help, env_kwargs_from_flags, make_config, overridden
from environments.registry import canonical_id
from srl3.errors import UserError, run_command
from srl3.flags import Parser, positive_float, positive_number, seed_number, share

if TYPE_CHECKING:
    from environments.datasets.info import DatasetInfo
    from environments.datasets.recording.generate import Outcome
    from environments.datasets.recording.policies import Performer
    from environments.datasets.recording.recorder import RecordingPlan

EXAMPLES = """examples:
  python -m environments.dataset_generator --name kuka_button --num-episode 50 --num-cpu 4
  python -m environments.dataset_generator --env MobileRobotGymEnv-v0 -r --img-shape 64x64 --name mobile_r \\
      --toward-target-timesteps-proportion 0.2
  python -m environments.dataset_generator --env OmnirobotEnv-v0 -cc --name teacher_cc --run-policy custom \\
      --log-custom-policy logs/OmnirobotEnv-v0 --perturbed-actions-proportion 0.1
"""
DEFAULT_ENV = "KukaButtonGymEnv-v0"


def make_parser() -> Parser:
    """The flags of ``dataset_generator``."""
    parser = Parser(
        prog="python -m environments.dataset_generator",
        description="Record episodes: frames, actions, rewards, ground truth. The same seed gives the same dataset, "
        "whatever --num-cpu. Ctrl-C keeps the episodes that are finished.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--env", default=DEFAULT_ENV, help=env_help())
    parser.add_argument("--name", default="kuka_button", help="name of the dataset's folder")
    parser.add_argument("--save-path", type=Path, default=Path("data/"), metavar="FOLDER", help="where it goes")
    parser.add_argument("--num-episode", type=positive_number, default=50, help="episodes to record")
    parser.add_argument("--num-cpu", type=positive_number, default=1, help="processes that record")
    parser.add_argument("--seed", type=seed_number, default=0, help="decides the dataset; -1 draws one")
    parser.add_argument("-f", "--force", action="store_true", help="replace a dataset of that name")
    parser.add_argument("--no-record-data", action="store_true", help="only play, write nothing")
    parser.add_argument("--reward-dist", action="store_true", help="print a histogram of the rewards")
    parser.add_argument(
        "--max-distance", type=positive_float, metavar="M", help="farther from the target an arm earns -1, metres"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    acting = parser.add_argument_group("who acts")
    acting.add_argument(
        "--run-policy",
        choices=("random", "ppo2", "custom"),
        default="random",
        help="at random; ppo2, trained first on the ground truth; or a checkpoint",
    )
    acting.add_argument(
        "--log-custom-policy", metavar="RUN", help="checkpoint or run folder of --run-policy custom, of any algorithm"
    )
    acting.add_argument("--ppo2-timesteps", type=positive_number, default=50_000, help="training of --run-policy ppo2")
    acting.add_argument(
        "--deterministic",
        action="store_true",
        help="a trained policy's most probable action; without, on-policy algorithms draw, as they do in training",
    )
    acting.add_argument(
        "--toward-target-timesteps-proportion",
        type=share,
        default=0.0,
        metavar="P",
        help="share of the steps in which the world's scripted policy acts",
    )
    acting.add_argument(
        "--perturbed-actions-proportion",
        type=share,
        default=0.0,
        metavar="P",
        help="share of the steps in which a random action is done in the place of a trained policy's, which is "
        "recorded as the teacher's: a student then sees how to recover",
    )
    add_env_flags(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, check, record, print; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    arguments.env = canonical_id(arguments.env)
    kwargs = env_kwargs_from_flags(arguments, given)
    _check(arguments)

    from environments.datasets.writer import check_destination

    path = None if arguments.no_record_data else arguments.save_path / arguments.name
    if path is not None:
        check_destination(path, arguments.force)
    seed = secrets.randbelow(2**31) if arguments.seed == -1 else arguments.seed
    if arguments.run_policy == "ppo2":
        status = _train_ppo2(arguments, kwargs, seed)
        if status:
            return status
    acting = _at_random(arguments, kwargs) if arguments.run_policy == "random" else _custom(arguments, given, kwargs)
    return _record(arguments, acting, seed, path, relative_pos=bool(kwargs.get("relative_pos", False)))


@dataclasses.dataclass(frozen=True)
class Acting:
    """Who acts where."""

    config: EnvConfig
    performer: "Performer"
    policy: str
    """``random``, or the algorithm"""
    checkpoint: Path | None = None
    """that acts"""


def _check(arguments: argparse.Namespace) -> None:
    name = arguments.name
    if not name or name in (".", "..") or "/" in name or name.startswith("."):
        raise UserError(f"--name '{name}' is no folder name; the folder above it is --save-path.")
    if (arguments.run_policy == "custom") != (arguments.log_custom_policy is not None):
        raise UserError("--run-policy custom and --log-custom-policy RUN go together; give both or neither.")
    if arguments.perturbed_actions_proportion and arguments.run_policy == "random":
        raise UserError("--perturbed-actions-proportion is for a trained policy; add --run-policy custom or ppo2.")


def _config(arguments: argparse.Namespace, kwargs: dict[str, Any]) -> EnvConfig:
    """The world's configuration, with what this command's own flags add; checked."""
    from environments.datasets.recording.policies import check_oracle

    if arguments.max_distance is not None:
        config_class = type(make_config(arguments.env, {}))
        if not hasattr(config_class, "max_distance"):
            raise UserError(f"{arguments.env} has no max_distance; leave out --max-distance.")
        kwargs = {**kwargs, "max_distance": arguments.max_distance}
    config = make_config(arguments.env, {**kwargs, "renders": False, "record_data": False})
    if arguments.toward_target_timesteps_proportion:
        check_oracle(arguments.env, config)
    return config


def _at_random(arguments: argparse.Namespace, kwargs: dict[str, Any]) -> Acting:
    from environments.datasets.recording.recorder import RandomPerformer

    config = _config(arguments, {**kwargs, "srl_model": PIXELS})
    return Acting(config, RandomPerformer(arguments.env, config.as_dict()), "random")


def _custom(arguments: argparse.Namespace, given: set[str], kwargs: dict[str, Any]) -> Acting:
    """A checkpoint in the world that it was trained in, but for what the flags say otherwise."""
    from environments.datasets.recording.policies import load_trained_policy

    trained = load_trained_policy(arguments.log_custom_policy)
    if "env" in given and arguments.env != trained.env_id:
        raise UserError(f"{trained.path} was trained on {trained.env_id}, not on {arguments.env}; leave out --env.")
    arguments.env = trained.env_id
    config = _config(arguments, overridden(trained.env_kwargs, kwargs))
    observed = trained.env_kwargs["srl_model"]
    if config.srl_model != observed:
        raise UserError(f"{trained.path} observes {observed}, and can't act from {config.srl_model}.")
    performer = trained.performer(config.as_dict(), arguments.deterministic or trained.deterministic)
    return Acting(config, performer, trained.algo, trained.path)


def _train_ppo2(arguments: argparse.Namespace, kwargs: dict[str, Any], seed: int) -> int:
    """Train ppo2 on the ground truth of this world, and let its run act; returns the training's exit status."""
    from environments.datasets.recording.policies import TeacherRequest, train_teacher

    _config(arguments, {**kwargs, "srl_model": GROUND_TRUTH})
    if arguments.max_distance is not None:
        kwargs = {**kwargs, "max_distance": arguments.max_distance}
    request = TeacherRequest(
        arguments.env,
        {name: value for name, value in kwargs.items() if name != "srl_model"},
        seed,
        arguments.ppo2_timesteps,
        f"for_{arguments.name}",
        not arguments.no_progress,
    )
    taught = train_teacher(request)
    if taught.status == 0:
        arguments.log_custom_policy = str(taught.path)
    return taught.status


def _record(arguments: argparse.Namespace, acting: Acting, seed: int, path: Path | None, *, relative_pos: bool) -> int:
    from environments.datasets.recording.generate import generate
    from environments.datasets.recording.recorder import RecordingPlan, block_size_for

    plan = RecordingPlan(
        env_id=arguments.env,
        performer=acting.performer,
        seed=seed,
        num_episodes=arguments.num_episode,
        block_size=block_size_for(arguments.env, acting.config, arguments.num_episode),
        toward_target=arguments.toward_target_timesteps_proportion,
        relative_pos=relative_pos,
        with_frames=path is not None,
        perturbed=arguments.perturbed_actions_proportion,
    )
    start = time.monotonic()
    outcome = generate(
        plan,
        _info(plan, acting.config, acting.policy),
        path,
        overwrite=arguments.force,
        num_processes=arguments.num_cpu,
        show_progress=not arguments.no_progress,
        teacher=acting.checkpoint,
    )
    return _report(arguments, outcome, time.monotonic() - start)


def _info(plan: "RecordingPlan", config: EnvConfig, policy: str) -> "DatasetInfo":
    from gymnasium import spaces

    from environments.datasets.info import DatasetInfo
    from environments.registry import find_env

    assert config.image_shape is not None
    face = find_env(plan.env_id).load_class()
    env = face(**{**config.as_dict(), "srl_model": GROUND_TRUTH})
    space = env.action_space
    env.close()
    return DatasetInfo(
        env_id=plan.env_id,
        env_kwargs={**config.as_dict(), "srl_model": PIXELS, "relative_pos": plan.relative_pos, "record_data": False},
        seed=plan.seed,
        relative_pos=plan.relative_pos,
        frame_shape=config.image_shape,
        multi_view=config.image_shape[2] > 3,
        n_actions=int(space.n) if isinstance(space, spaces.Discrete) else None,
        policy=policy,
        toward_target=plan.toward_target,
        perturbed=plan.perturbed,
    )


def _report(arguments: argparse.Namespace, outcome: "Outcome", seconds: float) -> int:
    """Print what was recorded; returns the exit status."""
    import numpy as np

    from environments.datasets.summary import histogram_in_words, reward_histogram
    from srl3.runtime.room import bytes_in_words, size_of

    episodes, wanted = len(outcome.rewards), arguments.num_episode
    if episodes:
        rewards = np.concatenate(outcome.rewards)
        returns = [float(values.sum()) for values in outcome.rewards]
        size = f", {bytes_in_words(size_of(outcome.path))}" if outcome.path else ""
        print(
            f"{outcome.path or 'nothing written'}: {episodes:,} episodes, {len(rewards):,} frames{size}, "
            f"mean return {np.mean(returns):.2f} ± {np.std(returns):.2f}, {seconds:.1f} s"
        )
        if arguments.reward_dist:
            print(histogram_in_words(reward_histogram(rewards)))
    kept = f"{episodes:,} of {wanted:,} episodes are kept in {outcome.path}" if outcome.path else "nothing was written"
    if outcome.disk_full:
        raise UserError(f"{outcome.failure}; {kept}; free some space and record again.")
    if outcome.failure is not None:
        print(f"error: {outcome.failure}; {kept}.", file=sys.stderr)
        return 1
    if outcome.signal is not None:
        print(f"stopped: {kept}.", file=sys.stderr)
        return 128 + outcome.signal
    return 0


if __name__ == "__main__":
    run_command(main)
