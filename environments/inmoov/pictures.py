"""``python -m environments.inmoov.pictures``: draw the humanoid from three sides, and what its cameras see."""

import argparse
from pathlib import Path

from srl3.errors import run_command

SIDE_PIXELS = 480
FINER = 2
"""Pictures are drawn this many times larger and averaged, against jagged edges."""
VIEWS = {"front": (90.0, -8.0), "side": (0.0, -8.0), "back": (-90.0, -8.0)}
"""Yaw and pitch of each view, degrees."""


def main(argv: list[str] | None = None) -> int:
    """Write ``inmoov_{front,side,back,camera,head}.png``."""
    parser = argparse.ArgumentParser(
        prog="python -m environments.inmoov.pictures", description="Draw the InMoov humanoid from three sides."
    )
    parser.add_argument("--folder", type=Path, default=Path("docs/images"), help="where the pictures go")
    folder = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)

    import cv2
    import numpy as np

    from environments.inmoov.camera import Camera
    from environments.inmoov.config import InmoovReachConfig
    from environments.inmoov.inmoov_gym_env import InmoovGymEnv
    from environments.inmoov.scene import InmoovScene
    from environments.kuka_gym.pictures.camera import View

    shape = (FINER * SIDE_PIXELS, FINER * SIDE_PIXELS)
    config = InmoovReachConfig()
    alone = InmoovScene(config, config.open_finger)
    pictures = {
        name: Camera(alone.client, View((0.08, 0.0, 1.2), 1.35, yaw, pitch), shape).frame()
        for name, (yaw, pitch) in VIEWS.items()
    }
    alone.close()
    env = InmoovGymEnv(srl_model="ground_truth", multi_view=True, img_shape=shape)
    env.reset(seed=0)
    pictures["camera"], pictures["head"] = np.split(env.get_image(), 2, axis=-1)
    env.close()
    for name, picture in pictures.items():
        path = folder / f"inmoov_{name}.png"
        small = cv2.resize(picture, (SIDE_PIXELS, SIDE_PIXELS), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(path), small[..., ::-1])
        print(path)
    return 0


if __name__ == "__main__":
    run_command(main)
