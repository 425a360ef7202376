"""Editors behind an image API: many requests at once, with limits, retries and a budget, as ``unicedit.vlm.calls`` makes them (design section 6)."""

import asyncio
import ipaddress
import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from unicedit.config.ark import ArkSettings
from unicedit.config.gemini import GeminiSettings
from unicedit.config.openai_images import OpenAiImagesSettings
from unicedit.edit.api import Answer, AnswerError, ImageApi
from unicedit.edit.ark import Ark
from unicedit.edit.gemini import Gemini
from unicedit.edit.kept import KeptPictures, key_of
from unicedit.edit.openai import OpenAiImages
from unicedit.edit.port import Edited, EditRequest
from unicedit.files import digest_of
from unicedit.map.compute import EngineError
from unicedit.map.stage import RowError
from unicedit.vlm.calls import BrokenReplyError, Calls, each, passing
from unicedit.vlm.engines import VlmPlaces
from unicedit.vlm.failures import Failures
from unicedit.vlm.http import NO_KEY, parsed, status_error
from unicedit.vlm.ledger import Ledger
from unicedit.vlm.loop import LoopThread

log = logging.getLogger(__name__)
HttpSettings = OpenAiImagesSettings | GeminiSettings | ArkSettings
_APIS: dict[type, type[ImageApi]] = {OpenAiImagesSettings: OpenAiImages, GeminiSettings: Gemini, ArkSettings: Ark}


class HttpEditor:
    """Edits through the API that the settings are of, for any number of threads. A request that the server refuses, or that fails ``tries`` times, is a ``RowError``.

    Raises ``EngineError`` where no request can succeed: no key, a wrong key, an unknown model, a server that does not answer, a spent budget. Pictures that came
    before are kept, and not paid for again.
    """

    def __init__(self, settings: HttpSettings, name: str, places: VlmPlaces) -> None:
        self.api = api = _APIS[type(settings)](settings)
        self.settings, self.name = settings, name
        self.identity = digest_of(type(api).__name__, settings.deciding())
        self.kept = KeptPictures(places.cache if settings.keep_pictures else None)
        self.ledger = Ledger(places.usage and places.usage / f"edit-{name}", settings.price, settings.budget)
        self._calls = Calls(settings, self.ledger)
        self._failures = Failures(settings.model, settings.key_variable, settings.tries, api.refuses)
        self._loopback = _is_loopback(settings.base_url)
        key = os.environ.get(settings.key_variable, "").strip()
        if not key and not self._loopback:
            raise EngineError(
                f"editor {name}: the environment variable {settings.key_variable} holds no key; set it where the job runs, or name another in key_variable"
            )
        self._key = key or NO_KEY
        self._room = asyncio.Semaphore(settings.concurrency)  # shared by all callers
        # the connections belong to one event loop, which lives as long as the editor
        self._loop = LoopThread(self)
        self._client = self._loop.run(self._opened())
        self._loop.at_end(self._client.aclose)

    async def _opened(self) -> httpx2.AsyncClient:
        most = httpx2.Limits(max_connections=2 * self.settings.concurrency, max_keepalive_connections=self.settings.concurrency)
        return httpx2.AsyncClient(limits=most, timeout=self.settings.timeout, follow_redirects=False)

    def edit(self, requests: Sequence[EditRequest]) -> list[Edited]:
        """The picture of each request, in the size that the server gave it, or why there is none."""
        try:
            return self._loop.run(self._all(requests))
        except EngineError as error:
            raise EngineError(f"editor {self.name}: {error}") from error
        finally:
            self.ledger.write(force=True)

    async def _all(self, requests: Sequence[EditRequest]) -> list[Edited]:
        edits: dict[int, Edited] = {}

        async def one(number: int, request: EditRequest) -> None:
            edits[number] = await self._one(request)

        await each(requests, self._room, one)
        return [edits[number] for number in range(len(requests))]

    async def _one(self, request: EditRequest) -> Edited:
        key = key_of(self.identity, request)
        if (known := self.kept.get(key)) is not None:
            with suppress(RowError):  # a damaged file is nothing that was kept
                return await asyncio.to_thread(self.api.picture, known)
        try:
            content = await self._asked(request)
            image = await asyncio.to_thread(self.api.picture, content)
        except RowError as error:
            return error
        except (openai.APIError, BrokenReplyError, TimeoutError, ValueError) as error:
            return RowError(self._failures.reason(error))
        self.kept.put(key, content)
        return image

    async def _asked(self, request: EditRequest) -> bytes:
        """A new edit's bytes. Raises ``RowError`` with the server's reason where it gives none."""
        body = await asyncio.to_thread(self.api.body, request)

        async def call() -> Answer:
            status, content, response = await self._read(
                "POST", self.settings.base_url.rstrip("/") + self.api.path, self.api.headers(self._key), **body
            )
            if status >= 300:
                raise self._error(status, content, response)
            try:
                reply = json.loads(content)
                if not isinstance(reply, dict):
                    raise AnswerError("the reply is no object")
                return self.api.answer(reply)
            except (ValueError, AnswerError) as error:
                raise BrokenReplyError(str(error)[:300]) from error

        answer = await self._calls.made(call)
        self._failures.answered()
        made = answer.picture is not None or answer.url is not None
        sent, drawn = answer.tokens
        self.ledger.answered(sent, 0, drawn, money=self.settings.price.picture if made else 0.0)
        if answer.failure:
            raise RowError(answer.failure)
        return answer.picture if answer.picture is not None else await self._fetched(str(answer.url))

    def _error(self, status: int, content: bytes, response: httpx2.Response) -> openai.APIStatusError:
        status, said, wait = self.api.error(status, parsed(content))
        if wait is not None and "retry-after" not in response.headers:
            response.headers["retry-after"] = str(wait)
        return status_error(status, said, response, self._key)

    async def _fetched(self, url: str) -> bytes:
        """The bytes at an address that a reply names: from the world, over https, without the key. The edit is paid for, so only the fetching is tried again."""
        if not _is_allowed(url, self._loopback):
            raise RowError(f"bad_address: the reply names {url[:200]!r}, which is no https address of a public server")
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.settings.tries),
            wait=wait_random_exponential(multiplier=0.5, max=self.settings.longest_wait),
            retry=retry_if_exception(passing),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                async with asyncio.timeout(self.settings.timeout):
                    status, content, response = await self._read("GET", url, {})
                if status != 200:
                    raise openai.APIStatusError(f"the picture's address answers {status}", response=response, body=None)
                return content
        raise AssertionError("tenacity neither returned nor raised")

    async def _read(self, method: str, url: str, headers: dict[str, str], **body: Any) -> tuple[int, bytes, httpx2.Response]:
        """Status, whole content and response. Raises ``RowError`` for more than ``max_reply_mb``."""
        most = int(self.settings.max_reply_mb * 1e6)
        content = bytearray()
        try:
            async with self._client.stream(method, url, headers=headers, **body) as response:
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > most:
                        raise RowError(f"too_large: the reply has more than {self.settings.max_reply_mb:g} MB")
        except httpx2.TransportError as error:
            raise openai.APIConnectionError(message=f"{type(error).__name__}: {error}", request=httpx2.Request(method, url)) from error
        except httpx2.DecodingError as error:
            raise BrokenReplyError(str(error)) from error
        return response.status_code, bytes(content), response


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_allowed(url: str, loopback: bool) -> bool:
    """Whether a picture may be fetched there: https at a public server; a server on this machine may also name itself."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if loopback and parts.scheme in ("http", "https") and _is_loopback(url):
        return True
    if parts.scheme != "https" or not host or parts.username is not None or _is_loopback(url):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host
