"""Modules under the names that earlier versions documented: ``from rl_baselines.checkpoint import …`` still works."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class MovedModules(MetaPathFinder, Loader):
    """Finds a module under an earlier name, which is then the very same module.

    Args:
        names: earlier name to present name.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def install(self) -> None:
        """Look here after Python's own finders, so that a module of that name goes first."""
        sys.meta_path.append(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in self.names else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.names[spec.name])
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own_spec
