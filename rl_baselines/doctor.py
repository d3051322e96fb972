"""``python -m rl_baselines.doctor``: what is installed here, what works, and how to get what is missing."""

import importlib.metadata
import json
from typing import Any

from srl3.errors import UserError, run_command
from srl3.flags import Parser

EXAMPLES = """examples:
  python -m rl_baselines.doctor
  python -m rl_baselines.doctor --json
"""
HINTS = {
    "MuJoCo through EGL": "Debian: apt install libegl1",
    "MuJoCo through OSMesa": "Debian: apt install libosmesa6",
    "windows (OpenCV)": "use --video, or put opencv-python in the place of opencv-python-headless",
}
"""what helps where something can't draw"""


def make_parser() -> Parser:
    """The flags of ``doctor``."""
    parser = Parser(
        prog="python -m rl_baselines.doctor",
        description="Print versions, devices, what can draw, and which extras are here; status 1 when SRL3's own "
        "dependencies are missing or too old.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Look at everything and print it; returns 1 when the core is not whole."""
    arguments = make_parser().parse_args(argv)
    found = examine()
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print(in_words(found))
    return 0 if all(need["fits"] for need in found["core"]) else 1


def examine() -> dict[str, Any]:
    """Versions, machine, core, extras and rendering, as JSON holds them.

    Raises:
        UserError: when SRL3 is not installed, only lying in a folder.
    """
    from dataclasses import asdict

    from srl3.runtime.installation import install_command, machine, needs, rendering
    from srl3.runtime.versions import versions

    try:
        core, *extras = needs().items()
    except importlib.metadata.PackageNotFoundError:
        raise UserError(f"SRL3 is not installed in this Python; run: {install_command()}") from None
    return {
        "versions": versions(),
        "machine": machine(),
        "core": [asdict(need) for need in core[1]],
        "extras": {
            name: {
                "here": all(need.fits for need in wanted),
                "needs": [asdict(need) for need in wanted],
                "install": install_command(name),
            }
            for name, wanted in extras
        },
        "rendering": rendering(),
    }


def in_words(found: dict[str, Any]) -> str:
    """The same as aligned lines."""
    versions, machine = found["versions"], found["machine"]
    memory = "" if machine["memory_gib"] is None else f", {machine['memory_gib']:g} GiB of memory"
    lines = [
        f"SRL3 {versions['srl3']} ({versions['git_commit']}), Python {versions['python']}, {versions['platform']}",
        f"{machine['cores']} core(s){memory}",
        "",
        "devices (--device)",
        *(f"  {name:8} {what}" for name, what in machine["devices"].items()),
        "",
        "dependencies",
        *(f"  {_state(need):8} {need['name']} {need['found'] or need['asked']}" for need in found["core"]),
        "",
        "extras",
        *(_extra_line(name, extra) for name, extra in found["extras"].items()),
        "",
        "drawing",
        *(_drawing_line(name, answer) for name, answer in found["rendering"].items()),
    ]
    return "\n".join(lines)


def _state(need: dict[str, Any]) -> str:
    if need["fits"]:
        return "ok"
    return "missing" if need["found"] is None else f"not {need['asked']}:"


def _extra_line(name: str, extra: dict[str, Any]) -> str:
    if extra["here"]:
        return f"  here     {name:12} {', '.join(need['name'] + ' ' + need['found'] for need in extra['needs'])}"
    return f"  missing  {name:12} {extra['install']}"


def _drawing_line(name: str, answer: str) -> str:
    hint = f"; {HINTS[name]}" if answer != "works" and name in HINTS else ""
    return f"  {'works' if answer == 'works' else 'no':8} {name}{'' if answer == 'works' else f': {answer}{hint}'}"


if __name__ == "__main__":
    run_command(main)
