"""Writes ``policy.onnx`` beside ``best_model.zip`` whenever that changes, in a process of its own."""

import os
import subprocess
import sys

from stable_baselines3.common.callbacks import BaseCallback

from rl_baselines.runs.run_folder import RunFolder


class ExportCallback(BaseCallback):
    """Starts ``python -m rl_baselines.export`` for each new best model, one at a time, and waits for the last one.

    While one is being written further ones are left out: the next is that of the model which is then the best. A
    failure is said once and ends nothing.

    Args:
        run: where the best model is, and the policy goes.
    """

    def __init__(self, run: RunFolder) -> None:
        super().__init__()
        self.run_folder = run
        self._process: subprocess.Popen[str] | None = None
        self._done: tuple[int, int] | None = None
        self._failed = False

    def _on_training_start(self) -> None:
        if self.run_folder.policy.is_file():
            self._done = self._version()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        self._look()

    def _on_training_end(self) -> None:
        self._finish()
        self._look()
        self._finish()

    def _look(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._finish()
        version = self._version()
        if self._process is None and version is not None and version != self._done:
            self._done = version
            best, policy = self.run_folder.best_model, self.run_folder.policy
            command = [sys.executable, "-m", "rl_baselines.export", str(best), "-o", str(policy)]
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
            self._process = subprocess.Popen(
                command,
                **quiet,  # type: ignore[call-overload]
                text=True,
                start_new_session=True,  # Ctrl-C is the training's
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def _finish(self) -> None:
        if self._process is None:
            return
        _, said = self._process.communicate()
        if self._process.returncode and not self._failed:
            self._failed = True
            lines = said.strip().splitlines() or [f"exit status {self._process.returncode}"]
            print(f"warning: policy.onnx was not written: {lines[-1].removeprefix('error: ')}", file=sys.stderr)
        self._process = None

    def _version(self) -> tuple[int, int] | None:
        """What tells one best model from the next; None where there is none."""
        try:
            status = self.run_folder.best_model.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
