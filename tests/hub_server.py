"""A hub on the loopback interface, in a process of its own: the part of its API that looking up and fetching a model use.

`python tests/hub_server.py FOLDER` prints its port. FOLDER/<owner>/<name>/refs.json holds commits by branch and the licence, FOLDER/<owner>/<name>/<commit>/ the
files. Safetensors are large files, known by their SHA-256, all others by their git digest. A file whose name is in refs.json's `spoilt` comes with another byte.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_ROOT = Path(sys.argv[1]) if __name__ == "__main__" else Path()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run the server; yields its address, for HF_ENDPOINT."""
    process = subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def put(folder: Path, model: str, commit: str, files: dict[str, bytes], **refs: Any) -> None:
    """A commit of a model that ``main`` stands for from now on."""
    place = folder / model
    for name, content in files.items():
        path = place / commit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (place / "refs.json").write_text(json.dumps({"main": commit, **refs}))


def _git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class _Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            self._info(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2], found[3], body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _refs(self, model: str) -> dict[str, Any]:
        path = _ROOT / model / "refs.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def _info(self, model: str, revision: str) -> None:
        refs = self._refs(model)
        commit = refs.get(revision, revision)
        folder = _ROOT / model / str(commit)
        if not refs or not folder.is_dir():
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound" if refs else "RepoNotFound"})
            return
        siblings = []
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            data = path.read_bytes()
            one: dict[str, Any] = {"rfilename": str(path.relative_to(folder)), "size": len(data), "blobId": _git(data)}
            if path.suffix == ".safetensors":
                one["lfs"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 130}
            siblings.append(one)
        card = {"license": refs["licence"]} if "licence" in refs else {}
        value = {"id": model, "modelId": model, "sha": commit, "siblings": siblings, "cardData": card, "tags": [], "private": False}
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _file(self, model: str, commit: str, name: str, body: bool) -> None:
        path = _ROOT / model / commit / name
        if not path.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        data = path.read_bytes()
        etag = hashlib.sha256(data).hexdigest() if path.suffix == ".safetensors" else _git(data)
        if name in self._refs(model).get("spoilt", []):
            data = bytes([data[0] ^ 1]) + data[1:]
        self._send(200, data, {"X-Repo-Commit": commit, "ETag": f'"{etag}"'}, body=body)

    def _send(self, status: int, data: bytes, headers: dict[str, str], *, body: bool = True) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body and self.command == "GET":
            self.wfile.write(data)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    print(server.server_address[1], flush=True)
    server.serve_forever()
