"""A server with the HTTP interface of the Hugging Face hub that its client uses: repositories, commits, large files."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".zip", ".mp4", ".onnx", ".png", ".pkl")
"""what the hub keeps apart from text"""
TOKEN = "hf_the_right_one"


class StandIn(ThreadingHTTPServer):
    """Keeps repositories in memory; a context manager that serves in a thread."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.messages: dict[str, list[str]] = {}
        self.private: set[str] = set()
        self.large: dict[str, bytes] = {}
        self.broken = False
        """answer everything with status 500"""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "StandIn":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        path, body = self._path(), self._body()
        if self.server.broken:
            self._answer(500, {"error": "Internal Error"})
        elif path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif not self._is_known():
            self._answer(401, {"error": "Invalid username or password."})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        else:
            *_, organization, name, verb, _revision = path.split("/")
            assert verb in ("preupload", "commit")
            if verb == "preupload":
                self._preupload(json.loads(body)["files"])
            else:
                self._commit(f"{organization}/{name}", [json.loads(line) for line in body.splitlines() if line])

    def do_PUT(self) -> None:
        content = self._body()
        self.server.large[hashlib.sha256(content).hexdigest()] = content
        self._answer(200, {})

    def do_HEAD(self) -> None:
        self._resolve(with_body=False)

    def do_GET(self) -> None:
        path = self._path()
        repository = "/".join(path.split("/")[3:5])
        if self.server.broken:
            self._answer(500, {"error": "Internal Error"})
        elif not path.startswith("/api/models/"):
            self._resolve(with_body=True)
        elif not self._may_see(repository):
            self._missing()
        else:
            siblings = [{"rfilename": name} for name in sorted(self.server.repositories[repository])]
            self._answer(200, {"id": repository, "sha": "0" * 40, "siblings": siblings, "private": False})

    def _create(self, wanted: dict[str, Any]) -> None:
        repository = f"{wanted['organization']}/{wanted['name']}"
        if wanted["organization"] == "not-mine":
            self._answer(403, {"error": "You don't have the rights to create a model there"})
            return None
        known = repository in self.server.repositories
        self.server.repositories.setdefault(repository, {})
        if wanted.get("visibility") == "private" or wanted.get("private"):
            self.server.private.add(repository)
        return self._answer(409 if known else 200, {"url": f"{self.server.address}/{repository}"})

    def _preupload(self, files: list[dict[str, Any]]) -> None:
        modes = {file["path"]: "lfs" if file["path"].endswith(LARGE) else "regular" for file in files}
        told = [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]
        self._answer(200, {"files": told})

    def _batch(self, wanted: dict[str, Any]) -> None:
        objects = [
            {
                "oid": each["oid"],
                "size": each["size"],
                "actions": {"upload": {"href": f"{self.server.address}/large/{each['oid']}"}},
            }
            for each in wanted["objects"]
        ]
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
        files = self.server.repositories[repository]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.server.messages.setdefault(repository, []).append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.large[value["oid"]]
        url = f"{self.server.address}/{repository}/commit/{'0' * 40}"
        self._answer(200, {"commitUrl": url, "commitOid": "0" * 40, "success": True})

    def _resolve(self, *, with_body: bool) -> None:
        _, organization, name, verb, _revision, *rest = self._path().split("/")
        repository = f"{organization}/{name}"
        content = self.server.repositories.get(repository, {}).get("/".join(rest))
        if verb != "resolve" or not self._may_see(repository):
            self._missing()
        elif content is None:
            self._missing("EntryNotFound")
        else:
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)

    def _may_see(self, repository: str) -> bool:
        there = repository in self.server.repositories
        return there and (repository not in self.server.private or self._is_known())

    def _is_known(self) -> bool:
        return self.headers.get("authorization") == f"Bearer {TOKEN}"

    def _missing(self, code: str = "RepoNotFound") -> None:
        self._answer(404, {"error": "Repository not found"}, {"X-Error-Code": code})

    def _answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)
