"""A run is offered read-only, file by file, to this machine's own programs."""

import hashlib
import socket
import urllib.error
import urllib.request

import pytest

from rl_baselines.play.remote.client import RunClient
from rl_baselines.play.remote.listing import parse_listing
from rl_baselines.play.remote.mirror import make_mirror
from rl_baselines.play.remote.offer import Offer
from rl_baselines.play.remote.server import RunServer
from srl3.errors import UserError
from tests.rl_baselines.play.remote.conftest import files_of, serving


def asked(server: RunServer, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, content and headers of an answer."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.address + path, method=method, headers=names)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read(), dict(answer.headers)


def test_settings_monitors_and_checkpoints_are_offered_and_nothing_else(served, run):
    (run.path / "notes.txt").write_text("mine")
    run.checkpoint_state.write_text("{}")
    run.replay_buffer.write_bytes(b"large")
    listing = parse_listing(asked(served, "/")[1])
    names = [version.name for version in listing.files]
    expected = {"args.yaml", "plan.json", "env_kwargs.yaml", "train_config.yaml", "versions.yaml", "latest.zip"}
    expected |= {path.relative_to(run.path).as_posix() for path in (*run.numbered(), *run.monitors(), run.best_model)}
    assert set(names) == {name for name in expected if (run.path / name).is_file()}
    assert names.index("latest.zip") < names.index("checkpoints/model_300_steps.zip")
    for version in listing.files:
        content = (run.path / version.name).read_bytes()
        assert (version.size, version.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    "path",
    [
        "/files/train.log",
        "/files/.checkpoint_state.json",
        "/files/../secret.zip",
        "/files/checkpoints/../latest.zip",
        "/files/%2e%2e/secret.zip",
        "/files//etc/passwd",
        "/files/checkpoints",
        "/files/checkpoints/model_100_steps.zip?x=1",
        "/files/checkpoints/model_77_steps.zip",
        "/latest.zip",
        "/../../etc/passwd",
        "//etc/passwd",
    ],
)
def test_what_is_not_listed_is_not_given(served, run, path):
    run.checkpoint_state.write_text("{}")
    (run.path.parent / "secret.zip").write_bytes(b"secret")
    status, content, _ = asked(served, path)
    assert status == 404
    assert b"secret" not in content


def test_a_link_out_of_the_run_is_not_given(served, run, tmp_path):
    outside = tmp_path / "outside.zip"
    outside.write_bytes(b"secret")
    run.best_model.unlink(missing_ok=True)
    run.best_model.symlink_to(outside)
    assert asked(served, "/files/best_model.zip")[0] == 404
    assert "best_model.zip" not in [version.name for version in parse_listing(asked(served, "/")[1]).files]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8700"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example"},
    ],
)
def test_pages_get_nothing(served, headers):
    for path in ("/", "/files/latest.zip"):
        status, content, _ = asked(served, path, **headers)
        assert status == 403
        assert len(content) < 100


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(served, run, method):
    before = files_of(run.path)
    assert asked(served, "/files/latest.zip", method)[0] == 501
    assert files_of(run.path) == before


def test_it_listens_on_the_loopback_only(served):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", served.server_address[1]), timeout=5)


def test_a_token_is_asked_for(run, tmp_path):
    server = RunServer(Offer(run), 0, token="right")
    for _ in serving(server):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"}):
            assert asked(server, "/files/latest.zip", **headers)[0] == 401
        assert asked(server, "/", Authorization="Bearer right")[0] == 200
        with pytest.raises(UserError, match="wants the token"):
            make_mirror(RunClient(server.address, "wrong"), tmp_path / "here")
        make_mirror(RunClient(server.address, "right"), tmp_path / "here").close()


def test_files_have_an_etag_and_come_in_parts(served, run):
    whole = run.latest.read_bytes()
    etag = f'"{hashlib.sha256(whole).hexdigest()}"'
    status, content, headers = asked(served, "/files/latest.zip", Range="bytes=1000-", If_Match=etag)
    assert (status, content) == (206, whole[1000:])
    assert headers["Content-Range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    assert headers["ETag"] == etag
    assert asked(served, "/files/latest.zip", If_None_Match=etag)[:2] == (304, b"")
    assert asked(served, "/files/latest.zip", If_Match='"another"')[0] == 412
    assert asked(served, "/files/latest.zip", Range=f"bytes={len(whole)}-")[0] == 416
    assert asked(served, "/files/latest.zip", Range="lines=1-")[:2] == (200, whole)
    status, content, headers = asked(served, "/files/latest.zip", "HEAD")
    assert (status, content, headers["Content-Length"]) == (200, b"", str(len(whole)))
