"""Reading replies: JSON that fits a model, and text fit for a table. Strict JSON first, then what a tolerant library reads in one way only; a reply that
does not fit is refused, never completed by a guess (design section 6).
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError

MAX_REPLY = 100_000  # characters; far above any reply that fits
MAX_RAW = 20_000  # characters kept of a reply that could not be used

_FENCED = re.compile(r"```(?:json)?[ \t]*\r?\n(.*?)\r?\n?```", re.DOTALL | re.IGNORECASE)
_NOT_A_NUMBER = re.compile(r"[:\[,]\s*-?(?:NaN|Infinity)\s*[,}\]]")
_LEFT_OUT = re.compile(r":\s*(?:\.\.\.|…)")
_KEY = re.compile(r"""[{,]\s*(["']?)[A-Za-z_]\w*\1\s*:""")  # of an object, however it is quoted
_KINDS = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}
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
    """The JSON object in a reply: alone, inside one code fence, or else as a library reads it from between prose, with single quotes, trailing commas and
    such. Raises ``ReplyError`` for what does not fit, and for what could be read in two ways: keys that are there twice, several objects, a reply that breaks off.
    """
    if len(text) > MAX_REPLY:
        raise ReplyError(f"{len(text)} characters, {MAX_REPLY} are allowed")
    bare = text.strip()
    fenced = _FENCED.fullmatch(bare)
    try:
        value = json.loads(fenced.group(1) if fenced else bare, object_pairs_hook=_once, parse_constant=_no_constant)
    except (json.JSONDecodeError, RecursionError):
        value = _mended(bare)
    if not isinstance(value, dict):
        raise ReplyError(f"no JSON object, but {_KINDS.get(type(value), 'something else')}")
    try:
        return model.model_validate_json(json.dumps(value).encode(), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReplyError(clean(f"{place}: {first['msg']}" if place else first["msg"])[:300]) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ReplyError(f"{clean(next(name for name in names if names.count(name) > 1))[:60]!r} is there twice")
    return found


def _no_constant(name: str) -> float:
    raise ReplyError(f"{name} is no number")


def _mended(text: str) -> Any:
    """What a tolerant library makes of a reply, where it is plain what was meant: one object that begins and ends."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        raise ReplyError("no JSON in it")
    inside, after = text[start : end + 1], text[end + 1 :]
    if end < start or '"' in after or "{" in after or any(inside.count(one) != inside.count(other) for one, other in ("{}", "[]")):
        raise ReplyError("the JSON breaks off, or its brackets do not match")
    if _NOT_A_NUMBER.search(inside):
        raise ReplyError("NaN or Infinity is no number")
    if _LEFT_OUT.search(inside):
        raise ReplyError("a value is left out")
    import json_repair

    try:
        value = json_repair.loads(inside)
    except RecursionError:
        raise ReplyError("nested too deeply") from None
    if isinstance(value, list) and sum(isinstance(one, dict) for one in value) > 1:
        raise ReplyError("several JSON objects")
    names = _KEY.findall(inside)
    if not isinstance(value, dict) or len(names) > len(list(_keys(value))):
        raise ReplyError("no JSON that could be read in one way only")
    return value


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


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
