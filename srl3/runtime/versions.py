"""What a run was made with."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from srl3 import __version__

PACKAGES = ("stable-baselines3", "sb3-contrib", "torch", "gymnasium", "numpy", "pybullet", "opencv-python-headless")


def versions() -> dict[str, str]:
    """SRL3, its git commit, Python, the libraries and engines that decide a training curve, and the platform."""
    found = {"srl3": __version__, "git_commit": _git_commit(), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    found["platform"] = platform.platform()
    return found


def _git_commit() -> str:
    folder = Path(__file__).parent
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "not a git checkout"
    return commit.stdout.strip()
