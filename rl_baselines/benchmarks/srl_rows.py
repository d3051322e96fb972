"""Learning and using representations: the loader against frames in memory, batches against single frames."""

import statistics
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from environments.datasets.dataset import Dataset, DatasetInfo, DatasetWriter, open_dataset
from environments.datasets.writer import Rows
from rl_baselines.benchmarks.rows import Effort, Measured
from rl_baselines.benchmarks.timing import alternate, median_ratio, peak_memory
from state_representation.data.loader import FrameReader, Sample, read_ahead
from state_representation.encoding.encoder import Encoder, EncoderInfo
from state_representation.learning import learner as learning
from state_representation.learning.learner import Learner
from state_representation.models.encoders import build_encoder
from state_representation.store.train_config import TrainConfig

N_ACTIONS, EPISODE = 4, 64
CALLS = 40
"""Vec steps in a run of usual length."""


class _InMemory:
    """All frames as one array."""

    def __init__(self, dataset: Dataset) -> None:
        self.frames = np.ascontiguousarray(dataset.frames(np.arange(len(dataset))))

    def samples(self, _: FrameReader, parts: Sequence[np.ndarray], transitions: bool) -> Generator[Sample]:
        """What `read_ahead` gives, without its thread and its file."""
        for steps in parts:
            yield Sample(steps, self.frames[np.concatenate([steps, steps + 1]) if transitions else steps])


def epochs(effort: Effort, losses: Sequence[str], model_type: str, side: int, frames: int) -> list[Measured]:
    """Samples per second of a training epoch, frames from the file; ratio: its time against frames held in memory.

    ``loader_share`` is the time of reading alone, without a network, as a part of the epoch's.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_dataset(_record(Path(folder) / "noise", side, effort.count(frames, least=2 * EPISODE)))
        config = TrainConfig(str(dataset.path), "srl_combination", tuple(losses), model_type=model_type, epochs=10**6)
        learner, memory = Learner(config, dataset, "cpu"), _InMemory(dataset)

        def ours() -> None:
            learner.run_epoch(lambda _: None)

        def held() -> None:
            learning.read_ahead = memory.samples  # type: ignore[assignment]
            try:
                learner.run_epoch(lambda _: None)
            finally:
                learning.read_ahead = read_ahead

        def read() -> None:
            order = np.random.default_rng(0).permutation(learner.steps.training)
            parts = np.array_split(order, learner.batches_per_epoch)
            for _ in read_ahead(learner.reader, parts, learner.transitions):
                pass

        ours_times, held_times, read_times = alternate([ours, held, read], effort.repeats)
        rate = len(learner.steps.training) / statistics.median(ours_times)
        share = median_ratio(read_times, ours_times)
        details = {"loader_share": share}
        return [Measured(rate, "samples/s", median_ratio(ours_times, held_times), peak_memory(), details=details)]


def inference(effort: Effort, model_type: str, side: int, n_envs: int = 8, state_dim: int = 200) -> list[Measured]:
    """States per second of one pass for all environments; ratio: its time against a pass for each of them.

    The single passes are those of the network as it was learned, one frame at a time, which is how the S-RL Toolbox
    used it. ``same_encoder`` is the ratio where single frames go through the same prepared encoder. All have as many
    threads as a training on representations has: one for each core.
    """
    shape = (side, side, 3)
    network = build_encoder(model_type, shape, state_dim).eval()
    info = EncoderInfo("random", "MobileRobotGymEnv-v0", {}, shape, N_ACTIONS, state_dim, model_type)
    encoder = Encoder(info, network, "cpu")
    seen = np.random.default_rng(0).integers(0, 256, (n_envs, *shape), dtype=np.uint8)
    calls = effort.count(CALLS, least=5)

    def together() -> None:
        for _ in range(calls):
            encoder(seen)

    def plain() -> None:
        with torch.no_grad():
            for _ in range(calls):
                for frame in seen:
                    network(torch.from_numpy(frame).permute(2, 0, 1)[None].contiguous().float() / 255).numpy()

    def singly() -> None:
        for _ in range(calls):
            for frame in seen:
                encoder(frame[None])

    together_times, plain_times, single_times = alternate([together, plain, singly], effort.repeats)
    rate = calls * n_envs / statistics.median(together_times)
    details = {"same_encoder": median_ratio(together_times, single_times)}
    return [Measured(rate, "states/s", median_ratio(together_times, plain_times), peak_memory(), details=details)]


def _record(path: Path, side: int, frames: int) -> Path:
    """A dataset of noise."""
    rng = np.random.default_rng(0)
    kwargs: dict[str, Any] = {"img_shape": [side, side]}
    info = DatasetInfo(
        env_id="MobileRobotGymEnv-v0",
        env_kwargs=kwargs,
        seed=0,
        relative_pos=False,
        frame_shape=(side, side, 3),
        multi_view=False,
        n_actions=N_ACTIONS,
    )
    with DatasetWriter(path, info) as writer:
        for _ in range(frames // EPISODE):
            writer.append_rows(
                Rows(
                    frames=rng.integers(0, 256, (EPISODE, side, side, 3), dtype=np.uint8),
                    actions=rng.integers(0, N_ACTIONS, EPISODE),
                    rewards=rng.integers(0, 2, EPISODE).astype(np.float32),
                    episode_starts=np.arange(EPISODE) == 0,
                    ground_truth=rng.normal(size=(EPISODE, 2)),
                    targets=rng.normal(size=(EPISODE, 2)),
                )
            )
        return writer.finish()
