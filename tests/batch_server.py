"""A server on the loopback interface that speaks both batch APIs, OpenAI's and Gemini's, in a process of its own, with faults as they are asked for.

`python tests/batch_server.py STATE FAULTS SECONDS` prints its port. A batch takes SECONDS. What was asked stands in STATE/log, a line a call that changes something, and one
a line of a file of requests when its batch is made. FAULTS: shares of lines by name (`expired`, `broken`, `refused`, `missing`, `malformed`, `stranger`, `twice`, `prose`,
`busy`, `other`), and what befalls the n-th batch that is made: {"batch": {"1": "expired"}} with `expired`, `refused`, `busy`, `cut` (made, but the answer never comes),
`dies` (the server answers 500 and makes none).
"""

import json
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from openai_server import ANSWERS

MODEL = "loopback-vl"
VERSIONS = {"openai": "v1", "gemini": "v1beta"}


@contextmanager
def batches_served(state: Path, provider: str, faults: dict[str, Any] | None = None, seconds: float = 0.3) -> Iterator[str]:
    """Run the server; yields the base URL of a provider's API."""
    state.mkdir(exist_ok=True)
    command = [sys.executable, __file__, str(state), json.dumps(faults or {}), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/{VERSIONS[provider]}"
    finally:
        process.kill()
        process.wait()


def told(state: Path, what: str) -> list[dict[str, Any]]:
    """The lines of the log of one kind: `upload`, `batch`, `request`, `delete`."""
    path = state / "log"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["what"] == what]


class World:
    """Files and batches, of both APIs."""

    def __init__(self, log: Path, faults: dict[str, Any], seconds: float) -> None:
        self.log, self.faults, self.seconds = log, faults, seconds
        self.lock = threading.Lock()
        self.files: dict[str, bytes] = {}
        self.stored = 0  # deleted ones too: no name is given twice
        self.batches: dict[str, dict[str, Any]] = {}
        self.times: dict[str, int] = {}

    def tell(self, what: str, **values: Any) -> None:
        with self.log.open("a") as stream:
            stream.write(json.dumps({"what": what, **values}) + "\n")

    def store(self, content: bytes) -> str:
        self.stored += 1
        name = f"{self.stored:06d}"
        self.files[name] = content
        return name

    def made(self, provider: str, name: str, file: str) -> tuple[str, str]:
        """A new batch and what befalls it."""
        number = len(told(self.log.parent, "batch")) + 1
        fate = self.faults.get("batch", {}).get(str(number), "")
        if fate == "dies":
            self.tell("batch", name=name, fate=fate)
            return "", fate
        lines = [json.loads(line) for line in self.files[file].splitlines()]
        identity = f"{provider}-{number}"
        self.batches[identity] = {"name": name, "file": file, "lines": lines, "fate": fate, "begun": time.time(), "results": None}
        self.tell("batch", name=name, fate=fate, id=identity, bytes=len(self.files[file]))
        for line in lines:
            self.tell("request", key=line.get("custom_id") or line["key"], batch=identity, body=line.get("body") or line["request"])
        return identity, fate

    def results(self, identity: str, speaker: type["OpenAi"] | type["Gemini"]) -> tuple[list[str], list[str]]:
        """Lines of the output and of the errors of a batch that has ended."""
        batch = self.batches[identity]
        out: list[str] = []
        errors: list[str] = []
        for place, line in enumerate(batch["lines"]):
            key = line.get("custom_id") or line["key"]
            self.times[key] = self.times.get(key, 0) + 1
            lot = random.Random(f"{key} {self.times[key]}")
            shares = {name: share for name, share in self.faults.items() if name != "batch"}
            fault = next((name for name, share in shares.items() if lot.random() < share), "")
            if batch["fate"] == "expired" and place % 2:
                fault = "expired"
            text = "I would rather talk about something else." if fault == "prose" else speaker.text(line, random.Random(key))
            if fault == "missing":
                continue
            if fault == "malformed":
                out.append(json.dumps(speaker.answer(key, text))[:-20])
            elif fault == "stranger":
                out.append(json.dumps(speaker.answer("not-asked", text)))
            elif fault in ("expired", "broken", "refused", "busy", "unknown"):
                (errors if fault == "expired" or lot.random() < 0.5 else out).append(json.dumps(speaker.error(key, fault)))
            else:
                said = json.dumps(speaker.answer(key, text, **({"model": "another-model"} if fault == "other" else {})))
                out += [said] * (2 if fault == "twice" else 1)
        random.Random(identity).shuffle(out)  # no order is promised
        return out, errors


