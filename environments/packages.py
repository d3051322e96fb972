"""Worlds from packages of the user's own, which register them with `environments.registry.register`.

A package is named by ``--env-package`` (any command), by the environment variable ``SRL3_ENV_PACKAGES`` (comma between
names; ``--env-package`` sets it for the processes that a command starts), or found by itself where it is installed with
an entry point in the group ``srl3.environments``.
"""

import importlib
import os
import sys
import warnings
from collections.abc import Container
from functools import cache
from importlib.metadata import entry_points

from srl3.errors import UserError

GROUP = "srl3.environments"
VARIABLE = "SRL3_ENV_PACKAGES"


def import_env_package(name: str) -> str:
    """Import a package that registers worlds, here and in processes that are started from here on; returns its name.

    Raises:
        UserError: when it can't be imported.
    """
    if not {"", os.getcwd()} & set(sys.path):  # of a console script, which unlike ``python -m`` leaves it out
        sys.path.insert(0, os.getcwd())
    try:
        importlib.import_module(name)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in (name, name.partition(".")[0]):
            raise UserError(
                f"--env-package {name} is not installed, nor in the current folder; name a package that Python finds."
            ) from None
        raise UserError(f"--env-package {name} fails when it is imported: {type(error).__name__}: {error}.") from error
    named = _named()
    if name not in named:
        os.environ[VARIABLE] = ",".join([*named, name])
    return name


def env_package_flags(besides: Container[str] = ()) -> list[str]:
    """``--env-package`` for each package that is named here, for commands that a user shall run elsewhere.

    Args:
        besides: packages that the command names already.
    """
    return [word for name in _named() if name not in besides for word in ("--env-package", name)]


@cache
def load_env_packages() -> None:
    """Import, once, what the environment variable names and what is installed with an entry point.

    An installed package that can't be imported is warned about and left out.

    Raises:
        UserError: when one that the variable names can't be imported.
    """
    for name in _named():
        import_env_package(name)
    for entry in entry_points(group=GROUP):
        try:
            loaded = entry.load()
            if callable(loaded):
                loaded()
        except Exception as error:
            warnings.warn(f"the worlds of {entry.value} are left out: {type(error).__name__}: {error}", stacklevel=2)


def _named() -> list[str]:
    return [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
