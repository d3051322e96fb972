"""States that became NaN or too large: counted, and the first one written to a file."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from environments.mujoco_gym.backends.base import PhysicsBackend
from environments.mujoco_gym.config import TaskConfig
from srl3.files import atomic_path, check_target

logger = logging.getLogger(__name__)
FILE_NAME = "nan_dump.npz"


class FailureLog:
    """What is known of simulations that failed.

    Attributes:
        count: how many episodes ended with it.
    """

    def __init__(self, config: TaskConfig) -> None:
        self.count = 0
        if config.nan_dump:
            check_target(Path(config.nan_dump), flag="nan_dump")
        self._config = config
        self._before = torch.zeros(0, 0)

    def remember(self, backend: PhysicsBackend) -> None:
        """Keep the states from which the next step starts."""
        self._before = backend.state_rows()

    def report(
        self,
        failed: torch.Tensor,
        actions: torch.Tensor,
        controls: torch.Tensor,
        backend: PhysicsBackend,
        step: int,
        folder: Path | None,
    ) -> None:
        """Count the robots ``failed (N,) bool``, and write the first ones that ever did to the configuration's file, or
        to ``folder``.

        The file holds ``state`` (the engine's whole state before the step, one row for each robot), ``actions`` (the
        policy's), ``controls`` (that the engine was given), ``model.NAME`` of fields of the model that were
        randomised, ``rows``, ``step`` and ``env_id``.
        """
        rows = failed.nonzero(as_tuple=True)[0].cpu().numpy()
        first = self.count == 0
        self.count += len(rows)
        path = self._path(folder)
        if not first or path is None:
            return
        saved = backend.snapshot(failed.nonzero(as_tuple=True)[0])
        model: dict[str, Any] = {name: values for name, values in saved.items() if name.startswith("model.")}
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                state=self._before.cpu().numpy()[rows],
                actions=actions.cpu().numpy()[rows],
                controls=controls.cpu().numpy()[rows],
                **model,
                rows=rows,
                step=step,
                env_id=self._config.env_id,
            )
        logger.warning("a state became NaN or too large; the state before is in %s", path)

    def _path(self, folder: Path | None) -> Path | None:
        if self._config.nan_dump:
            return Path(self._config.nan_dump)
        return None if folder is None else folder / FILE_NAME
