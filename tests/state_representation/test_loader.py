"""Which steps are learned from, and reading ahead."""

import threading

import numpy as np
import pytest

from environments.datasets.dataset import open_dataset
from srl3.errors import UserError
from state_representation.data.loader import FrameReader, epoch_order, minibatches, partition, read_ahead

from .toys import write_toy


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_toy(tmp_path_factory.mktemp("data") / "toy", episodes=10, length=20))


def rng():
    return np.random.default_rng(0)


def test_whole_episodes_are_held_out(dataset):
    found = partition(dataset, len(dataset), 0.2, transitions=True, rng=rng())
    numbers = dataset.episode_numbers()
    assert not set(numbers[found.training]) & set(numbers[found.validation])
    assert len(found.validation) == 2 * 19
    assert len(found.training) == 8 * 19
    assert set(found.training) | set(found.validation) == set(dataset.transitions())
    single = partition(dataset, len(dataset), 0.2, transitions=False, rng=rng())
    assert sorted([*single.training, *single.validation]) == list(range(200))


def test_only_the_first_steps_are_used(dataset):
    found = partition(dataset, 50, 0.3, transitions=True, rng=rng())
    assert max(found.training.max(), found.validation.max()) == 48, "the last has no next frame among the first 50"


def test_the_end_of_a_single_episode_is_held_out(dataset):
    found = partition(dataset, 20, 0.25, transitions=False, rng=rng())
    assert found.training.tolist() == list(range(15))
    assert found.validation.tolist() == list(range(15, 20))
    with pytest.raises(UserError, match=r"3 of the 200 steps of .* are too few .* larger --training-set-size"):
        partition(dataset, 3, 0.2, transitions=True, rng=rng())


def test_order_of_an_epoch():
    steps = np.arange(100, 200)
    assert sorted(epoch_order(steps, None, rng())) == steps.tolist()
    classes = (steps >= 195).astype(int)  # 95 of one reward and 5 of the other
    drawn = np.concatenate([epoch_order(steps, classes, np.random.default_rng(seed)) for seed in range(50)])
    assert np.mean(drawn >= 195) == pytest.approx(0.5, abs=0.03)


def test_minibatches_leave_out_a_single_step():
    assert [len(part) for part in minibatches(np.arange(10), 4)] == [4, 4, 2]
    assert [len(part) for part in minibatches(np.arange(9), 4)] == [4, 4]


def test_samples_hold_both_frames_of_a_transition(dataset):
    reader = FrameReader(dataset, len(dataset))
    parts = [np.array([5, 3]), np.array([100, 7])]
    samples = list(read_ahead(reader, parts, transitions=True))
    assert [sample.steps.tolist() for sample in samples] == [[5, 3], [100, 7]]
    assert np.array_equal(samples[1].frames, dataset.frames(np.array([100, 7, 101, 8])))


def frame_threads():
    return [thread for thread in threading.enumerate() if thread.name == "frames"]


def test_the_thread_ends_with_its_reader(dataset):
    reader = FrameReader(dataset, len(dataset))
    samples = read_ahead(reader, [np.arange(4)] * 50, transitions=False)
    next(samples)
    assert frame_threads()
    samples.close()
    assert not frame_threads()


class Broken:
    def read(self, steps):
        raise UserError("frame 7 is missing")


def test_an_error_of_the_thread_is_raised():
    with pytest.raises(UserError, match="frame 7 is missing"):
        list(read_ahead(Broken(), [np.arange(4)], transitions=False))
    assert not frame_threads()
