"""A mirror is the offered run file by file, over a link that may break."""

import os
import shutil

import pytest

from rl_baselines.play.remote.client import LinkLost, RunClient
from rl_baselines.play.remote.mirror import make_mirror
from rl_baselines.play.remote.offer import GROWTH_SECONDS, Offer
from rl_baselines.runs.run_folder import RunFolder
from srl3.errors import UserError
from tests.rl_baselines.play.remote.conftest import files_of


def test_a_mirror_is_the_same_file_by_file(mirror, run, served):
    assert mirror.round()
    here, there = files_of(mirror.run.path), files_of(run.path)
    names = {version.name for version in served.offer.listing().files}
    assert set(here) == {*names, ".mirror.lock"}
    assert all(here[name] == there[name] for name in names)
    assert mirror.run.latest.stat().st_mtime_ns == run.latest.stat().st_mtime_ns
    assert mirror.run.path.name.startswith("robot_1-")


def test_only_what_changed_comes_again(mirror, tunnel, run):
    assert mirror.round()
    tunnel.asked.clear()
    assert mirror.round()
    assert [head.split()[1] for head in tunnel.asked] == ["/"]
    shutil.copy(run.checkpoint(100), run.latest)
    assert mirror.round()
    assert mirror.run.latest.read_bytes() == run.checkpoint(100).read_bytes()
    assert [head.split()[1] for head in tunnel.asked] == ["/", "/", "/files/latest.zip"]


def test_a_mirror_of_an_earlier_play_is_not_fetched_again(mirror, tunnel, tmp_path):
    assert mirror.round()
    mirror.close()
    tunnel.asked.clear()
    again = make_mirror(RunClient(tunnel.address), tmp_path / "here")
    assert again.run == mirror.run
    assert again.round()
    again.close()
    assert {head.split()[1] for head in tunnel.asked} == {"/"}


def test_a_link_that_breaks_midway_goes_on_where_it_was(mirror, tunnel, run):
    assert mirror.round()
    old = mirror.run.latest.read_bytes()
    content = os.urandom(200_000)
    run.latest.write_bytes(content)
    tunnel.carried, tunnel.limit = 0, 120_000
    with pytest.raises(LinkLost, match=r"broke|closed"):
        mirror.round()
    assert mirror.run.latest.read_bytes() == old, "half a file took the place of the old one"
    (part,) = mirror.run.path.glob(".latest.zip.*.part")
    have = part.stat().st_size
    assert 50_000 < have < 120_000
    with pytest.raises(LinkLost):
        mirror.round()
    tunnel.up, tunnel.carried = True, 0
    assert mirror.round()
    assert mirror.run.latest.read_bytes() == content
    assert f"Range: bytes={have}-" in tunnel.asked[-1]
    assert 200_000 - have <= tunnel.carried < 200_000 - have + 10_000
    assert not list(mirror.run.path.glob(".*.part"))


def test_what_was_begun_of_an_earlier_version_is_dropped(mirror, tunnel, run):
    run.latest.write_bytes(os.urandom(200_000))
    tunnel.limit = tunnel.carried + 120_000
    with pytest.raises(LinkLost):
        mirror.round()
    content = os.urandom(150_000)
    run.latest.write_bytes(content)
    tunnel.up = True
    assert mirror.round()
    assert mirror.run.latest.read_bytes() == content
    assert not list(mirror.run.path.glob(".*.part"))


def test_a_part_that_was_damaged_here_is_fetched_anew(mirror, tunnel, run):
    content = os.urandom(200_000)
    run.latest.write_bytes(content)
    tunnel.limit = tunnel.carried + 120_000
    with pytest.raises(LinkLost):
        mirror.round()
    (part,) = mirror.run.path.glob(".latest.zip.*.part")
    part.write_bytes(bytes(part.stat().st_size))
    tunnel.up = True
    assert mirror.round()
    assert mirror.run.latest.read_bytes() == content


def test_a_file_with_another_hash_is_not_taken(mirror, tunnel, run, served):
    assert mirror.round()
    old = mirror.run.latest.read_bytes()
    run.latest.write_bytes(os.urandom(5000))
    listing = served.offer.listing()
    tunnel.twist = True
    with pytest.raises(LinkLost, match="another SHA-256"):
        mirror.round(listing)
    assert mirror.run.latest.read_bytes() == old
    tunnel.twist = False
    assert mirror.round()
    assert mirror.run.latest.read_bytes() == run.latest.read_bytes()


def test_a_file_that_is_written_in_place_is_whole_in_the_end(mirror, run):
    whole = run.checkpoint(300).read_bytes()
    with run.latest.open("r+b") as file:
        file.truncate(0)
        for start in range(0, len(whole), len(whole) // 3 + 1):
            file.write(whole[start : start + len(whole) // 3 + 1])
            file.flush()
            mirror.round()
    assert mirror.round()
    assert mirror.run.latest.read_bytes() == whole


def test_of_a_file_that_grows_only_the_new_lines_come(mirror, tunnel, run, clock):
    assert mirror.round()
    (path,) = run.monitors()
    here = mirror.run.path / path.name
    with path.open("a") as file:
        file.write("1.0,10,3.0\n" * 20_000)
    mirror.round()
    assert here.stat().st_size < 100_000, "it is offered as it was for a while"
    clock.sleep(GROWTH_SECONDS)
    mirror.round()
    assert here.read_bytes() == path.read_bytes()
    with path.open("a") as file:
        file.write("2.0,10,4.0\n" * 10)
    clock.sleep(GROWTH_SECONDS)
    tunnel.carried = 0
    mirror.round()
    assert here.read_bytes() == path.read_bytes()
    assert tunnel.carried < 10_000


def test_a_monitor_file_that_a_resumed_run_cut_off_is_right_again(mirror, run, clock):
    assert mirror.round()
    (path,) = run.monitors()
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]) + "9.0,9,9.0\n" * len(lines))
    clock.sleep(GROWTH_SECONDS)
    mirror.round()
    assert (mirror.run.path / path.name).read_bytes() == path.read_bytes()


def test_a_checkpoint_that_is_gone_there_stays_here(mirror, run):
    assert mirror.round()
    run.checkpoint(100).unlink()
    assert mirror.round()
    assert mirror.run.checkpoint(100).is_file()


def test_another_run_at_the_same_address_is_refused(mirror, served, run, tmp_path):
    assert mirror.round()
    before = files_of(mirror.run.path)
    other = tmp_path / "logs" / "robot_2"
    shutil.copytree(run.path, other)
    (other / "latest.zip").write_bytes(b"other")
    served.offer = Offer(RunFolder(other))
    with pytest.raises(UserError, match="another run by now, 'robot_2'; start another play"):
        mirror.round()
    assert files_of(mirror.run.path) == before


def test_two_plays_share_a_mirror_and_the_second_goes_on_with_it(mirror, tunnel, run, tmp_path):
    assert mirror.round()
    second = make_mirror(RunClient(tunnel.address), tmp_path / "here")
    shutil.copy(run.checkpoint(100), run.latest)
    assert second.round()
    assert second.run.latest.read_bytes() != run.latest.read_bytes(), "both wrote"
    mirror.close()
    assert second.round()
    assert second.run.latest.read_bytes() == run.latest.read_bytes()
    second.close()
