"""The scripts of visdom's page, which its package does not bring along: a folder of them, filled once.

``python -m rl_baselines.tracking.visdom_scripts [FOLDER]`` fills it; copied to another machine it serves there too.
"""

import importlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from srl3.errors import UserError, run_command
from srl3.files import make_folder
from srl3.flags import Parser

VARIABLE = "SRL3_VISDOM_SCRIPTS"
"""names the folder"""
VERSION = "0.2.4"
"""of visdom, whose page asks for the versions below"""
PACKAGES = {
    "jquery@3.1.1": {"dist/jquery.min.js": "js/jquery.min.js"},
    "bootstrap@3.3.7": {
        "dist/js/bootstrap.min.js": "js/bootstrap.min.js",
        "dist/css/bootstrap.min.css": "css/bootstrap.min.css",
        **{
            f"dist/fonts/glyphicons-halflings-regular.{kind}": f"fonts/glyphicons-halflings-regular.{kind}"
            for kind in ("eot", "svg", "ttf", "woff", "woff2")
        },
    },
    "react@16.2.0": {"umd/react.production.min.js": "js/react-react.min.js"},
    "react-dom@16.2.0": {"umd/react-dom.production.min.js": "js/react-dom.min.js"},
    "layout-bin-packer@1.4.0": {"dist/layout-bin-packer.js": "js/layout_bin_packer.js"},
    "react-resizable@1.4.6": {"css/styles.css": "css/react-resizable-styles.css"},
    "react-grid-layout@0.16.3": {"css/styles.css": "css/react-grid-layout-styles.css"},
    "plotly.js-dist-min@2.11.1": {"plotly.min.js": "js/plotly-plotly.min.js"},
    "d3@3.5.17": {"d3.min.js": "js/d3.v3.min.js"},
    "d3-selection-multi@1.0.1": {"build/d3-selection-multi.js": "js/d3-selection-multi.v1.js"},
    "save-svg-as-png@1.4.17": {"lib/saveSvgAsPng.js": "js/saveSvgAsPng.js"},
}
"""where each lies in npm's packages, and where the page asks for it; without MathJax, as SRL3 shows no formulas"""
NPM_SECONDS = 100.0
"""time that npm may take"""
CALL_SECONDS = 10.0
"""time that one download of visdom's own may take"""
EXAMPLES = """examples:
  python -m rl_baselines.tracking.visdom_scripts
  python -m rl_baselines.tracking.visdom_scripts visdom-scripts    # to copy to a machine without a network
"""


def scripts_folder() -> Path:
    """``SRL3_VISDOM_SCRIPTS``, or a folder in the user's cache."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser().absolute()
    configured = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(configured) if os.path.isabs(configured) else Path("~/.cache").expanduser()
    return cache / "srl3" / f"visdom-{VERSION}"


def static_folder() -> Path | None:
    """Where visdom's own page lies; None without visdom."""
    package = importlib.util.find_spec("visdom")
    return None if package is None or package.origin is None else Path(package.origin).parent / "static"


def missing_scripts(static: Path, scripts: Path) -> list[str]:
    """Scripts and styles that the page in ``static`` asks for and that are neither there nor in ``scripts``."""
    page = (static / "index.html").read_text(encoding="utf-8")
    named = re.findall(r"static_url\([\"']((?:js|css)/[^\"']+)[\"']\)", page)
    return [
        name
        for name in named
        if not name.startswith("js/mathjax/") and not any((folder / name).is_file() for folder in (scripts, static))
    ]


def fetch(static: Path, scripts: Path) -> None:
    """Download what the page asks for into ``scripts``, with npm, or else as visdom's own entry point would.

    Files arrive whole or not at all; what can't be had is left out.

    Raises:
        OSError: ``scripts`` can't be written.
    """
    make_folder(scripts)
    with tempfile.TemporaryDirectory(dir=scripts, prefix=".fetch-") as name:
        folder = Path(name)
        for source in (_fetch_with_npm, _fetch_as_visdom):
            if missing_scripts(static, scripts):
                try:
                    source(folder)
                finally:
                    _move(folder, scripts)


def _fetch_with_npm(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        return
    download = folder / "npm"
    download.mkdir()
    command = [npm, "pack", "--ignore-scripts", "--fetch-retries=0", f"--fetch-timeout={CALL_SECONDS * 1000:.0f}"]
    try:
        subprocess.run(
            [*command, *PACKAGES],
            cwd=download,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=NPM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return
    for package, files in PACKAGES.items():
        archive = download / f"{package.replace('@', '-')}.tgz"
        if archive.is_file():
            _unpack(archive, files, folder)


def _unpack(archive: Path, files: dict[str, str], folder: Path) -> None:
    """Take these files out of one of npm's archives, in which all names begin with ``package/``."""
    with tarfile.open(archive) as tar:
        for name, target in files.items():
            member = tar.extractfile(f"package/{name}")
            if member is not None:
                path = folder / "static" / target
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(member.read())


def _fetch_as_visdom(folder: Path) -> None:
    # visdom's client, which comes with its server, would load torch only to know its tensors
    torch = sys.modules.get("torch")
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
    try:
        from visdom.server import build
    finally:
        if torch is None:
            del sys.modules["torch"]
    requests: Any = importlib.import_module("requests")
    own_get, own_timeout = requests.get, socket.getdefaulttimeout()

    def get(url: str) -> Any:
        response = requests.request("GET", url, timeout=CALL_SECONDS)
        response.raise_for_status()
        return response

    requests.get = get  # visdom's own call has no time limit and keeps error pages
    socket.setdefaulttimeout(CALL_SECONDS)
    try:
        build.download_scripts(install_dir=str(folder))
    except OSError:  # no network
        return
    finally:
        requests.get = own_get
        socket.setdefaulttimeout(own_timeout)


def _move(folder: Path, scripts: Path) -> None:
    for file in (folder / "static").rglob("*"):
        target = scripts / file.relative_to(folder / "static")
        if file.is_file() and file.stat().st_size:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)


def main(argv: list[str] | None = None) -> None:
    """Fill the folder, and say what it lacks."""
    parser = Parser(
        prog="python -m rl_baselines.tracking.visdom_scripts",
        description="Fetch the scripts of visdom's page into a folder, so that live plots need no network.",
        epilog=EXAMPLES,
    )
    parser.add_argument("folder", nargs="?", type=Path, help=f"where to (default: ${VARIABLE}, or the user's cache)")
    folder = parser.parse_args(argv).folder
    scripts = scripts_folder() if folder is None else folder.absolute()
    static = static_folder()
    if static is None:
        raise UserError("visdom is not installed; install the extra: pip install 'srl3[visdom]'.")
    fetch(static, scripts)
    missing = missing_scripts(static, scripts)
    if missing:
        raise UserError(
            f"{', '.join(missing)} can't be fetched; run this on a machine with a network, and copy the folder."
        )
    print(f"The scripts of visdom's page are in {scripts}; ${VARIABLE} names another folder.")


if __name__ == "__main__":
    run_command(main)
