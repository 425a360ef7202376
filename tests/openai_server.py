"""A server on the loopback interface that speaks OpenAI's chat completions, in a process of its own, with faults as they are asked for.

`python tests/openai_server.py LOG FAULTS LATENCY` prints its port. What it is asked goes to LOG, a line a request. FAULTS: a JSON object of shares by name;
`slow_first` befalls a request when it comes for the first time.
"""

import gzip
import hashlib
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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

MODEL = "loopback-vl"


@contextmanager
def served(log: Path, faults: dict[str, float] | None = None, latency: float = 0.0) -> Iterator[str]:
    """Run the server; yields its base URL."""
    command = [sys.executable, __file__, str(log), json.dumps(faults or {}), str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()


def asked(log: Path) -> list[dict[str, Any]]:
    """What the server was asked, and what it did."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def instructions(schema: dict[str, Any], lot: random.Random) -> dict[str, Any]:
    """An instruct reply: every sub-task is possible."""
    names = schema["$defs"]["Entry"]["properties"]["subtask"]["enum"]
    entries = [
        {
            "subtask": name,
            "possible": True,
            "needs": "",
            "en": f"Do {name} number {lot.randrange(10**6)}.",
            "cn": f"做第{lot.randrange(10**6)}个编辑",
            "reasoning_points": ["It shows."],
        }
        for name in names
    ]
    return {"instructions": entries}


def verdict(_: dict[str, Any], lot: random.Random) -> dict[str, Any]:
    """A verify reply."""
    changed = lot.random() < 0.8
    return {
        "source_caption": "A picture.",
        "edit_caption": "Another picture.",
        "differences": ["It is mirrored."] if changed else [],
        "is_changed": changed,
        "instruction_en": "Mirror it." if changed else "",
        "instruction_cn": "把它镜像" if changed else "",
    }


def itemised(schema: dict[str, Any], lot: random.Random) -> dict[str, Any]:
    """A judge's reply: up to two violations of kinds that take off 3."""
    (violation,) = schema["$defs"].values()
    kinds = [kind for kind in violation["properties"]["kind"]["enum"] if kind in THREE]
    violations = [{"what": "Something.", "kind": lot.choice(kinds), "deduction": 3} for _ in range(lot.randrange(3))]
    zero = {"zero": False} if "zero" in schema["properties"] else {}
    return {"violations": violations, **zero, "reason": "So it is."}


def expected(_: dict[str, Any], lot: random.Random) -> dict[str, Any]:
    """What a judge expects of a right edit."""
    return {"expected": [f"It is number {lot.randrange(10**6)}."]}


def subscores(schema: dict[str, Any], lot: random.Random) -> dict[str, Any]:
    """A reply for VIEScore."""
    return {name: "So it is." if name == "reason" else lot.randrange(4, 11) for name in schema["properties"]}


def whole(schema: dict[str, Any], lot: random.Random) -> dict[str, Any]:
    """A reply of whole scores from 1 to 5."""
    return {name: "So it is." if name == "reason" else lot.randrange(1, 6) for name in schema["properties"]}


THREE = ("missing_edit", "unexpected_content", "mismatch", "against_fact")
JUDGED = {f"{metric}Itemised": itemised for metric in ("IF", "NC", "VQ", "RA")}
KINDS = ("Add", "Adjust", "Extract", "Replace", "Remove", "Background", "Style", "Compose", "Action")
WHOLE = (
    *(f"Imgedit{kind}Reply" for kind in KINDS),
    *(f"Kris{part}Reply" for part in ("Consistency", "Quality", "Instruction", "Knowledge")),
)
ANSWERS = {
    "InstructReply": instructions,
    "VerifyReply": verdict,
    "ExpectReply": expected,
    **JUDGED,
    "ScReply": subscores,
    "PqReply": subscores,
    **dict.fromkeys(WHOLE, whole),
}


def _title(body: dict[str, Any]) -> str:
    """What kind of reply is asked for; empty where none is."""
    return str(body.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("title", ""))


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    log: Path
    faults: dict[str, float]
    latency: float
    lock = threading.Lock()
    times: ClassVar[Counter[str]] = Counter()

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(content)
        name = hashlib.sha256(content).hexdigest()[:16]
        with self.lock:
            self.times[name] += 1
            time_of_it = self.times[name]
        lot = random.Random(f"{name} {time_of_it}")
        fault = next((one for one, share in self.faults.items() if lot.random() < share), "")
        if fault.endswith("_first"):
            fault = fault.removesuffix("_first") if time_of_it == 1 else ""
        record = {"name": name, "fault": fault, "turns": len(body["messages"]), "key": self.headers["Authorization"], "body": sorted(body)}
        record["headers"] = {name.lower(): value for name, value in self.headers.items() if name != "Authorization"}
        record |= {"schema": _title(body), "pictures": content.count(b'"image_url": {') or content.count(b'"image_url":{')}
        with self.lock, self.log.open("a") as stream:
            stream.write(json.dumps(record) + "\n")
        time.sleep(self.latency)
        getattr(self, f"_{fault}", self._answer)(body, random.Random(name))

    def _completion(self, text: str, body: dict[str, Any], **choice: Any) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "refusal": choice.pop("refusal", None)}
        return {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": choice.pop("model", body["model"]),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None, **choice}],
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 100,
                "total_tokens": 1100,
                "prompt_tokens_details": {"cached_tokens": 200},
            },
        }

    def _text(self, body: dict[str, Any], lot: random.Random) -> str:
        schema = body["response_format"]["json_schema"]["schema"]
        return json.dumps(ANSWERS[schema["title"]](schema, lot), ensure_ascii=False)

    def _answer(self, body: dict[str, Any], lot: random.Random) -> None:
        self._send(200, self._completion(self._text(body, lot), body))

    def _send(self, status: int, value: Any, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    def _busy(self, *_: Any) -> None:
        self._send(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, **{"Retry-After": "0.05"})

    def _broken(self, *_: Any) -> None:
        self._send(500, {"error": {"message": "something broke"}})

    def _reset(self, *_: Any) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True
        self.connection.close()

    def _cut(self, body: dict[str, Any], lot: random.Random) -> None:
        """Half of the reply's bytes, then the connection ends."""
        content = json.dumps(self._completion(self._text(body, lot), body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    def _slow(self, body: dict[str, Any], lot: random.Random) -> None:
        """A byte now and then, for longer than anyone waits."""
        content = json.dumps(self._completion(self._text(body, lot), body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            for place in range(len(content)):
                self.wfile.write(content[place : place + 1])
                self.wfile.flush()
                time.sleep(0.2)
        except OSError:
            self.close_connection = True

    def _nojson(self, *_: Any) -> None:
        self._send(200, b'{"id": "1", "choices": [')

    def _html(self, *_: Any) -> None:
        self._send(200, b"<html>gateway</html>", **{"Content-Type": "text/html"})

    def _shape(self, *_: Any) -> None:
        self._send(200, {"id": "1", "object": "chat.completion", "model": MODEL, "choices": []})

    def _prose(self, body: dict[str, Any], _: random.Random) -> None:
        """A reply of the protocol, whose text is not what was asked for."""
        self._send(200, self._completion("I would rather talk about something else.", body))

    def _long(self, body: dict[str, Any], lot: random.Random) -> None:
        self._send(200, self._completion(self._text(body, lot)[:-20], body, finish_reason="length"))

    def _refusal(self, body: dict[str, Any], _: random.Random) -> None:
        self._send(200, self._completion("", body, refusal="I cannot help with that picture."))

    def _filtered(self, body: dict[str, Any], _: random.Random) -> None:
        self._send(400, {"error": {"message": "The prompt was filtered.", "code": "content_filter"}})

    def _other(self, body: dict[str, Any], lot: random.Random) -> None:
        self._send(200, self._completion(self._text(body, lot), body, model="another-model"))

    def _key(self, *_: Any) -> None:
        said = f"Incorrect API key provided: {self.headers['Authorization'].removeprefix('Bearer ')}"
        self._send(401, {"error": {"message": said, "code": "invalid_api_key"}})

    def _flat(self, *_: Any) -> None:
        """An error without the object around it."""
        self._send(400, {"object": "error", "message": "The prompt is too long.", "code": 400})

    def _nested(self, *_: Any) -> None:
        self._send(400, b'{"error":' + b"[" * 100_000)

    def _moved(self, *_: Any) -> None:
        self._send(307, {}, Location="http://elsewhere.invalid/v1/chat/completions")

    def _zipped(self, body: dict[str, Any], lot: random.Random) -> None:
        self._send(200, gzip.compress(json.dumps(self._completion(self._text(body, lot), body)).encode()), **{"Content-Encoding": "gzip"})

    def _bomb(self, *_: Any) -> None:
        self._send(200, gzip.compress(bytes(200_000_000), 1), **{"Content-Encoding": "gzip"})

    def _endless(self, *_: Any) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(1 << 16))
        except OSError:
            self.close_connection = True

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