class OpenAi:
    """OpenAI's forms."""

    @staticmethod
    def text(line: dict[str, Any], lot: random.Random) -> str:
        schema = line["body"]["response_format"]["json_schema"]["schema"]
        return json.dumps(ANSWERS[schema["title"]](schema, lot), ensure_ascii=False)

    @staticmethod
    def answer(key: str, text: str, model: str = MODEL) -> dict[str, Any]:
        body = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "stop", "logprobs": None}
            ],
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 100,
                "total_tokens": 1100,
                "prompt_tokens_details": {"cached_tokens": 200},
            },
        }
        return {"id": "b", "custom_id": key, "response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}

    @staticmethod
    def error(key: str, fault: str) -> dict[str, Any]:
        if fault == "expired":
            error = {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}
            return {"id": "b", "custom_id": key, "response": None, "error": error}
        status, code = {
            "broken": (500, "server_error"),
            "busy": (429, "rate_limit_exceeded"),
            "refused": (400, "content_filter"),
            "unknown": (404, "model_not_found"),
        }[fault]
        body = {"error": {"message": f"it was {fault}", "code": code}}
        return {"id": "b", "custom_id": key, "response": {"status_code": status, "request_id": "r", "body": body}, "error": None}


class Gemini:
    """Gemini's forms."""

    @staticmethod
    def text(line: dict[str, Any], lot: random.Random) -> str:
        schema = line["request"]["generationConfig"]["responseSchema"]
        assert "$" not in json.dumps(schema) and "additionalProperties" not in json.dumps(schema), "the subset that it takes"
        assert schema["type"] == "OBJECT"
        if "instructions" in schema["properties"]:
            names = schema["properties"]["instructions"]["items"]["properties"]["subtask"]["enum"]
            schema = {"$defs": {"Entry": {"properties": {"subtask": {"enum": names}}}}}
            return json.dumps(ANSWERS["InstructReply"](schema, lot), ensure_ascii=False)
        if "violations" in schema["properties"]:
            schema = {"$defs": {"Violation": schema["properties"]["violations"]["items"]}, "properties": schema["properties"]}
            return json.dumps(ANSWERS["IFItemised"](schema, lot), ensure_ascii=False)
        title = "ExpectReply" if "expected" in schema["properties"] else "ScReply" if "reason" in schema["properties"] else "VerifyReply"
        return json.dumps(ANSWERS[title](schema, lot), ensure_ascii=False)

    @staticmethod
    def answer(key: str, text: str, model: str = MODEL) -> dict[str, Any]:
        half = len(text) // 2
        parts = [{"text": "thinking", "thought": True}, {"text": text[:half]}, {"text": text[half:]}]
        usage = {
            "promptTokenCount": 1000,
            "candidatesTokenCount": 60,
            "thoughtsTokenCount": 40,
            "cachedContentTokenCount": 200,
            "totalTokenCount": 1100,
        }
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        return {"key": key, "response": {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model}}

    @staticmethod
    def error(key: str, fault: str) -> dict[str, Any]:
        if fault == "refused":
            usage = {"promptTokenCount": 1000, "totalTokenCount": 1000}
            return {"key": key, "response": {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage, "modelVersion": MODEL}}
        code = {"expired": 4, "broken": 13, "busy": 8, "unknown": 5}[fault]
        name = "error" if len(key) % 2 else "status"
        return {"key": key, name: {"code": code, "message": f"it was {fault}"}}


class Handler(BaseHTTPRequestHandler):
    """One call."""

    protocol_version = "HTTP/1.1"
    world: ClassVar[World]

    def log_message(self, *_: Any) -> None:
        pass

    def _content(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _send(self, value: Any, status: int = 200, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    def _handle(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        content = self._content()
        with self.world.lock:
            if "v1beta" in path:
                if self.headers.get("x-goog-api-key") == "wrong":
                    return self._send({"error": {"code": 403, "message": "no such key"}}, 403)
                return self._gemini(path, query, content)
            if self.headers.get("Authorization") == "Bearer wrong":
                return self._send({"error": {"message": "no such key", "code": "invalid_api_key"}}, 401)
            return self._openai(path, query, content)

    do_GET = do_POST = do_DELETE = _handle

    def _unheard(self) -> None:
        """The connection breaks before the answer."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True
        self.connection.close()

    def _openai(self, path: str, query: dict[str, list[str]], content: bytes) -> None:
        world = self.world
        if (self.command, path) == ("POST", "/v1/files"):
            message = BytesParser().parsebytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + content)
            parts = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in message.get_payload()}
            assert parts["purpose"] == b"batch"
            file = world.store(parts["file"])
            world.tell("upload", file=file, bytes=len(parts["file"]))
            return self._send(
                {
                    "id": f"file-{file}",
                    "object": "file",
                    "bytes": 1,
                    "created_at": 0,
                    "filename": "f",
                    "purpose": "batch",
                    "status": "processed",
                }
            )
        if (self.command, path) == ("POST", "/v1/batches"):
            asked = json.loads(content)
            assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
            identity, fate = world.made("openai", asked["metadata"]["unicedit"], asked["input_file_id"].removeprefix("file-"))
            if fate == "dies":
                return self._send({"error": {"message": "something broke"}}, 500)
            return self._unheard() if fate == "cut" else self._send(self._openai_batch(identity))
        if path == "/v1/batches":
            found = [self._openai_batch(name) for name in reversed(world.batches)]
            after = query.get("after", [""])[0]
            found = found[[one["id"] for one in found].index(after) + 1 :] if after else found
            return self._send(
                {
                    "object": "list",
                    "data": found[:2],
                    "first_id": "",
                    "last_id": found[1]["id"] if found[1:] else "",
                    "has_more": len(found) > 2,
                }
            )
        if match := re.fullmatch(r"/v1/batches/([\w-]+)", path):
            known = match.group(1) in world.batches
            return self._send(self._openai_batch(match.group(1))) if known else self._send({"error": {"message": "no such batch"}}, 404)
        match = re.fullmatch(r"/v1/files/file-(\d+)(/content)?", path)
        assert match, path
        if self.command == "DELETE":
            world.files.pop(match.group(1))
            world.tell("delete", file=match.group(1))
            return self._send({"id": path, "object": "file", "deleted": True})
        return self._send(world.files[match.group(1)])

    def _openai_batch(self, identity: str) -> dict[str, Any]:
        batch = self.world.batches[identity]
        value = {
            "id": identity,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": f"file-{batch['file']}",
            "completion_window": "24h",
            "status": "in_progress",
            "created_at": int(batch["begun"]),
            "metadata": {"unicedit": batch["name"]},
            "request_counts": {"total": len(batch["lines"]), "completed": 0, "failed": 0},
        }
        if time.time() - batch["begun"] < self.world.seconds:
            return value
        if batch["fate"] in ("refused", "busy"):
            code = "token_limit_exceeded" if batch["fate"] == "busy" else "invalid_json_line"
            return {**value, "status": "failed", "errors": {"object": "list", "data": [{"code": code, "message": "it was not begun"}]}}
        if batch["results"] is None:
            texts = ["\n".join(lines).encode() for lines in self.world.results(identity, OpenAi)]
            batch["results"] = [f"file-{self.world.store(text)}" if text else None for text in texts]
        status = "expired" if batch["fate"] == "expired" else "completed"
        return {**value, "status": status, "output_file_id": batch["results"][0], "error_file_id": batch["results"][1]}

    def _gemini(self, path: str, query: dict[str, list[str]], content: bytes) -> None:
        world = self.world
        if path == "/upload/v1beta/files":
            if self.headers["X-Goog-Upload-Command"] == "start":
                address = f"http://{self.headers['Host']}{path}?upload_id=1"
                return self._send({}, **{"X-Goog-Upload-URL": address, "X-Goog-Upload-Status": "active"})
            file = world.store(content)
            world.tell("upload", file=file, bytes=len(content))
            return self._send({"file": {"name": f"files/{file}"}}, **{"X-Goog-Upload-Status": "final"})
        if path.endswith(":batchGenerateContent"):
            assert path == f"/v1beta/models/{MODEL}:batchGenerateContent"
            asked = json.loads(content)["batch"]
            identity, fate = world.made("gemini", asked["displayName"], asked["inputConfig"]["fileName"].removeprefix("files/"))
            if fate == "dies":
                return self._send({"error": {"code": 500, "message": "something broke"}}, 500)
            return self._unheard() if fate == "cut" else self._send(self._gemini_batch(identity))
        if path == "/v1beta/batches":
            found = [self._gemini_batch(name) for name in reversed(world.batches)]
            start = int(query.get("pageToken", [""])[0] or 0)
            return self._send({"operations": found[start : start + 2], **({"nextPageToken": str(start + 2)} if found[start + 2 :] else {})})
        if match := re.fullmatch(r"/v1beta/batches/([\w-]+)", path):
            known = match.group(1) in world.batches
            return (
                self._send(self._gemini_batch(match.group(1)))
                if known
                else self._send({"error": {"code": 404, "message": "no such batch"}}, 404)
            )
        match = re.fullmatch(r"(?:/download)?/v1beta/files/(\d+)(:download)?", path)
        assert match, path
        if self.command == "DELETE":
            world.files.pop(match.group(1))
            world.tell("delete", file=match.group(1))
            return self._send({})
        assert match.group(2) and query["alt"] == ["media"]
        return self._send(world.files[match.group(1)])

    def _gemini_batch(self, identity: str) -> dict[str, Any]:
        batch = self.world.batches[identity]
        name = f"batches/{identity}"
        created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(batch["begun"])) + ".123456789Z"
        about = {
            "displayName": batch["name"],
            "createTime": created,
            "inputConfig": {"fileName": f"files/{batch['file']}"},
            "model": f"models/{MODEL}",
        }
        if time.time() - batch["begun"] < self.world.seconds:
            stats = {"requestCount": str(len(batch["lines"])), "pendingRequestCount": str(len(batch["lines"]))}
            return {"name": name, "metadata": {**about, "state": "BATCH_STATE_RUNNING", "batchStats": stats}}
        if batch["fate"] in ("refused", "busy"):
            code = 8 if batch["fate"] == "busy" else 3
            state = {"metadata": {**about, "state": "BATCH_STATE_FAILED"}}
            return {"name": name, **state, "done": True, "error": {"code": code, "message": "it was not begun"}}
        if batch["fate"] == "expired":
            return {"name": name, "metadata": {**about, "state": "JOB_STATE_EXPIRED"}, "done": True}
        if batch["results"] is None:
            out, errors = self.world.results(identity, Gemini)
            batch["results"] = [f"files/{self.world.store(chr(10).join(out + errors).encode())}"]
        return {
            "name": name,
            "metadata": {**about, "state": "BATCH_STATE_SUCCEEDED"},
            "done": True,
            "response": {"responsesFile": batch["results"][0]},
        }


def main() -> None:
    state, faults, seconds = sys.argv[1:]
    Handler.world = World(Path(state) / "log", json.loads(faults), float(seconds))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
