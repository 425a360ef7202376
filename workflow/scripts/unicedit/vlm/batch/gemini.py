"""Gemini's Batch API (the developer API's, with a key): files, batchGenerateContent, batches."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from unicedit.config.batch import BatchSettings
from unicedit.map.compute import EngineError
from unicedit.vlm.batch.port import GoneError, Hopeless, Outcome, PassingError, Status, Unanswered
from unicedit.vlm.gemini import body_of, identity_of, reply_of
from unicedit.vlm.port import VlmReply, VlmRequest

PUBLIC = "https://generativelanguage.googleapis.com/v1beta"
PATIENCE = 5  # tries of a call that changes nothing
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")
# google.rpc codes of a line: CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE, DATA_LOSS
_PASSING = (1, 2, 4, 8, 10, 13, 14, 15, 408, 409, 425, 429)
_FOR_ALL = (5, 7, 16, 401, 403, 404)  # NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED


class GeminiBatches:
    """Batches of generateContent; see ``Provider``."""

    def __init__(self, settings: BatchSettings, key: str) -> None:
        self.settings = settings
        self.identity = identity_of(settings)
        self.base = (settings.base_url or PUBLIC).rstrip("/")
        self.service = f"gemini {self.base}"
        self._root, _, self._version = self.base.rpartition("/")
        self._client = httpx2.Client(headers={"x-goog-api-key": key}, timeout=settings.timeout, trust_env=True)

    def line(self, key: str, request: VlmRequest) -> bytes:
        return json.dumps({"key": key, "request": body_of(self.settings, request)}).encode() + b"\n"

    def upload(self, name: str, file: BinaryIO) -> str:
        size = str(file.seek(0, os.SEEK_END))
        file.seek(0)
        begin = self._call(
            "POST",
            f"{self._root}/upload/{self._version}/files",
            json={"file": {"displayName": name}},
            headers={
                "X-Goog-Upload-Protocol": "resumable",
                "X-Goog-Upload-Command": "start",
                "X-Goog-Upload-Header-Content-Length": size,
                "X-Goog-Upload-Header-Content-Type": "application/jsonl",
            },
        )
        address = begin.headers.get("x-goog-upload-url", "")
        if urlsplit(address)[:2] != urlsplit(self.base)[:2]:  # the pictures and the key go nowhere else
            raise EngineError(f"{self.base} would have the requests uploaded to another host: {address[:100]!r}")
        done = self._call(
            "POST",
            address,
            content=iter(lambda: file.read(1 << 20), b""),
            headers={"Content-Length": size, "X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize"},
        )
        return str(_json(done)["file"]["name"])

    def create(self, name: str, file: str) -> str:
        made = self._call(
            "POST",
            f"{self.base}/models/{self.settings.model}:batchGenerateContent",
            json={"batch": {"displayName": name, "inputConfig": {"fileName": file}}},
        )
        return str(_json(made)["name"])

    def find(self, name: str, since: float) -> str | None:
        token = ""
        while True:
            page = _json(self._got(f"{self.base}/batches", pageSize="100", pageToken=token))
            operations = page.get("operations") or []
            for operation in operations:
                if operation["metadata"].get("displayName") == name:
                    return str(operation["name"])
            token = page.get("nextPageToken", "")
            if not token or (operations and _seconds(operations[-1]["metadata"]) < since):
                return None

    def status(self, batch: str) -> Status:
        found = _json(self._got(f"{self.base}/{batch}"))
        about = found.get("metadata") or {}
        state = str(about.get("state") or found.get("state") or "UNKNOWN").removeprefix("JOB_STATE_").removeprefix("BATCH_STATE_")
        error = found.get("error") or {}
        output = found.get("response") or about.get("output") or {}
        file = output.get("responsesFile")
        stats = about.get("batchStats") or {}
        return Status(
            state=state.lower(),
            ended=state in _ENDED or found.get("done") is True,
            done=int(stats.get("successfulRequestCount", 0)) + int(stats.get("failedRequestCount", 0)),
            files=(str(file),) if file else (),
            source=str((about.get("inputConfig") or {}).get("fileName", "")),
            refused=state == "FAILED" and not file,
            busy=error.get("code") in _PASSING,
            said=" ".join(str(error.get("message", "")).split())[:300],
        )

    def download(self, file: str, most: int) -> Iterator[bytes]:
        got = 0
        try:
            with self._client.stream("GET", f"{self._root}/download/{self._version}/{file}:download", params={"alt": "media"}) as answer:
                if answer.status_code != 200:
                    answer.read()
                self._check(answer)
                for chunk in answer.iter_bytes():
                    got += len(chunk)
                    if got > most:
                        raise EngineError(f"the results in {file} are larger than {most:,} bytes: this is no batch of ours")
                    yield chunk
        except httpx2.TransportError as error:
            raise PassingError(f"{type(error).__name__}: {error}") from None

    def delete(self, file: str) -> None:
        self._call("DELETE", f"{self.base}/{file}")

    def read(self, value: dict[str, Any]) -> tuple[str, Outcome]:
        key = str(value["key"])
        response = value.get("response")
        if response:
            reply = reply_of(response)
            return key, reply if reply.text or reply.failure or not reply.complete else Unanswered("an answer without text")
        error = value.get("error") or value["status"]
        code = int(error.get("code") or 0)
        said = f"error {code}: {' '.join(str(error.get('message')).split())[:300]}"
        if code in _PASSING or code >= 500:
            return key, Unanswered(said)
        if code in _FOR_ALL:
            return key, Hopeless(said)
        return key, VlmReply("", str(self.settings.model), failure=f"not accepted: {said}")

    def _got(self, address: str, **params: str) -> httpx2.Response:
        tries = Retrying(
            stop=stop_after_attempt(PATIENCE),
            wait=wait_random_exponential(multiplier=0.5, max=30),
            retry=retry_if_exception_type(PassingError),
            reraise=True,
        )
        return tries(self._call, "GET", address, params=params)

    def _call(self, method: str, address: str, **options: Any) -> httpx2.Response:
        try:
            answer = self._client.request(method, address, **options)
        except httpx2.TransportError as error:
            raise PassingError(f"{type(error).__name__}: {error}") from None
        self._check(answer)
        return answer

    def _check(self, answer: httpx2.Response) -> None:
        status = answer.status_code
        if status < 300:
            return
        said = f"HTTP {status}: {' '.join(answer.text.split())[:300]}"
        if status == 404:
            raise GoneError(said)
        if status in _PASSING or status >= 500:
            raise PassingError(said)
        if status in (401, 403) or "API_KEY_INVALID" in answer.text:
            raise EngineError(f"the provider refuses the key in {self.settings.key_name}: {said}")
        raise EngineError(f"the provider does not take the batch: {said}")


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        raise PassingError(f"no JSON: {answer.text[:200]!r}") from None
    if not isinstance(value, dict):
        raise PassingError(f"no JSON object: {answer.text[:200]!r}")
    return value


def _seconds(about: dict[str, Any]) -> float:
    return datetime.fromisoformat(str(about["createTime"])).timestamp()
