"""Posting to a server over connections that are kept, by aiohttp, and what goes wrong there as the openai library's errors.

The openai client takes several times the processor time of aiohttp alone. How a request gets there decides no reply, so nothing here is in a recipe.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import openai
from aiohttp.abc import AbstractStreamWriter

from unicedit.map.compute import EngineError
from unicedit.vlm.calls import BrokenReplyError

NO_KEY = "none"  # what a server that asks for no key is told
# above any completion, probabilities of its tokens included; one for each request in flight must fit into memory
MAX_REPLY_BYTES = 16 << 20
IDLE_SECONDS = 4.0  # less than the 5 s after which uvicorn, and so vLLM, closes an idle connection: no request meets a closing one
SMALL_BODY_BYTES = 64 << 10  # to copy so little takes less time than to send its parts one by one
_KINDS: dict[int, type[openai.APIStatusError]] = {
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    429: openai.RateLimitError,
}


def parsed(content: bytes) -> Any:
    """The JSON of an error's reply, or the beginning of its text."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content[:300].decode("utf-8", "replace")


def status_error(status: int, said: Mapping[str, Any], response: httpx2.Response, key: str) -> openai.APIStatusError:
    """The error of a status, with what the server said (``code``, ``message``), and never the key."""
    message = str(said.get("message") or f"HTTP {status}")
    if key != NO_KEY:
        message = message.replace(key, "(the key)")
    error = _KINDS.get(status, openai.APIStatusError)(message, response=response, body=said)
    error.status_code = status
    return error


class _Body(aiohttp.BytesPayload):
    """A body of several parts, sent once; if large, none is copied to join it with another or with the headers, and none is kept: what aiohttp remembers
    of a request lies about until the garbage collector finds it.
    """

    def __init__(self, parts: list[bytes]) -> None:
        aiohttp.Payload.__init__(self, b"")
        self._parts = parts
        self._size = self._bytes = sum(map(len, parts))

    async def write(self, writer: AbstractStreamWriter) -> None:
        if self._bytes <= SMALL_BODY_BYTES:
            await writer.write(b"".join(self._parts))  # with the headers in one go
        else:
            writer.send_headers()
            for part in self._parts:
                await writer.write(part)
        self._parts.clear()

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        await self.write(writer)  # the length is that of all parts


class ChatServer:
    """A server of OpenAI's chat completions; where it is and what its requests bear is what the openai client makes of settings and environment.

    Open it within the event loop that it is used in. Raises ``EngineError`` for a proxy that cannot be used.
    """

    def __init__(self, base_url: str | None, key: str, connections: int) -> None:
        self._key = key
        self._turns: deque[asyncio.Future[None]] = deque()
        self._made = False  # whether a request is made in this round of the event loop
        # never asked for anything; a transport of its own would load modules for a fifth of a second
        unused = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(500)), trust_env=False)
        with openai.OpenAI(api_key=key, base_url=base_url, http_client=unused) as client:
            self._url = f"{client.base_url}chat/completions"
            headers = httpx2.Headers(client.auth_headers)
            for name, value in client.default_headers.items():
                if isinstance(value, str) and not name.lower().startswith("x-stainless-"):  # those tell of this machine
                    headers[name] = value
        proxy = _proxy(self._url)
        secure = any(url.startswith("https:") for url in (self._url, proxy or ""))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections, keepalive_timeout=IDLE_SECONDS, ssl=httpx2.create_ssl_context() if secure else True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=dict(headers),
            proxy=proxy,
            timeout=aiohttp.ClientTimeout(total=None),  # ``Calls`` bounds the whole call
        )

    async def close(self) -> None:
        """End the connections."""
        await self._session.close()

    async def turn(self) -> None:
        """Wait until no other request is made in this round of the event loop.

        Of replies that come together each would else be made into the next request before the first of those is sent, so that they come together again.
        """
        if self._made:
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._turns.append(mine)
            try:
                await mine
            except asyncio.CancelledError:
                if not mine.cancelled():  # the turn had come: it is another's now
                    self._rounded()
                raise
        self._made = True
        if not self._next():
            asyncio.get_running_loop().call_soon(self._rounded)

    def _next(self) -> bool:
        """Give the turn of the next round to whoever waits longest; False where nobody does."""
        while self._turns:
            if not (turn := self._turns.popleft()).done():
                turn.set_result(None)
                return True
        return False

    def _rounded(self) -> None:
        self._made = self._next()

    async def post(self, parts: list[bytes]) -> bytes:
        """The content of the answer to a body of JSON, given in parts, which are taken from the list as they are sent.

        Raises ``openai.APIStatusError`` and its kinds for what is no success, ``openai.APIConnectionError``, ``BrokenReplyError`` for a reply above
        ``MAX_REPLY_BYTES``, and ``EngineError`` where the server sends requests on: key and pictures are for the server that the settings name.
        """
        try:
            async with self._session.post(self._url, data=_Body(parts), allow_redirects=False) as response:
                reply = bytearray()
                async for chunk in response.content.iter_any():
                    reply += chunk
                    if len(reply) > MAX_REPLY_BYTES:
                        raise BrokenReplyError(f"the reply has more than {MAX_REPLY_BYTES >> 20} MB")
        except (aiohttp.ClientError, OSError) as error:
            request = httpx2.Request("POST", self._url)
            raise openai.APIConnectionError(message=f"{type(error).__name__}: {error}", request=request) from error
        if response.status >= 300:
            raise self._error(response.status, bytes(reply), list(response.raw_headers))
        return bytes(reply)

    def _error(self, status: int, content: bytes, headers: Sequence[tuple[bytes, bytes]]) -> openai.APIStatusError:
        response = httpx2.Response(status, headers=list(headers), request=httpx2.Request("POST", self._url))
        if status < 400:
            place = " ".join(response.headers.get("location", "").split())[:200]
            raise EngineError(f"the server sends requests on (HTTP {status}) to {place!r}; where that is right, set base_url accordingly")
        reply = parsed(content)
        said = (reply.get("error") or reply) if isinstance(reply, dict) else reply  # vLLM of old answers with the error alone
        return status_error(status, said if isinstance(said, dict) else {"message": str(said)[:300]}, response, self._key)


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address, looked up once: aiohttp would ask two threads for it at every request."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found:
        return None
    kind, separator, _ = found.partition("://")
    if separator and kind not in ("http", "https"):
        raise EngineError(f"the environment names a proxy of the kind {kind}; the engine `openai` knows http and https")
    return found if separator else f"http://{found}"
