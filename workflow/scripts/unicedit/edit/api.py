"""An image API: how an edit is asked for, and how its answer is read. What carries the requests is in ``unicedit.edit.http``."""

import base64
import binascii
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from PIL import Image

from unicedit.config.image_api import ImageApiSettings
from unicedit.edit.port import EditRequest
from unicedit.ingest.decode import decode
from unicedit.vlm.pictures import sent


class AnswerError(Exception):
    """What came back is no answer of the protocol; the next one may be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An edit's bytes, or where they lie, or why there is none; and the tokens it took, sent and made."""

    picture: bytes | None = None
    url: str | None = None
    failure: str = ""
    tokens: tuple[int, int] = (0, 0)


class ImageApi(ABC):
    """One server's way of editing pictures. ``refusals`` are beginnings and endings of error codes that mean: not this picture, not this instruction."""

    refusals: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: ImageApiSettings) -> None:
        self.settings = settings

    @property
    @abstractmethod
    def path(self) -> str:
        """The request's path after the base URL."""

    def headers(self, key: str) -> dict[str, str]:
        """The headers that carry the key."""
        return {"Authorization": f"Bearer {key}"}

    @abstractmethod
    def body(self, request: EditRequest) -> dict[str, Any]:
        """The request's content, as arguments of the HTTP client: ``json``, or ``data`` and ``files``."""

    @abstractmethod
    def answer(self, reply: Mapping[str, Any]) -> Answer:
        """What a reply says. Raises ``AnswerError`` where it is no reply of the protocol."""

    def error(self, status: int, reply: Any) -> tuple[int, dict[str, Any], float | None]:
        """Of an error's reply: the status it amounts to, its ``code`` and ``message``, and seconds to wait where its text names them."""
        said = reply.get("error") if isinstance(reply, dict) else None
        return status, said if isinstance(said, dict) else {"message": str(said or reply)[:300]}, None

    def refuses(self, code: object) -> bool:
        """Whether an error code means that the server will not make this edit."""
        text = str(code or "")
        return any(mark in text for mark in self.refusals)

    def sent(self, image: Image.Image) -> tuple[bytes, str]:
        """A source picture's bytes and media type."""
        stream = io.BytesIO()
        image.save(stream, "PNG", compress_level=1)
        return sent(stream.getvalue(), self.settings.pictures)

    def picture(self, content: bytes) -> Image.Image:
        """An edit's bytes, of whatever origin, as RGB. Raises ``RowError``."""
        return decode(content, self.settings.max_reply_mb, self.settings.max_megapixels).image


def data_url(content: bytes, kind: str) -> str:
    """Bytes as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def decoded_base64(text: object) -> bytes:
    """The bytes of a base64 text. Raises ``AnswerError``."""
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AnswerError(f"the picture is no base64 ({error})") from error


def number(values: object, name: str) -> int:
    """A count in a reply's object; 0 where it is none."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0


def first(reply: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The first object of a reply's list. Raises ``AnswerError``."""
    found = reply.get(name)
    if not isinstance(found, list) or not found or not isinstance(found[0], Mapping):
        raise AnswerError(f"no `{name}` in the reply: {str(dict(reply))[:200]}")
    return found[0]
