"""Using an encoder: batches, folders, damage, checkpoints."""

import json
import pickle

import numpy as np
import pytest
import torch

from srl3.errors import UserError
from srl3.formats.tensors import read_tensors
from state_representation.encoding.encoder import (
    EncoderInfo,
    find_device,
    fingerprint,
    load_encoder,
    make_encoder,
    write_tensors,
)
from state_representation.store.log_folder import LEARN_AGAIN, LogFolder

from .made import make_random_encoder, write_random_representation


def frames(number, shape=(40, 48, 3)):
    return np.random.default_rng(0).integers(0, 256, (number, *shape), dtype=np.uint8)


def test_states_are_the_network_s_whatever_the_batch():
    encoder = make_random_encoder()
    seen = frames(300)  # several passes
    states = encoder(seen)
    assert states.shape == (300, 5)
    assert states.dtype == np.float32
    singly = np.concatenate([encoder(frame[None]) for frame in seen[::50]])
    np.testing.assert_allclose(states[::50], singly, rtol=1e-4, atol=1e-5)
    assert encoder(seen[:0]).shape == (0, 5)
    np.testing.assert_allclose(encoder(seen[::-1])[::-1], states, rtol=1e-4, atol=1e-5)


def test_frames_of_another_shape_are_refused():
    encoder = make_random_encoder()
    for wrong in (frames(1, (48, 40, 3)), frames(1, (40, 48, 6)), frames(1)[0], frames(1).astype(np.float32)):
        with pytest.raises(ValueError, match=r"frames are \(n, 40, 48, 3\) uint8"):
            encoder(wrong)


def test_height_and_width_are_not_exchanged():
    """A linear encoder whose one weight is on the pixel in row 3, column 45."""
    encoder = make_random_encoder(model_type="linear", state_dim=1)
    tensors = encoder.tensors()
    tensors["head.weight"].zero_()
    tensors["head.bias"].zero_()
    tensors["head.weight"].view(1, 40, 48, 3)[0, 3, 45, 2] = 10
    again = make_encoder(make_random_encoder(model_type="linear", state_dim=1, fingerprint="").info, tensors, "cpu")
    frame = np.zeros((1, 40, 48, 3), np.uint8)
    frame[0, 3, 45, 2] = 51
    assert again(frame)[0, 0] == pytest.approx(10 * 51 / 255)


def test_the_first_view_only():
    encoder = make_random_encoder(img_shape=(40, 48, 6), first_view_only=True)
    seen = frames(4, (40, 48, 6))
    other = seen.copy()
    other[..., 3:] = 0
    assert np.array_equal(encoder(seen), encoder(other))


def test_a_log_folder_and_a_checkpoint_give_the_same_states(tmp_path):
    made = write_random_representation(tmp_path / "random")
    loaded = load_encoder(tmp_path / "random", "cpu")
    by_file = load_encoder(tmp_path / "random" / "srl_model.pth", "cpu")
    rebuilt = make_encoder(EncoderInfo.from_dict(json.loads(json.dumps(loaded.info.as_dict()))), loaded.tensors())
    seen = frames(9)
    for other in (loaded, by_file, rebuilt):
        assert np.array_equal(other(seen), made(seen))
        assert other.info.fingerprint == fingerprint(made.tensors())


def test_the_fingerprint_tells_tensors_apart():
    tensors = make_random_encoder().tensors()
    changed = {**tensors, "head.bias": tensors["head.bias"] + 1e-6}
    renamed = {name.replace("head", "heads"): tensor for name, tensor in tensors.items()}
    assert len({fingerprint(found) for found in (tensors, changed, renamed)}) == 3


def test_missing_and_damaged_folders(tmp_path):
    with pytest.raises(UserError, match=r"there is no representation in .*nowhere: exp_config.json is missing"):
        load_encoder(tmp_path / "nowhere")
    write_random_representation(tmp_path / "random")
    folder = LogFolder(tmp_path / "random")
    whole = folder.model.read_bytes()
    folder.model.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"srl_model.pth is damaged"):
        load_encoder(folder.path)
    folder.model.unlink()
    with pytest.raises(UserError, match=r"srl_model.pth is missing"):
        load_encoder(folder.path)
    folder.model.write_bytes(whole)
    for text in ("{", "{}", '{"encoder": {"srl_model": "random"}}', "[]"):
        folder.config.write_text(text)
        with pytest.raises(UserError, match=r"exp_config.json is damaged"):
            load_encoder(folder.path)


def test_other_tensors_than_described(tmp_path):
    encoder = make_random_encoder()
    with pytest.raises(UserError, match="does not hold the tensors of mlp with 5 numbers"):
        make_encoder(make_random_encoder(model_type="mlp").info, encoder.tensors())
    described = EncoderInfo.from_dict({**encoder.info.as_dict(), "fingerprint": "0" * 64})
    with pytest.raises(UserError, match="other tensors than its description says"):
        make_encoder(described, encoder.tensors())


class Code:
    def __reduce__(self):
        return (open, ("/nonexistent/should-not-be-opened", "w"))


def test_no_code_runs_from_a_file(tmp_path):
    path = tmp_path / "evil.pth"
    torch.save({"encoder.head.bias": Code()}, path)
    with pytest.raises(UserError, match=r"is damaged \(it holds something other than tensors\)"):
        read_tensors(path, LEARN_AGAIN)
    path.write_bytes(pickle.dumps({"a": 1}, protocol=2))
    with pytest.raises(UserError, match="damaged"):
        read_tensors(path, LEARN_AGAIN)


def test_tensors_are_written_in_one_piece(tmp_path):
    path = tmp_path / "some.pth"
    write_tensors(path, {"a": torch.arange(3), "b": [1.5, {"c": 2}]})
    found = read_tensors(path, LEARN_AGAIN)
    assert found["a"].tolist() == [0, 1, 2]
    assert found["b"] == [1.5, {"c": 2}]
    assert [file.name for file in tmp_path.iterdir()] == ["some.pth"]


def test_an_unknown_device():
    with pytest.raises(UserError, match="torch can't use the device 'gpu'"):
        find_device("gpu")
    assert find_device("cpu").type == "cpu"
