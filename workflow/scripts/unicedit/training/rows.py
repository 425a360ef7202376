"""Rows for trl's trainers from a table of training samples (``training/schema.py``): pictures, question, reply; for D2PO also the rejected reply.

Texts are made when a row is asked for, and pictures stay encoded until the collator prepares them, so that a data set of any size costs little memory.
"""

import hashlib
import io
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unicedit.errors import PipelineError
from unicedit.schema import OK
from unicedit.training.schema import SAMPLES
from unicedit.verifier.chat import Form, messages, question, reply_text
from unicedit.verifier.load import Differential

_NEEDED = (
    "key", "kind", "status", "source_image", "edit_image", "given_en", "given_cn", "true_en", "true_cn", "source_caption", "edit_caption", "differences",
    "is_changed",
)  # fmt: skip
_REJECTED = ("rejected_en", "rejected_cn", "rejected_differences")
_COPY = "copy"  # which of a row's pairs
_AGAIN = "make it again (remove it and run the pipeline), or name another file"
_TEXTS = ("given_en", "given_cn", "true_en", "true_cn", "source_caption", "edit_caption", "differences")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Rows:
    """Rows to train on: ``dataset`` is a ``datasets.Dataset``; ``shapes`` and ``lengths`` say of each row how its pictures and texts are sized."""

    dataset: Any
    keys: Sequence[str]
    shapes: Sequence[tuple[int, ...]]  # width and height of source and edit, pixels
    lengths: Sequence[int]  # characters


def pictures_of(differential: Differential) -> int:
    """How many pictures a verifier looks at: source, edit and, with ``image``, their difference."""
    return 3 if differential == "image" else 2


def asked(row: Mapping[str, Any], form: Form, differential: Differential, withheld: float) -> str:
    """The question about a row; a share ``withheld`` of all rows (by key) is asked without the instruction."""
    given = None if _chance("withheld", row["key"]) < withheld else (row["given_en"], row["given_cn"])
    return question(given, form, 3 if differential == "image" else 2)


def true_reply(row: Mapping[str, Any], form: Form, wording: int = 0) -> str:
    """The reply that is true of a row, in its first wording or one of the others. Raises ``PipelineError`` for a row whose texts make no valid reply."""
    restated = wordings_of(row)[wording] if row["is_changed"] else ("", "")
    return _reply(row, form, row["differences"] or [], bool(row["is_changed"]), restated)


