"""What is installed here and what works: core and extras, devices, rendering, films. Each look is safe to fail."""

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DISTRIBUTION = "srl3"
PROBE_SECONDS = 30
NOT_FOR_USERS = ("dev",)
"""extras that only SRL3's own developers need"""


@dataclass(frozen=True)
class Need:
    """A distribution that SRL3 asks for.

    Args:
        name: as on the package index.
        asked: the range, such as ``>=2.8,<3``; empty for any.
        found: the installed version; None when it is missing.
        fits: whether ``found`` is within the range.
    """

    name: str
    asked: str
    found: str | None
    fits: bool


def needs() -> dict[str, list[Need]]:
    """What the installed SRL3 asks for: under ``""`` the core, under each extra's name what that extra adds.

    Raises:
        PackageNotFoundError: when SRL3 itself runs from a folder without having been installed.
    """
    meta = importlib.metadata.distribution(DISTRIBUTION)
    extras = sorted(meta.metadata.get_all("Provides-Extra") or [])
    found: dict[str, list[Need]] = {name: [] for name in ("", *extras) if name not in NOT_FOR_USERS}
    for line in meta.requires or []:
        requirement = Requirement(line)
        for extra, listed in found.items():
            of_core = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if of_core == (extra == "") and (
                requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            ):
                listed.append(_look_up(requirement))
    return found


def _look_up(requirement: Requirement) -> Need:
    name = canonicalize_name(requirement.name)
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Need(requirement.name, str(requirement.specifier), None, False)
    return Need(
        requirement.name,
        str(requirement.specifier),
        version,
        requirement.specifier.contains(version, prereleases=True),
    )


def install_command(extra: str = "") -> str:
    """What to type to get the core or an extra: from a checkout with its pinned versions, else from the index."""
    checkout = Path(__file__).parents[2]
    if (checkout / "constraints.txt").is_file():
        wanted = f"-e '.[{extra}]'" if extra else "-e ."
        return f"pip install {wanted} --constraint constraints.txt --build-constraint constraints.txt"
    return f"pip install '{DISTRIBUTION}[{extra}]'" if extra else f"pip install {DISTRIBUTION}"


def machine() -> dict[str, Any]:
    """Cores that this process may use, memory in GiB, and torch's devices by name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = getattr(os, "sysconf_names", {})
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30 if "SC_PHYS_PAGES" in names else None
    return {"cores": cores, "memory_gib": None if memory is None else round(memory, 1), "devices": _devices()}


def _devices() -> dict[str, str]:
    try:
        import torch
    except ImportError:
        return {}
    found = {"cpu": f"{torch.get_num_threads()} thread(s)"}
    for index in range(torch.cuda.device_count()):
        found[f"cuda:{index}"] = torch.cuda.get_device_name(index)
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    return found


def rendering() -> dict[str, str]:
    """What can draw, each as ``works`` or the reason why not; engines are tried in processes of their own."""
    mujoco = "import mujoco; context = mujoco.GLContext(64, 64); context.make_current(); context.free()"
    bullet = (
        "import pybullet; pybullet.connect(pybullet.DIRECT); "
        "assert len(pybullet.getCameraImage(8, 8, renderer=pybullet.ER_TINY_RENDERER)[2])"
    )
    film = (
        "import imageio_ffmpeg, subprocess; "
        "subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), '-version'], check=True, stdout=subprocess.DEVNULL)"
    )
    window = (
        "import cv2\n"
        "try: cv2.namedWindow('srl3')\n"
        "except cv2.error: raise SystemExit('this OpenCV is built without windows')"
    )
    return {
        "PyBullet, without a display": _probe(bullet),
        "MuJoCo through EGL": _probe(mujoco, {"MUJOCO_GL": "egl"}),
        "MuJoCo through OSMesa": _probe(mujoco, {"MUJOCO_GL": "osmesa"}),
        "films (ffmpeg)": _probe(film),
        "windows (OpenCV)": _probe(window),
    }


def _probe(code: str, environment: Mapping[str, str] | None = None) -> str:
    """``works``, or the last line of what went wrong."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PROBE_SECONDS} s"
    if done.returncode == 0:
        return "works"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip() and not line.startswith("Exception ign")]
    errors = [line for line in lines if "Error" in line.split(":")[0]]
    return (errors or lines or [f"ended with status {done.returncode}"])[-1][:120]
