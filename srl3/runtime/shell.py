"""Command lines that a user can paste into a shell."""

import shlex
import shutil
import sys
from pathlib import Path


def python_command(module: str, *arguments: object) -> str:
    """``python -m module …`` by this interpreter, quoted where the shell needs it."""
    return shlex.join([_python(), "-m", module, *map(str, arguments)])


def flags_text(*arguments: object) -> str:
    """Flags and their values, quoted where the shell needs it."""
    return shlex.join(map(str, arguments))


def _python() -> str:
    """How the user can call this interpreter: by name where that finds it, else by its path."""
    if shutil.which("python") == sys.executable:
        return "python"
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