def wordings_of(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The right wordings of what changed, English and Chinese; the row's own first."""
    return [(row["true_en"] or "", row["true_cn"] or ""), *((one["en"], one["cn"]) for one in row.get("other_wordings") or [])]


def rejected_reply(row: Mapping[str, Any], form: Form) -> str:
    """The reply that a preference pair rejects: it states ``rejected_en`` and ``rejected_cn``; where they are null, that nothing changed."""
    if row["rejected_en"] is None:
        return unchanged_reply(row, form)
    return _reply(row, form, row["rejected_differences"] or [], True, (row["rejected_en"], row["rejected_cn"] or ""))


def unchanged_reply(row: Mapping[str, Any], form: Form) -> str:
    """The reply that nothing changed."""
    return _reply(row, form, [], False, ("", ""))


def sft_rows(
    data: Path, kinds: Sequence[str], form: Form, differential: Differential, *, withheld: float = 0.0, cache: Path | None = None
) -> Rows:
    """Rows of ``key``, ``images``, ``prompt`` and ``completion``, in the conversational format of trl. ``kinds`` are the samples' kinds to take.

    ``cache`` is the folder for the memory-mapped copy of the table; without it, the table is held in memory. Raises ``PipelineError`` for an unusable file.
    """

    def row(values: Mapping[str, Any]) -> dict[str, Any]:
        chat = messages(asked(values, form, differential, withheld), pictures_of(differential), true_reply(values, form))
        return {**_pictures(values), "prompt": chat[:1], "completion": chat[1:]}

    return _open(data, _NEEDED, kinds, cache, row)


def preference_rows(
    data: Path,
    form: Form,
    differential: Differential,
    *,
    wordings: int = 1,
    ranked: bool = False,
    unchanged: float = 0.0,
    withheld: float = 0.0,
    cache: Path | None = None,
) -> Rows:
    """The same with ``chosen`` and ``rejected`` in place of ``completion``, for the pairs of all kinds.

    With several ``wordings`` a row is in the data as often as there may be pairs of it: each wording over the rejected reply and, where they are
    ``ranked``, the first wording over each other; a row with fewer wordings goes round its pairs again.
    Of a share ``unchanged`` of the rows about a real change (by key) the rejected reply is that nothing changed.
    """
    copies = wordings + (wordings - 1 if ranked else 0)

    def row(values: Mapping[str, Any]) -> dict[str, Any]:
        known = min(wordings, len(wordings_of(values))) if values["is_changed"] else 1
        pair = values[_COPY] % (2 * known - 1 if ranked else known) if copies > 1 else 0
        if pair < known:
            overlooked = values["is_changed"] and _chance("unchanged", values["key"]) < unchanged
            chosen, rejected = true_reply(values, form, pair), (unchanged_reply if overlooked else rejected_reply)(values, form)
        else:
            chosen, rejected = true_reply(values, form), true_reply(values, form, pair - known + 1)
        if chosen == rejected:
            raise PipelineError(
                f"{data}: row {values['key']}: the rejected reply is the true one; correct its rejected_* columns, or remove the row"
            )
        text = asked(values, form, differential, withheld)
        chat, other = (messages(text, pictures_of(differential), reply) for reply in (chosen, rejected))
        return {**_pictures(values), "prompt": chat[:1], "chosen": chat[1:], "rejected": other[1:]}

    return _open(data, (*_NEEDED, *_REJECTED, *(("other_wordings",) if copies > 1 else ())), None, cache, row, copies)


def _chance(what: str, key: str) -> float:
    """A number from 0 to 1 that belongs to a key, another one for each use."""
    return int.from_bytes(hashlib.blake2b(f"{what} {key}".encode(), digest_size=8).digest(), "big") / 2**64


def _reply(row: Mapping[str, Any], form: Form, differences: Sequence[str], is_changed: bool, restated: tuple[str, str]) -> str:
    captions = (row["source_caption"] or "", row["edit_caption"] or "") if form == "full" else None
    try:
        return reply_text(differences, is_changed, restated, captions)
    except ValueError as error:
        said = " ".join(str(error).split())
        raise PipelineError(
            f"training row {row['key']}: its texts make no {form} reply ({said[:200]}); correct or remove it in the review file"
        ) from error


def _pictures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": _key(row["key"], row.get(_COPY, 0)), "images": [row["source_image"], row["edit_image"]]}


def _key(key: str, copy: int) -> str:
    """Each pair of a row is known by a key of its own: the reference's log-probabilities are."""
    return f"{key}+{copy}" if copy else key


def _open(
    data: Path,
    columns: Sequence[str],
    kinds: Sequence[str] | None,
    cache: Path | None,
    row: Callable[[Mapping[str, Any]], dict[str, Any]],
    copies: int = 1,
) -> Rows:
    from datasets import Dataset, concatenate_datasets

    _check_schema(data, columns)
    if cache is None:
        table = Dataset(pq.read_table(data, columns=list(columns)))
    else:
        table = Dataset.from_parquet(str(data), columns=list(columns), cache_dir=str(cache))
    light = table.data.table.select([name for name in columns if not name.endswith("_image")]).to_pylist()
    wanted = [number for number, one in enumerate(light) if one["status"] == OK and (kinds is None or one["kind"] in kinds)]
    if not wanted:
        of = "" if kinds is None else f" of the kinds {', '.join(kinds)}"
        raise PipelineError(f"{data}: none of its {len(light)} rows is ok{of}; make more samples, or name other kinds")
    sizes = list(zip(_sizes(table, "source_image", wanted), _sizes(table, "edit_image", wanted), strict=True))

    def made(batch: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        rows = [row(dict(zip(batch, values, strict=True))) for values in zip(*batch.values(), strict=True)]
        return {name: [one[name] for one in rows] for name in rows[0]}

    chosen = table.select(wanted)
    if copies > 1:  # a column beside the table: no picture is copied
        numbered = [table.add_column(_COPY, [copy] * len(table)) for copy in range(copies)]
        chosen = concatenate_datasets([one.select(wanted) for one in numbered])
    lengths = [
        sum(len(one[name] or "") for name in _TEXTS[:-1]) + sum(map(len, one["differences"] or [])) for one in (light[at] for at in wanted)
    ]
    return Rows(
        chosen.with_transform(made),
        [_key(light[at]["key"], copy) for copy in range(copies) for at in wanted],
        [source + edit for source, edit in sizes] * copies,
        lengths * copies,
    )


def _sizes(table: Any, column: str, wanted: Sequence[int]) -> list[tuple[int, int]]:
    """Width and height of encoded pictures, from their first bytes."""
    from PIL import Image

    pictures = table.data.table.column(column)
    heads = pc.binary_slice(pictures, 0, 24).to_pylist()
    found = []
    for number in wanted:
        head = heads[number]
        if head is not None and head.startswith(_PNG) and len(head) == 24:
            found.append(struct.unpack(">II", head[16:24]))
            continue
        try:
            found.append(Image.open(io.BytesIO(pictures[number].as_py() or b"")).size)
        except (OSError, ValueError) as error:
            raise PipelineError(
                f"training row {table[number]['key']}: {column} is no picture ({error}); remove the row or make it again"
            ) from error
    return found


def _check_schema(data: Path, columns: Sequence[str]) -> None:
    try:
        schema = pq.read_schema(data)
    except FileNotFoundError:
        raise PipelineError(
            f"{data}: no such file; run the target that makes the training data, or name another file with --data"
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise PipelineError(f"{data}: not a readable Parquet file ({' '.join(str(error).split())[:120]}); {_AGAIN}") from error
    for name in columns:
        if name not in schema.names:
            raise PipelineError(f"{data}: has no column {name}; it is no table of training samples, or of an older version: {_AGAIN}")
        kind = schema.field(name).type
        if kind != SAMPLES.field(name).type and not (pa.types.is_large_binary(kind) or pa.types.is_large_string(kind)):
            raise PipelineError(f"{data}: column {name} is {kind}, expected {SAMPLES.field(name).type}; {_AGAIN}")
