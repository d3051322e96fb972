"""Films of trained robots for the readme and the docs, as GIF.

python -m docs.films logs/AntGymEnv-v0 docs/images/ant.gif --seconds 5
"""

import argparse
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import imageio_ffmpeg
import numpy as np

from docs.trained import add_parameters, parameters
from environments.registry import find_env
from rl_baselines.acting.actor import Actor
from rl_baselines.acting.worlds import make_worlds
from rl_baselines.checkpoints.archive import load_checkpoint
from rl_baselines.checkpoints.info import CheckpointInfo
from rl_baselines.runs.find import find_checkpoint
from srl3.errors import UserError, run_command
from srl3.files import atomic_path, check_target
from srl3.flags import positive_float, positive_number, whole_number

HEIGHT, WIDTH = 200, 320
FRAMES_PER_SECOND = 15
COLOURS = "split[a][b];[a]palettegen=max_colors=96:stats_mode=diff[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"


def frames(
    checkpoint_path: Path,
    seconds: float,
    skipped: float,
    command: list[float] | None,
    every: int = 1,
    deterministic: bool | None = None,
    seed: int = 0,
    env_kwargs: Mapping[str, Any] = MappingProxyType({}),
) -> np.ndarray:
    """``(T, HEIGHT, WIDTH, 3) uint8``: one robot, after ``skipped`` seconds; most probable actions unless
    ``deterministic`` is false. ``env_kwargs`` come over the training's."""
    info = load_checkpoint(checkpoint_path).info
    if not find_env(info.env_id).load_config().has("sim"):
        return _frames_by_step(checkpoint_path, info, seconds, skipped, every, deterministic, seed, env_kwargs)
    face: Any = find_env(info.env_id).load_class()
    kwargs = {**info.env_kwargs_here, "sim.impl": "batch", "img_shape": (HEIGHT, WIDTH), **env_kwargs}
    world = face.world_class(face.config_class.from_kwargs(kwargs), 1)
    world.seed([seed])
    world.reset()
    if command is not None:
        terms = world.command_terms()
        if len(command) != len(terms):
            told = ", ".join(term.name for term in terms) or "nothing"
            raise UserError(f"--command of {info.env_id} takes {len(terms)} numbers ({told}), not {len(command)}.")
        world.set_command(command)
    actor = Actor.load(checkpoint_path)
    seen: list[np.ndarray] = []
    start = np.ones(1, dtype=bool)
    time = -skipped
    while len(seen) < seconds * FRAMES_PER_SECOND:
        step = world.step(actor.act(world.observe().numpy(), start, deterministic=deterministic is not False))
        start = (step.terminated | step.truncated).numpy()
        if start[0]:
            raise UserError("the robot fell before the film was over; give another --skip or --seed.")
        time += world.control_dt
        if time >= len(seen) / FRAMES_PER_SECOND:
            seen.append(world.images()[0])
    world.close()
    return np.stack(seen)


def _frames_by_step(
    checkpoint: Path,
    info: CheckpointInfo,
    seconds: float,
    skipped: float,
    every: int,
    deterministic: bool | None,
    seed: int,
    env_kwargs: Mapping[str, Any],
) -> np.ndarray:
    """The same of a world of another engine: a picture for every so many steps, as its policy acts in `enjoy`."""
    actor = Actor.load(checkpoint)
    drawn = {"img_shape": (HEIGHT, WIDTH)} if find_env(info.env_id).load_config().has("img_shape") else {}
    kwargs = {**info.env_kwargs_here, **drawn, **env_kwargs}
    venv = make_worlds(info, actor.encoder, kwargs, seed=seed, render_mode="rgb_array")
    seen: list[np.ndarray] = []
    observations, starts = venv.reset(), np.ones(1, dtype=bool)
    before = round(skipped * FRAMES_PER_SECOND * every)
    for step in range(before + round(seconds * FRAMES_PER_SECOND) * every):
        if step >= before and (step - before) % every == 0:
            seen.append(np.asarray(venv.get_images()[0])[..., :3])
        actions = actor.act(observations, starts, deterministic)  # type: ignore[arg-type]
        observations, _, starts, _ = venv.step(actions)
    venv.close()
    return np.stack(seen)


def write_gif(pictures: np.ndarray, path: Path) -> None:
    """One palette for all pictures; those of a world that says itself how large they are become as wide as others."""
    height, width = pictures.shape[1:3]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FRAMES_PER_SECOND), "-i", "-"]
    filters = COLOURS if width == WIDTH else f"scale={WIDTH}:-1,{COLOURS}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *source, "-vf", filters, "-f", "gif"]
    with atomic_path(path) as written:
        subprocess.run([*command, str(written)], input=pictures.tobytes(), check=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m docs.films", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run folder, or a folder with runs")
    parser.add_argument("film", type=Path, help="the GIF")
    parser.add_argument("--seconds", type=positive_float, default=5.0, help="length (default: 5)")
    parser.add_argument("--skip", type=float, default=1.0, help="seconds before the film begins (default: 1)")
    parser.add_argument(
        "--every", type=positive_number, default=1, help="steps for each picture, of worlds that are not MuJoCo's"
    )
    parser.add_argument(
        "--deterministic",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="most probable actions; else in MuJoCo's worlds, and in others as enjoy does",
    )
    parser.add_argument("--seed", type=whole_number, default=0, help="of the world (default: 0)")
    parser.add_argument(
        "--command", type=float, nargs="+", help="what the robot is told, where its world takes commands"
    )
    add_parameters(parser)
    arguments = parser.parse_args(argv)
    check_target(arguments.film, (".gif",))
    checkpoint = find_checkpoint(arguments.run)
    how = (
        arguments.seconds,
        arguments.skip,
        arguments.command,
        arguments.every,
        arguments.deterministic,
        arguments.seed,
        parameters(arguments),
    )
    pictures = frames(checkpoint, *how)
    write_gif(pictures, arguments.film)
    print(f"{arguments.film}: {len(pictures)} frames, {arguments.film.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    run_command(main)
