"""File names as text that every table and JSON file can hold, and back."""

import os
import re

_ESCAPED = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def shown(name: str) -> str:
    r"""A name as Python got it from the file system (or a tar), as valid text: bytes that are no UTF-8 become ``\xff``, a backslash becomes two.

    Different names stay different, and ``on_disk`` gives the name back.
    """
    return name.replace("\\", "\\\\").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def on_disk(text: str) -> str:
    """The name (or path) that ``shown`` was given."""
    return os.fsdecode(_ESCAPED.sub(_unescaped, text.encode("utf-8")))


def _unescaped(found: re.Match[bytes]) -> bytes:
    return b"\\" if found[1] == b"\\" else bytes.fromhex(found[1][1:].decode())
