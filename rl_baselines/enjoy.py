"""``python -m rl_baselines.enjoy``: runs a trained policy, prints its returns, shows or records it."""

import argparse
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environments.config import PIXELS
from environments.flags import add_env_flags, env_kwargs_from_flags, make_config, overridden
from environments.registry import find_env
from environments.term_tables import world_tables
from environments.windows import check_window
from rl_baselines.checkpoints.foreign.said import Said, add_foreign_flags
from rl_baselines.recordings.recording import check_count
from rl_baselines.runs.run_folder import DEFAULT_LOG_DIR, find_checkpoint
from srl3.errors import UserError, run_command
from srl3.files import check_target
from srl3.flags import Parser, positive_number, seed_number

if TYPE_CHECKING:
    from rl_baselines.acting.evaluation import Evaluation
    from rl_baselines.checkpoints.archive import Checkpoint

EXAMPLES = """examples:
  python -m rl_baselines.enjoy --log-dir logs/KukaButtonGymEnv-v0 --num-episodes 20
  python -m rl_baselines.enjoy --log-dir logs/MobileRobotGymEnv-v0/ground_truth/ppo2 --video robot.mp4 --num-episodes 2
  python -m rl_baselines.enjoy --log-dir rl-trained-agents/ppo/CartPole-v1_1          a run of rl-zoo3
  python -m rl_baselines.enjoy --log-dir ppo_cartpole.zip --algo ppo --env CartPole-v1    saved by Stable-Baselines3
"""
VIDEO_SHAPE = (480, 480)
"""frames of a video of a policy that does not observe pixels"""


def make_parser() -> Parser:
    """The flags of ``enjoy``."""
    parser = Parser(
        prog="python -m rl_baselines.enjoy",
        description="Run a trained policy in the environment that it was trained in; environment flags override it.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "--log-dir",
        required=True,
        metavar="RUN",
        help="checkpoint, run folder, folder above runs, part of a run's name",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--num-episodes", type=positive_number, default=10, help="episodes to run")
    length.add_argument("--num-steps", type=positive_number, help="run whole episodes until so many steps are done")
    acting = parser.add_mutually_exclusive_group()
    acting.add_argument("--deterministic", action="store_true", help="the most probable action")
    acting.add_argument(
        "--stochastic",
        action="store_true",
        help="actions drawn from the policy; with neither flag on-policy algorithms draw, as they do in training, "
        "and the others do not",
    )
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of the environments and of drawn actions")
    parser.add_argument("--render", action="store_true", help="show it in a window, where the world has one")
    parser.add_argument("--video", type=Path, metavar="FILE.mp4", help="record it")
    parser.add_argument(
        "--recording", type=Path, metavar="FILE.npz", help="record the episodes step by step, for play --recording"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--show-terms", action="store_true", help="print what the world's observations and actions mean, play nothing"
    )
    parser.add_argument("--device", default="cpu", help="torch device")
    add_foreign_flags(parser)
    add_env_flags(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse, load, run, print; returns the exit status."""
    arguments, given = make_parser().parse_with_given(argv)
    if arguments.video is not None:
        check_target(arguments.video, (".mp4",), "--video")
    if arguments.recording is not None:
        check_target(arguments.recording, (".npz",), "--recording")
        check_count(arguments.num_episodes)
        if arguments.num_steps is not None:
            raise UserError("--recording holds whole episodes; use --num-episodes, not --num-steps.")
    ways = [f"--{way}" for way in ("render", "video", "recording") if getattr(arguments, way)]
    if len(ways) > 1:
        raise UserError(
            f"{' and '.join(ways)} are {'two' if len(ways) == 2 else 'three'} ways of looking; give one of them."
        )
    overrides = env_kwargs_from_flags(arguments, given)
    path = find_checkpoint(arguments.log_dir, DEFAULT_LOG_DIR)

    from rl_baselines.checkpoints.foreign.opened import check_said, open_checkpoint

    said = Said(arguments.algo, arguments.env, overrides, arguments.trust_pickle)
    checkpoint = open_checkpoint(path, said)
    check_said(checkpoint, said)
    info = checkpoint.info
    config = make_config(info.env_id, overridden(info.env_kwargs_here, overrides))
    observed = info.env_kwargs["srl_model"]
    if config.srl_model != observed:
        raise UserError(f"{path} observes {observed}, and can't act from {config.srl_model}.")
    if arguments.show_terms:
        world = find_env(info.env_id).load_class()(**config.as_dict())
        try:
            print(world_tables(world.observation_terms(), world.action_terms(), world.control_dt))
        finally:
            world.close()
        return 0
    if arguments.render:
        check_window(info.env_id)
    result = _run(arguments, checkpoint, config.as_dict())
    if arguments.json:
        print(json.dumps({"checkpoint": str(path), **result.as_dict()}))
    else:
        print(f"{path}: {info.algo} on {info.env_id}, {info.num_timesteps:,} steps trained")
        print(result.in_words())
        for way in ("video", "recording"):
            if getattr(arguments, way) is not None:
                print(f"{way}: {getattr(arguments, way)}")
    return 0


def _run(arguments: argparse.Namespace, checkpoint: "Checkpoint", env_kwargs: dict[str, Any]) -> "Evaluation":
    import secrets

    from rl_baselines.acting.actor import Actor
    from rl_baselines.acting.evaluation import Evaluation, episodes_in, evaluate, number_of_envs
    from rl_baselines.acting.video import VideoRecorder
    from rl_baselines.acting.worlds import make_worlds
    from rl_baselines.recordings.files import write_recording
    from rl_baselines.recordings.recorder import Recorder
    from srl3.runtime.seeding import seed_everything
    from srl3.runtime.threads import torch_threads

    info = checkpoint.info
    watched = arguments.render or arguments.video is not None
    if watched and env_kwargs["srl_model"] != PIXELS and find_env(info.env_id).load_config().has("img_shape"):
        env_kwargs = {**env_kwargs, "img_shape": VIDEO_SHAPE}
    seed = secrets.randbelow(2**31) if arguments.seed == -1 else arguments.seed
    with ExitStack() as closing:
        closing.enter_context(torch_threads(images=env_kwargs["srl_model"] == PIXELS))
        seed_everything(seed)
        actor = Actor.from_checkpoint(checkpoint, arguments.device, seed)
        deterministic = arguments.deterministic or (actor.deterministic and not arguments.stochastic)
        episodes, steps = arguments.num_episodes, arguments.num_steps
        if arguments.recording is not None:
            make_worlds(info, actor.encoder, env_kwargs).close()  # whether it can act there
            recorder = Recorder(info.env_id, env_kwargs, episodes, seed=seed, deterministic=deterministic)
            closing.callback(recorder.close)
            recording = recorder.record(actor, info.algo, info.num_timesteps)
            write_recording(arguments.recording, recording)
            return Evaluation(*recording.figures())
        at_least = episodes if steps is None else episodes_in(steps, env_kwargs.get("max_steps"))
        venv = make_worlds(
            info,
            actor.encoder,
            env_kwargs,
            n_envs=1 if watched else number_of_envs(info.env_id, at_least),
            seed=seed,
            render_mode="human" if arguments.render else "rgb_array" if arguments.video is not None else None,
        )
        closing.callback(venv.close)
        on_step = None
        if arguments.video is not None:
            fps = int(find_env(info.env_id).load_class().metadata["render_fps"])
            on_step = closing.enter_context(VideoRecorder(arguments.video, fps=fps)).record
        return evaluate(actor, venv, episodes, num_steps=steps, deterministic=deterministic, on_step=on_step)


if __name__ == "__main__":
    run_command(main)
