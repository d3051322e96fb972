"""The folder of the page's scripts: found, filled and served."""

import re
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from rl_baselines.tracking import visdom_scripts
from rl_baselines.tracking.visdom_scripts import fetch, missing_scripts, scripts_folder, static_folder
from rl_baselines.tracking.visdom_server import ensure_server, request
from srl3.errors import UserError

pytest.importorskip("visdom")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page that asks for two scripts and brings one along."""
    static = tmp_path / "static"
    (static / "js").mkdir(parents=True)
    (static / "js" / "main.js").write_text("ours")
    names = ("js/main.js", "js/jquery.min.js", "js/mathjax/2.7.5/MathJax.js")
    (static / "index.html").write_text(
        "".join(f'<script src={{{{ static_url("{name}") }}}}></script>' for name in names)
    )
    return static


def test_the_folder_is_named_or_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SRL3_VISDOM_SCRIPTS", str(tmp_path))
    assert scripts_folder() == tmp_path
    monkeypatch.delenv("SRL3_VISDOM_SCRIPTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert scripts_folder() == tmp_path / "srl3" / "visdom-0.2.4"


def test_what_the_page_lacks(page: Path, tmp_path: Path) -> None:
    assert missing_scripts(page, tmp_path / "scripts") == ["js/jquery.min.js"]
    (tmp_path / "scripts" / "js").mkdir(parents=True)
    (tmp_path / "scripts" / "js" / "jquery.min.js").write_text("")
    assert missing_scripts(page, tmp_path / "scripts") == []


def test_the_table_holds_all_that_visdoms_page_asks_for_in_its_versions() -> None:
    import visdom
    from visdom.server import build

    static = static_folder()
    assert static is not None
    assert visdom.__version__ == visdom_scripts.VERSION
    table = {target for files in visdom_scripts.PACKAGES.values() for target in files.values()}
    asked = re.findall(r"static_url\([\"']((?:js|css)/[^\"']+)[\"']\)", (static / "index.html").read_text())
    brought = {str(file.relative_to(static)) for file in static.rglob("*")}
    assert {name for name in asked if "mathjax" not in name} - brought <= table
    source = Path(build.__file__).read_text()
    packages = dict(package.split("@") for package in visdom_scripts.PACKAGES)
    for name, version in re.findall(r'"%s([a-z-]+)@([\d.]+)/', source):
        assert packages.get(name, version) == version
    assert f"plotly-{packages['plotly.js-dist-min']}.min.js" in source


def fake_npm(folder: Path, archive: Path | None) -> None:
    """An npm that leaves this archive where it is asked to, or fails."""
    code = f"import shutil; shutil.copy({str(archive)!r}, '.')" if archive else "raise SystemExit(1)"
    npm = folder / "npm"
    npm.write_text(f"#!{sys.executable}\n{code}\n")
    npm.chmod(0o755)


def archive(folder: Path, name: str, member: str, text: str) -> Path:
    (folder / "file").write_text(text)
    path = folder / name
    with tarfile.open(path, "w:gz") as tar:
        tar.add(folder / "file", f"package/{member}")
    return path


def test_npms_files_arrive_under_the_names_that_the_page_asks_for(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_npm(tmp_path, archive(tmp_path, "jquery-3.1.1.tgz", "dist/jquery.min.js", "whole"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(visdom_scripts, "_fetch_as_visdom", lambda _: pytest.fail("nothing is missing any more"))
    fetch(page, tmp_path / "scripts")
    assert [file for file in (tmp_path / "scripts").rglob("*") if file.is_file()] == [
        tmp_path / "scripts" / "js" / "jquery.min.js"
    ]
    assert (tmp_path / "scripts" / "js" / "jquery.min.js").read_text() == "whole"


def test_what_npm_cannot_bring_comes_as_visdom_fetches_it(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from visdom.server import build

    def download(install_dir: str) -> None:
        folder = Path(install_dir) / "static" / "js"
        folder.mkdir(parents=True)
        (folder / "jquery.min.js").write_text("whole")
        (folder / "empty.js").write_text("")
        raise ConnectionError("the internet ended here")

    fake_npm(tmp_path, None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build, "download_scripts", download)
    timeout = socket.getdefaulttimeout()
    fetch(page, tmp_path / "scripts")
    assert socket.getdefaulttimeout() == timeout
    assert [file.name for file in (tmp_path / "scripts").rglob("*") if file.is_file()] == ["jquery.min.js"]


def test_the_command_names_what_cannot_be_had(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(visdom_scripts, "static_folder", lambda: page)
    monkeypatch.setattr(visdom_scripts, "_fetch_as_visdom", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"js/jquery.min.js can't be fetched; run this on a machine with a network"):
        visdom_scripts.main([str(tmp_path / "scripts")])
    (tmp_path / "scripts" / "js").mkdir()
    (tmp_path / "scripts" / "js" / "jquery.min.js").write_text("by hand")
    visdom_scripts.main([str(tmp_path / "scripts")])
    assert f"are in {tmp_path / 'scripts'};" in capsys.readouterr().out


def test_the_server_serves_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SRL3_VISDOM_SCRIPTS", str(tmp_path / "scripts"))
    (tmp_path / "scripts" / "js").mkdir(parents=True)
    (tmp_path / "scripts" / "js" / "jquery.min.js").write_text("from the folder")
    (tmp_path / "secret.js").write_text("not for the page")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ensure_server(port, page_seconds=0)
    assert server is not None
    try:
        assert request(port, "GET", "/static/js/jquery.min.js") == (200, "from the folder")
        assert request(port, "GET", "/static/js/main.js")[0] == 200
        assert request(port, "GET", "/static/js/nowhere.js")[0] == 404
        assert request(port, "GET", "/static/../secret.js")[0] in (403, 404)
        assert request(port, "GET", "/static/%2e%2e/secret.js")[0] in (403, 404)
    finally:
        server.stop()


def test_it_is_a_command() -> None:
    command = [sys.executable, "-m", "rl_baselines.tracking.visdom_scripts", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert "SRL3_VISDOM_SCRIPTS" in done.stdout
