"""Faults of the instructions' texts."""

import re
import unicodedata

from unicedit.audit.finding import Faults, Finding, finding
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Wishes
from unicedit.repeats import Repeats

_QUOTED = re.compile(r"[\"“][^\"”]*[\"”]|「[^」]*」|『[^』]*』|《[^》]*》|(?<!\w)['‘][^'’]*['’](?!\w)")


def instructions(facts: Facts, wishes: Wishes) -> list[Finding]:
    """Instructions that are empty, in another language than their column's, too long, or given twice for one source."""
    empty, foreign, long = Faults(), Faults(), Faults()
    texts, given = Repeats(), Repeats()
    columns = [f"instruction_{language}" for language in facts.languages]
    most = {"instruction_en": wishes.limits.max_length_en, "instruction_cn": wishes.limits.max_length_cn}
    for name, row in facts.readable("source_pixels", *columns):
        for column in columns:
            text = (row[column] or "").strip()
            if not text:
                empty.append(f"{name}: {column}")
                continue
            if is_foreign(text, column.removeprefix("instruction_")):
                foreign.append(f"{name}: {text[:60]}")
            if len(text) > most[column]:
                long.append(f"{name}: {len(text):,} characters")
            if column == columns[0]:
                texts.add([text])
                given.add([_given(row["source_pixels"], text)] if row["source_pixels"] else [])
    repeated = _repeated(facts, columns[0], given)
    distinct = texts.distinct()
    limit = " or ".join(f"{most[column]} ({column.removeprefix('instruction_')})" for column in columns)
    return [
        finding(
            "empty instructions",
            empty,
            facts.total * len(columns),
            f"{len(empty):,} instructions are missing or blank",
            what="instructions",
        ),
        finding(
            "language of instructions",
            foreign,
            facts.total * len(columns),
            f"{len(foreign):,} are not in the script of their column's language (words in quotes do not count)",
            what="instructions",
        ),
        finding(
            "long instructions",
            long,
            facts.total * len(columns),
            f"{len(long):,} are longer than {limit} characters",
            what="instructions",
        ),
        finding(
            "repeated instructions",
            repeated,
            facts.total,
            f"{len(repeated):,} rows ask of a source what an earlier row asks of it; {distinct:,} distinct texts in all",
            distinct=distinct,
        ),
    ]


def is_foreign(text: str, language: str) -> bool:
    """Whether a text is not written as its language is: English mostly in Latin letters, Chinese with Han characters. What is quoted does not count."""
    letters = [letter for letter in _QUOTED.sub(" ", text) if letter.isalpha()]
    if not letters:
        return False
    if language == "cn":
        return not any(_is(letter, "CJK") for letter in letters)
    return sum(_is(letter, "LATIN") for letter in letters) < len(letters) / 2


def _is(letter: str, script: str) -> bool:
    return unicodedata.name(letter, "").startswith(script)


def _given(source: str, text: str) -> str:
    return f"{source} {text.casefold()}"


def _repeated(facts: Facts, column: str, given: Repeats) -> Faults:
    suspects = given.suspects()
    seen: set[str] = set()
    found = Faults()
    for name, row in facts.readable("source_pixels", column):
        text = (row[column] or "").strip()
        if not text or not row["source_pixels"]:
            continue
        one = _given(row["source_pixels"], text)
        if given.suspected(one, suspects):
            if one in seen:
                found.append(name)
            seen.add(one)
    return found
