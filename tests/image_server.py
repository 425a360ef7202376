"""A server on the loopback interface that speaks three image APIs (OpenAI's edits, Gemini's generateContent, Ark's generations), in a process of its own.

`python tests/image_server.py LOG FAULTS LATENCY` prints its port. What it is asked goes to LOG, a line a request. FAULTS: a JSON object of shares by name;
`slow_first` befalls a request when it comes for the first time. It answers with the source picture mirrored.
"""

import base64
import email.policy
import hashlib
import io
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image, ImageOps

PATHS = {"openai": "/v1", "gemini": "/v1beta", "ark": "/api/v3"}


@contextmanager
def served(log: Path, faults: dict[str, float] | None = None, latency: float = 0.0) -> Iterator[dict[str, str]]:
    """Run the server; yields the base URL of each API."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(log), json.dumps(faults or {}), str(latency)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        origin = f"http://127.0.0.1:{int(process.stdout.readline())}"
        yield {name: origin + path for name, path in PATHS.items()}
    finally:
        process.kill()
        process.wait()


def asked(log: Path) -> list[dict[str, Any]]:
    """What the server was asked, and what it did."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def mirrored(content: bytes) -> bytes:
    """The edit that the server makes."""
    stream = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(content)).convert("RGB")).save(stream, "PNG")
    return stream.getvalue()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    log: Path
    faults: dict[str, float]
    latency: float
    lock = threading.Lock()
    times: ClassVar[Counter[str]] = Counter()
    made: ClassVar[dict[str, bytes]] = {}

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        """A picture that a reply named."""
        name = self.path.rsplit("/", 1)[1]
        self._record(name, "", {"fetched": name})
        with self.lock:
            self.times[name] += 1
            broken = self.times[name] == 1 and "flaky_address" in self.faults
        if broken:
            self._send(503, b"busy")
        elif name == "elsewhere":
            self._send(302, b"", Location="http://127.0.0.1:9/secret")
        else:
            self._send(200, self.made[name], **{"Content-Type": "image/png"})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        api, fields, source = self._parsed(content)
        name = hashlib.sha256(json.dumps(fields, sort_keys=True).encode() + source).hexdigest()[:16]
        with self.lock:
            self.times[name] += 1
            time_of_it = self.times[name]
        lot = random.Random(f"{name} {time_of_it}")
        fault = next((one for one, share in self.faults.items() if lot.random() < share), "")
        if fault.endswith("_first"):
            fault = fault.removesuffix("_first") if time_of_it == 1 else ""
        self._record(name, fault, {"api": api, "fields": fields})
        time.sleep(self.latency)
        getattr(self, f"_{fault}", self._answer)(api, source)

    def _record(self, name: str, fault: str, more: dict[str, Any]) -> None:
        key = self.headers["Authorization"] or self.headers["x-goog-api-key"]
        with self.lock, self.log.open("a") as stream:
            stream.write(json.dumps({"name": name, "path": self.path, "fault": fault, "key": key, **more}) + "\n")

    def _parsed(self, content: bytes) -> tuple[str, dict[str, Any], bytes]:
        """Which API speaks, the request without the picture, and the picture."""
        if self.path == "/v1/images/edits":
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = list(BytesParser(policy=email.policy.HTTP).parsebytes(head + content).iter_parts())
            fields = {str(part.get_param("name", header="content-disposition")): part for part in parts}
            image = fields.pop("image")
            assert image.get_content_type() == "image/png" and image.get_filename()
            return "openai", {name: part.get_payload(decode=True).decode() for name, part in fields.items()}, image.get_payload(decode=True)
        body = json.loads(content)
        if self.path == "/api/v3/images/generations":
            kind, data = body.pop("image").split(";base64,")
            assert kind == "data:image/png"
            return "ark", body, base64.b64decode(data)
        assert self.path.startswith("/v1beta/models/") and self.path.endswith(":generateContent")
        text, picture = body["contents"][0].pop("parts")
        assert picture["inlineData"]["mimeType"] == "image/png"
        return "gemini", {**body, "prompt": text["text"]}, base64.b64decode(picture["inlineData"]["data"])

    def _answer(self, api: str, source: bytes) -> None:
        self._give(api, mirrored(source))

    def _give(self, api: str, edit: bytes) -> None:
        text = base64.b64encode(edit).decode()
        usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
        if api == "gemini":
            parts = [{"text": "Here it is."}, {"inlineData": {"mimeType": "image/png", "data": text}}]
            counts = {"promptTokenCount": 1000, "candidatesTokenCount": 100}
            self._send(200, {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "usageMetadata": counts})
        elif api == "ark" and "url" in self.faults:
            self._url(api, edit)
        else:
            self._send(200, {"created": 0, "data": [{"b64_json": text}], "usage": usage})

    def _url(self, api: str, edit: bytes) -> None:
        name = hashlib.sha256(edit).hexdigest()
        self.made[name] = edit
        host, port = self.server.server_address[:2]
        self._send(200, {"data": [{"url": f"http://{host!s}:{port}/made/{name}"}], "usage": {"output_tokens": 100}})

    def _elsewhere(self, api: str, source: bytes) -> None:
        host, port = self.server.server_address[:2]
        self._send(200, {"data": [{"url": f"http://{host!s}:{port}/made/elsewhere"}]})

    def _send(self, status: int, value: Any, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, text)
        try:
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # who asked is gone
            self.close_connection = True

    def _busy(self, api: str, _: bytes) -> None:
        self._send(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, **{"Retry-After": "0.05"})

    def _exhausted(self, api: str, _: bytes) -> None:
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.7s"}]
        self._send(429, {"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED", "details": details}})

    def _broken(self, *_: Any) -> None:
        self._send(500, {"error": {"message": "something broke"}})

    def _reset(self, *_: Any) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True
        self.connection.close()

    def _cut(self, *_: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b'{"data": [')
        self.close_connection = True

    def _slow(self, *_: Any) -> None:
        time.sleep(5)
        self.close_connection = True

    def _html(self, *_: Any) -> None:
        self._send(200, b"<html>gateway</html>", **{"Content-Type": "text/html"})

    def _shape(self, *_: Any) -> None:
        self._send(200, {"data": [], "candidates": "none"})

    def _large(self, api: str, _: bytes) -> None:
        self._send(200, b'{"data": "' + b"x" * 3_000_000 + b'"}')

    def _nopicture(self, api: str, _: bytes) -> None:
        self._give(api, b"GIF89a, or so it says")

    def _bomb(self, api: str, _: bytes) -> None:
        stream = io.BytesIO()
        Image.new("1", (6000, 6000)).save(stream, "PNG")
        self._give(api, stream.getvalue())

    def _refused(self, api: str, _: bytes) -> None:
        if api == "gemini":
            self._send(200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 1000}})
            return
        code = {"openai": "moderation_blocked", "ark": "InputImageSensitiveContentDetected.PrivacyInformation"}[api]
        self._send(400, {"error": {"message": "Your request was rejected by the safety system.", "code": code}})

    def _refused_after(self, api: str, _: bytes) -> None:
        """The edit was made, and the server keeps it to itself."""
        if api == "gemini":
            candidate = {"content": {}, "finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show the image."}
            self._send(200, {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 100}})
            return
        fault = {"code": "OutputImageSensitiveContentDetected", "message": "The output may be sensitive."}
        self._send(200, {"data": [{"error": fault}], "usage": {"output_tokens": 100}})

    def _words(self, *_: Any) -> None:
        self._send(200, {"candidates": [{"content": {"parts": [{"text": "I can only talk."}]}, "finishReason": "STOP"}]})

    def _size(self, *_: Any) -> None:
        self._send(400, {"error": {"message": "Invalid size", "code": "invalid_value"}})

    def _key(self, api: str, _: bytes) -> None:
        if api == "gemini":
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
            self._send(400, {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": details}})
            return
        self._send(401, {"error": {"message": f"Incorrect API key provided: {self.headers['Authorization']}", "code": "invalid_api_key"}})

    def _unknown(self, *_: Any) -> None:
        self._send(404, {"error": {"message": "The model does not exist", "code": "model_not_found"}})

    def _credit(self, *_: Any) -> None:
        self._send(429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}})


def main() -> None:
    log, faults, latency = sys.argv[1:]
    Handler.log, Handler.faults, Handler.latency = Path(log), json.loads(faults), float(latency)
    ThreadingHTTPServer.request_queue_size = 512
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
