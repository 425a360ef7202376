"""Markdown made of texts that nobody vouches for."""

import re
from collections.abc import Sequence

# an underscore inside a word and a colon that begins no address or emoji mean nothing
_SPECIAL = re.compile(r"[\\`*\[\]<>#|~&$@]|(?<!\w)_|_(?!\w)|:(?=//|\w+:)|(?<=www)\.", re.IGNORECASE)
_LIMIT = 120


def plain(text: object, limit: int = _LIMIT) -> str:
    """``text`` as one line that Markdown and HTML show as it stands, cut at ``limit`` characters.

    It can hold no markup, link, table border or control character.
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", line)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table of finished cells; the first ``left`` columns are aligned left, the others right."""
    rule = [":---" if number < left else "---:" for number in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *rows])
