"""OpenAI's Batch API: /files and /batches, here and at servers that speak it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import openai
from openai.types import Batch

from unicedit.config.batch import BatchSettings
from unicedit.map.compute import EngineError
from unicedit.vlm.answer import ChatAnswer
from unicedit.vlm.batch.port import GoneError, Hopeless, Outcome, PassingError, Status, Unanswered
from unicedit.vlm.calls import passing, told
from unicedit.vlm.chat import spliced
from unicedit.vlm.completion import body_of, identity_of, not_accepted, reply_of
from unicedit.vlm.port import VlmReply, VlmRequest

ENDPOINT: Final = "/v1/chat/completions"
PATIENCE = 5  # further tries of a call that changes nothing
_ENDED = ("completed", "failed", "expired", "cancelled")
_PASSING = (408, 409, 425, 429)
_FOR_ALL = (401, 403, 404)


class OpenAiBatches:
    """Batches of chat completions; see ``Provider``."""

    def __init__(self, settings: BatchSettings, key: str) -> None:
        self.settings = settings
        self.identity = identity_of(settings)
        self._client = openai.OpenAI(api_key=key, base_url=settings.base_url, max_retries=PATIENCE, timeout=settings.timeout)
        self.service = f"openai {str(self._client.base_url).rstrip('/')}"

    def line(self, key: str, request: VlmRequest) -> bytes:
        def whole(url: Callable[[bytes], str]) -> dict[str, Any]:
            return {"custom_id": key, "method": "POST", "url": ENDPOINT, "body": body_of(self.settings, request, url)}

        return b"".join([*spliced(whole, self.settings.pictures), b"\n"])

    def upload(self, name: str, file: BinaryIO) -> str:
        with self._told():
            return self._client.files.create(file=(f"{name}.jsonl", file, "application/jsonl"), purpose="batch").id

    def create(self, name: str, file: str) -> str:
        with self._told():
            client = self._client.with_options(max_retries=0)
            return client.batches.create(input_file_id=file, endpoint=ENDPOINT, completion_window="24h", metadata={"unicedit": name}).id

    def find(self, name: str, since: float) -> str | None:
        with self._told():
            for batch in self._client.batches.list(limit=100):  # newest first
                if (batch.metadata or {}).get("unicedit") == name:
                    return batch.id
                if batch.created_at < since:
                    break
        return None

    def status(self, batch: str) -> Status:
        with self._told():
            found = self._client.batches.retrieve(batch)
        return _status(found)

    def download(self, file: str, most: int) -> Iterator[bytes]:
        got = 0
        with self._told(), self._client.files.with_streaming_response.content(file) as answer:
            for chunk in answer.iter_bytes():
                got += len(chunk)
                if got > most:
                    raise EngineError(f"the results in {file} are larger than {most:,} bytes: this is no batch of ours")
                yield chunk

    def delete(self, file: str) -> None:
        with self._told():
            self._client.files.delete(file)

    def read(self, value: dict[str, Any]) -> tuple[str, Outcome]:
        key = str(value["custom_id"])
        response = value.get("response")
        if response is None:
            error = value["error"]
            return key, Unanswered(f"{error.get('code')}: {' '.join(str(error.get('message')).split())[:300]}")
        status, body = int(response["status_code"]), response["body"]
        if status == 200:
            return key, reply_of(ChatAnswer.model_validate(body), 0.0)
        error = body.get("error") or {} if isinstance(body, dict) else {}
        said = f"HTTP {status}: {' '.join(str(error.get('message', body)).split())[:300]}"
        if status in _PASSING or status >= 500:
            return key, Unanswered(said)
        if status in _FOR_ALL:
            return key, Hopeless(said)
        return key, VlmReply("", str(self.settings.model), failure=not_accepted(error.get("code"), said))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the client as those of the port."""
        try:
            yield
        except openai.NotFoundError as error:
            raise GoneError(told(error)) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise EngineError(f"the provider refuses the key in {self.settings.key_name}: {told(error)}") from None
        except openai.APIError as error:
            if passing(error):
                raise PassingError(told(error)) from None
            raise EngineError(f"the provider does not take the batch: {told(error)}") from None


def _status(batch: Batch) -> Status:
    counts = batch.request_counts
    errors = (batch.errors.data if batch.errors else None) or []
    codes = {error.code for error in errors}
    return Status(
        state=batch.status,
        ended=batch.status in _ENDED,
        done=counts.completed + counts.failed if counts else 0,
        files=tuple(file for file in (batch.output_file_id, batch.error_file_id) if file),
        source=batch.input_file_id,
        refused=batch.status == "failed",
        busy="token_limit_exceeded" in codes,
        said="; ".join(f"{error.code}: {error.message}" for error in errors[:3]),
    )
