"""``.checkpoint_state.json`` is written whole and read with distrust."""

import json
import os

import pytest

from rl_baselines.play.policies.state_file import AUTO, MANUAL, Choice, ChoiceReader, read_choice, write_choice
from srl3.errors import UserError


def test_without_a_file_the_newest_is_followed(run):
    assert read_choice(run) == Choice(AUTO, None)


def test_a_choice_comes_back(run):
    chosen = run.checkpoint(200)
    write_choice(run, Choice(MANUAL, chosen, "a panel"))
    assert read_choice(run) == Choice(MANUAL, chosen.absolute(), "a panel")
    content = json.loads(run.checkpoint_state.read_text())
    assert set(content) == {"mode", "checkpoint_path", "last_update", "experiment_dir", "writer"}
    assert content["experiment_dir"] == str(run.path.absolute())


def test_a_path_within_the_folder_may_be_relative(run):
    run.checkpoint_state.write_text(
        json.dumps({"mode": "manual", "checkpoint_path": "checkpoints/model_100_steps.zip"})
    )
    assert read_choice(run).checkpoint == run.checkpoint(100)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"mode": "manual", "checkpoint_path": "/etc/passwd"}', "outside of the run folder"),
        ('{"mode": "manual", "checkpoint_path": "../other/latest.zip"}', "outside of the run folder"),
        ('{"mode": "manual", "checkpoint_path": "train.log"}', "no checkpoint of this run"),
        ('{"mode": "manual", "checkpoint_path": "gone.zip"}', "no checkpoint of this run"),
        ('{"mode": "manual", "checkpoint_path": "a\\u0000b.zip"}', "outside of the run folder"),
        ('{"mode": "manual", "checkpoint_path": 5}', "names no checkpoint"),
        ('{"mode": "manual"}', "names no checkpoint"),
        ('{"mode": "manual", "checkpoint_path": "latest', "half-written"),
        ('{"mode": "<script>"}', "may be auto or manual"),
        ("[]", "damaged"),
        ("[" * 20_000, "damaged"),
        ("\ud800", "damaged"),
        (" " * 70_000, "larger than 64 kB"),
    ],
)
def test_what_is_wrong_is_said(run, content, said):
    run.checkpoint_state.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError, match=said):
        read_choice(run)


def test_a_link_out_of_the_folder_is_not_followed(run, tmp_path):
    outside = tmp_path / "model.zip"
    outside.write_bytes(run.latest.read_bytes())
    (run.path / "inside.zip").symlink_to(outside)
    run.checkpoint_state.write_text(json.dumps({"mode": "manual", "checkpoint_path": "inside.zip"}))
    with pytest.raises(UserError, match="outside of the run folder"):
        read_choice(run)


def test_a_reader_keeps_the_last_good_choice_and_says_why(run):
    reader = ChoiceReader(run)
    assert reader.look(0.0) is None
    write_choice(run, Choice(MANUAL, run.checkpoint(100)))
    assert reader.look(1.0) == Choice(MANUAL, run.checkpoint(100).absolute())
    run.checkpoint_state.write_text('{"mode": "man')
    assert reader.look(2.0) is None
    assert "half-written" in reader.problem
    write_choice(run, Choice(AUTO, None))
    os.utime(run.checkpoint_state, ns=(1, 1))
    assert reader.look(3.0) == Choice(AUTO, None)
    assert reader.problem == ""


def test_a_pipe_is_not_waited_for(run):
    os.mkfifo(run.checkpoint_state)
    with pytest.raises(UserError, match="is no file"):
        read_choice(run)


def test_what_others_wrote_gives_no_orders_to_a_terminal(run):
    run.checkpoint_state.write_text(json.dumps({"mode": "auto", "writer": "me\u001b[2J\nyou"}))
    assert read_choice(run).writer == "me?[2J?you"
