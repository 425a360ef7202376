"""Reading replies: JSON that fits a model, and text fit for a table. A reply that does not fit is refused, never mended by a guess
(design section 6).
"""

import re
import unicodedata
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

MAX_REPLY = 100_000  # characters; far above any reply that fits
MAX_RAW = 20_000  # characters kept of a reply that could not be used

_FENCED = re.compile(r"```(?:json)?[ \t]*\r?\n(.*?)\r?\n?```", re.DOTALL | re.IGNORECASE)
# invisible characters that change how other text is shown: direction marks, zero-width space, byte order mark
_TRICKS = frozenset(chr(code) for code in (0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF))

Fitting = TypeVar("Fitting", bound=BaseModel)


class ReplyError(ValueError):
    """A reply that does not fit; the message says how, in one line."""


def clean(text: str) -> str:
    """Text without control characters, direction marks and lone surrogates; any run of white space becomes one space."""
    kept = "".join(
        " " if character.isspace() or unicodedata.category(character) == "Cc" else character
        for character in text
        if character not in _TRICKS and not "\ud800" <= character <= "\udfff"
    )
    return " ".join(kept.split())


def raw(text: str) -> str:
    """A reply as the table keeps it: shortened, and without lone surrogates, which no table can hold."""
    return text[:MAX_RAW].encode("utf-8", "replace").decode("utf-8")


def parse(text: str, model: type[Fitting]) -> Fitting:
    """The JSON object in a reply, alone or inside one code fence. Raises ``ReplyError``."""
    if len(text) > MAX_REPLY:
        raise ReplyError(f"{len(text)} characters, {MAX_REPLY} are allowed")
    bare = text.strip()
    fenced = _FENCED.fullmatch(bare)
    try:
        return model.model_validate_json((fenced.group(1) if fenced else bare).encode("utf-8", "replace"), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReplyError(clean(f"{place}: {first['msg']}" if place else first["msg"])[:300]) from error


def _within(text: str) -> str:
    cleaned = clean(text)
    if len(cleaned) > 1000:
        raise ValueError(f"{len(cleaned)} characters, 1000 are allowed")
    return cleaned


Line = Annotated[str, AfterValidator(_within)]


def english(text: str) -> bool:
    """Whether a text holds a Latin letter: enough to tell an English line from an empty or a Chinese one."""
    return any("a" <= character.lower() <= "z" for character in text)


def chinese(text: str) -> bool:
    """Whether a text holds a Chinese character."""
    return any("\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf" for character in text)
