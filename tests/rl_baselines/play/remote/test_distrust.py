"""Whoever offers a run, a mirror takes nothing but files of a run, and says what is wrong."""

import json
import os
import pickle
import shutil
import socket
import zipfile

import pytest

from rl_baselines.play import main
from rl_baselines.play.remote.client import RunClient
from rl_baselines.play.remote.command import read_token
from rl_baselines.play.remote.connect import Mirrors
from rl_baselines.play.remote.listing import Listing, Version, listing_text, parse_listing
from rl_baselines.play.remote.mirror import make_mirror
from srl3.errors import UserError
from tests.rl_baselines.play.conftest import Watching, turn_until
from tests.rl_baselines.play.remote.tunnel import Tunnel


def version(name: str = "latest.zip", **changes: object) -> dict[str, object]:
    return {"name": name, "size": 3, "mtime_ns": 5, "sha256": "0" * 64, **changes}


def listed(*files: object, **changes: object) -> bytes:
    tree = {"srl3": "run", "format": 1, "run": "a", "identity": "0" * 12, "files": list(files), **changes}
    return json.dumps(tree).encode()


def test_a_listing_comes_back():
    listing = Listing("a", "0" * 12, (Version("latest.zip", 3, 5, "0" * 64),))
    assert parse_listing(listing_text(listing).encode()) == listing


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"[]",
        b"{}",
        b"\xff",
        listed(format=2),
        listed(identity="../../../../"),
        listed(run=3),
        listed(version(size=-1)),
        listed(version(size=True)),
        listed(version(size=1e300)),
        listed(version(mtime_ns="now")),
        listed(version(sha256="0" * 63 + "/")),
        listed("latest.zip"),
        listed(files=None),
    ],
)
def test_what_is_no_listing_is_refused(content):
    with pytest.raises(ValueError):
        parse_listing(content)


@pytest.mark.parametrize(
    "name",
    [
        "../evil.zip",
        "/etc/cron.d/evil",
        "checkpoints/../../evil.zip",
        "evil.py",
        "latest.zip\n",
        "model_1_steps.zip",
        "",
    ],
)
def test_names_that_no_run_shares_are_left_out(name):
    assert [each.name for each in parse_listing(listed(version(name), version())).files] == ["latest.zip"]


@pytest.mark.parametrize("name", ["../../evil", "..", "a/b", "/tmp/evil", "<b>", "", "x" * 300])
def test_a_mirror_stays_in_its_folder_whatever_the_run_is_called(served, tmp_path, name, monkeypatch):
    listing = served.offer.listing()
    monkeypatch.setattr(served.offer, "listing", lambda: Listing(name, listing.identity, listing.files))
    mirror = make_mirror(RunClient(served.address), tmp_path / "here")
    mirror.close()
    assert mirror.run.path.parent == tmp_path / "here" / "mirrored"
    assert mirror.run.args.is_file()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


def test_a_pickle_that_is_offered_is_not_run(mirror, run, play, clock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert mirror.round()
    player, viewer = play(mirror.run), Watching()
    player.paused = True
    player.turn(viewer)
    with zipfile.ZipFile(run.latest) as old, zipfile.ZipFile(tmp_path / "evil.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, pickle.dumps(Evil(), 2) if name == "policy.pth" else old.read(name))
    shutil.copy(tmp_path / "evil.zip", run.latest)
    assert mirror.round()
    turn_until(player, viewer, clock, lambda: bool(player.slots[0].problem))
    assert "something other than tensors" in player.slots[0].problem
    assert player.slots[0].trained_steps == 400
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("address", ["http://", "https://127.0.0.1:8700", "http://127.0.0.1:99999", "http://a b"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(UserError, match=r"is no address of a run; one is http://127\.0\.0\.1:8700"):
        RunClient(address)


def test_nobody_there_is_said_or_waited_for(served, tmp_path, clock):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
    said: list[str] = []
    with pytest.raises(UserError, match=r"nobody listens there.*--wait waits for it"):
        Mirrors(tmp_path, "", False, said.append).source(nowhere)
    tunnel = Tunnel(served.server_address[1])
    tunnel.up = False

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        tunnel.up = clock.now >= 40

    mirrors = Mirrors(tmp_path, "", True, said.append, clock, sleep)
    source = mirrors.source(tunnel.address)
    assert mirrors.source(f"{tunnel.address}/").link is source.link
    mirrors.close()
    tunnel.close()
    assert source.run is not None
    assert source.run.args.is_file()
    assert tunnel.address in said[0]
    assert "30 s so far" in said[1]


def test_a_server_of_something_else_is_said(tmp_path, served, monkeypatch):
    monkeypatch.setattr(served.offer, "listing", lambda: Listing("a", "nothing", ()))
    with pytest.raises(UserError, match="offers no run that can be watched"):
        make_mirror(RunClient(served.address), tmp_path)


def test_a_token_is_made_once_and_for_its_owner_alone(tmp_path):
    from rl_baselines.play.remote import command

    path = tmp_path / "token"
    token = command._made_token(path)
    assert len(token) >= 30
    assert path.stat().st_mode & 0o077 == 0
    assert command._made_token(path) == token == read_token(path)
    path.write_text("two words\n")
    with pytest.raises(UserError, match="holds no token"):
        read_token(path)
    with pytest.raises(UserError, match="copy it from the machine"):
        read_token(tmp_path / "gone")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--serve"], "--serve offers the run that --run names"),
        (["--serve", "--compare", "a", "b"], "and takes no --compare"),
        (["--serve", "--run", "a", "--viewer", "none"], "and takes no --viewer"),
        (["--serve", "--run", "http://127.0.0.1:8700"], "a run of this machine"),
        (["--serve", "--run", "random"], "a run with its checkpoints, and random is none"),
        (["--serve", "--run", "nowhere"], "no run at nowhere"),
        (["--run", "http://127.0.0.1:1/", "--trust-pickle"], "from an address is never unpickled"),
        (["--run", "http://127.0.0.1:1/"], "no run is offered at http://127.0.0.1:1"),
    ],
)
def test_what_can_not_be_offered_or_mirrored_is_said(flags, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        main(flags)
    assert list(tmp_path.iterdir()) == []
