"""A Hub on the loopback address: the parts of its HTTP API that huggingface_hub 2.4 asks for, over a real socket.

Routes: GET /api/models/<repo>/revision/<rev>?blobs=true, GET /api/models/<repo>/tree/<rev>, HEAD and GET
/<repo>/resolve/<rev>/<path>, with large files (safetensors) behind a redirect, as the real one keeps them elsewhere.
What it does wrong is up to the test.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_SECONDS

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository, its manners, and what was asked of it."""

    repo: str
    folder: Path
    url: str = ""
    elsewhere: str = ""  # where large files are: another host, as for a browser or a client
    tokens_elsewhere: list[str] = field(default_factory=list)  # what came there and must not
    gate: str = ""  # the token that may in; "" lets anybody in
    account: str = ""  # "fineGrained", "read" or "write": what the token in `gate` is; "": this Hub is not asked that
    reads_gated: bool = False  # and, of a fine-grained one, whether it may read gated repositories
    busy: int = 0  # so many requests are answered with 503
    cuts: int = 0  # so many large answers break off in the middle
    damages: int = 0  # so many large answers have a wrong byte
    instead: bytes = b""  # what large answers are, as from a proxy that wants a sign-in
    hold: threading.Event | None = None  # large answers stop in the middle until it is set
    held: threading.Event = field(default_factory=threading.Event)  # one of them got there
    asked: list[str] = field(default_factory=list)  # "GET /tiny/one/resolve/..."
    starts: dict[str, int] = field(default_factory=dict)  # where the latest answer began, by path of large files
    bytes_sent: dict[str, int] = field(default_factory=dict)  # of large files, by path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, what: str) -> bool:
        """Whether it is the turn of a mishap, of which there are so many."""
        with self.lock:
            left = getattr(self, what)
            setattr(self, what, max(0, left - 1))
            return left > 0

    def paths(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def sha256(self, path: str) -> str:
        return hashlib.sha256((self.folder / path).read_bytes()).hexdigest()

    def large(self) -> list[str]:
        return [path for path in self.paths() if _is_large(path)]

    def size(self) -> int:
        """Bytes of all large files."""
        return sum((self.folder / path).stat().st_size for path in self.large())


@contextmanager
def serving(repo: str, folder: Path) -> Iterator[Hub]:
    hub = Hub(repo, folder)

    class Handler(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    hub.elsewhere = f"http://localhost:{server.server_address[1]}/elsewhere"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        if hub.hold is not None:
            hub.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.served, self.path.partition("?")[0]
        with hub.lock:
            hub.asked.append(f"{self.command} {path}")
        if hub.take("busy"):
            self._answer(503, b"busy")
        elif path == "/api/whoami-v2":
            self._who()
        elif found := re.fullmatch(f"/api/models/{hub.repo}(?:/revision/(.+))?", path):
            info = json.dumps(self._info(found.group(1) or "main")).encode()
            self._answer(200, info, {"Content-Type": "application/json"})
        elif re.fullmatch(f"/api/models/{hub.repo}/tree/.+", path):
            self._answer(200, json.dumps(self._tree()).encode(), {"Content-Type": "application/json"})
        elif found := re.fullmatch(f"/{hub.repo}/resolve/([^/]+)/(.+)", path):
            self._resolve(found.group(1), found.group(2))
        elif found := re.fullmatch(r"/elsewhere/(.+)", path):
            self._large(found.group(1))
        else:
            self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # whoever asked has left
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass

    def _who(self) -> None:
        """Source: what https://huggingface.co/api/whoami-v2 answers, as far as it is read."""
        hub = self.served
        if self.headers.get("Authorization", "") != f"Bearer {hub.gate}":
            self._answer(401, b'{"error": "Invalid credentials in Authorization header"}')
            return
        token: dict[str, object] = {"displayName": "laptop", "role": hub.account}
        if hub.account == "fineGrained":
            token["fineGrained"] = {"canReadGatedRepos": hub.reads_gated, "scoped": []}
        body = {"type": "user", "name": "ada", "auth": {"type": "access_token", "accessToken": token}}
        self._answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _info(self, revision: str = "main") -> dict[str, object]:
        hub = self.served
        siblings = []
        for path in hub.paths():
            size = (hub.folder / path).stat().st_size
            lfs = {"lfs": {"sha256": hub.sha256(path), "size": size, "pointerSize": 134}} if _is_large(path) else {}
            siblings.append({"rfilename": path, "size": size, "blobId": _git_id(hub.folder / path), **lfs})
        commit = COMMIT if revision == "main" else revision
        return {"id": hub.repo, "modelId": hub.repo, "sha": commit, "siblings": siblings, "private": False, "tags": []}

    def _tree(self) -> list[dict[str, object]]:
        siblings: Any = self._info()["siblings"]
        renamed = []
        for each in siblings:
            lfs = {"lfs": each["lfs"] | {"oid": each["lfs"]["sha256"]}} if "lfs" in each else {}
            renamed.append(
                {"type": "file", "path": each["rfilename"], "size": each["size"], "oid": each["blobId"], **lfs}
            )
        return renamed

    def _resolve(self, revision: str, path: str) -> None:
        hub = self.served
        commit = COMMIT if revision == "main" else revision
        file = hub.folder / path
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if hub.gate and token != hub.gate:
            if token.startswith("expired"):
                self._answer(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"})
            else:
                self._answer(403 if token else 401, b"", {"X-Error-Code": "GatedRepo"})
        elif not file.is_file():
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif _is_large(path):
            etag, size = f'"{hub.sha256(path)}"', str(file.stat().st_size)
            headers = {"X-Linked-Etag": etag, "X-Linked-Size": size, "Location": f"{hub.elsewhere}/{path}"}
            self._answer(302, b"", headers | {"X-Repo-Commit": commit})
        else:
            headers = {"ETag": f'"{_git_id(file)}"', "X-Repo-Commit": commit}
            self._answer(200, file.read_bytes(), headers)

    def _large(self, path: str) -> None:
        hub = self.served
        content = (hub.folder / path).read_bytes()
        start = int(re.sub(r"\D", "", self.headers.get("Range", "0")))
        with hub.lock:
            hub.starts[path] = start
            hub.tokens_elsewhere += self.headers.get_all("Authorization", [])
        if hub.instead:
            self._answer(200, hub.instead)
            return
        if start >= len(content):
            self._answer(416, b"")
            return
        if hub.take("damages"):
            content = content[:-1] + bytes([content[-1] ^ 1])
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        self._send(path, body[:half])
        if hub.hold is not None:
            hub.held.set()
            hub.hold.wait(PATIENCE_SECONDS)
        if hub.take("cuts"):
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self._send(path, body[half:])

    def _send(self, path: str, part: bytes) -> None:
        try:
            self.wfile.write(part)
            self.wfile.flush()
        except OSError:  # whoever asked has left
            self.close_connection = True
            return
        with self.served.lock:
            self.served.bytes_sent[path] = self.served.bytes_sent.get(path, 0) + len(part)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _is_large(path: str) -> bool:
    return path.endswith((".safetensors", ".bin"))


def _git_id(file: Path) -> str:
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
