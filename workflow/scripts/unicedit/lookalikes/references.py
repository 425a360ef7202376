"""Benchmarks' pictures as they are looked for."""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from PIL import Image

from unicedit.config.contamination import OWN, EmbeddingSettings
from unicedit.errors import PipelineError
from unicedit.files import appearing_whole
from unicedit.ingest.hashes import pixel_digest
from unicedit.lookalikes.folder import SUFFIXES, pictures_below
from unicedit.lookalikes.schema import REFERENCES
from unicedit.lookalikes.windows import WHOLE, grey, hashes, mirrored
from unicedit.lookup import rows
from unicedit.map.stage import Row
from unicedit.parquet import writer
from unicedit.pictures import decoded
from unicedit.verifier.identity import model_digest

SHORT = 20  # digits of a pixel digest, as in keys
_ROWS = 64
Embed = Callable[[Image.Image], Row]


def write_references(
    records: Path | None, folders: Mapping[str, Path], out: Path, embedding: EmbeddingSettings | None = None
) -> tuple[int, int]:
    """Write the table of references: the pictures of the benchmark's ``records`` and those below ``folders``, each once; returns their number and that of unreadable files.

    Raises ``PipelineError`` for a folder without a picture, ``EngineError`` for a model of ``embedding`` that is not at hand or of another kind.
    """
    count = unread = 0
    embed = _embed(embedding)
    with appearing_whole(out) as temporary, writer(temporary, REFERENCES) as opened:
        found = list(_of_records(records, embed)) if records else []
        for name, folder in folders.items():
            own, broken = _of_folder(name, folder, embed)
            unread += broken
            found += own
        for start in range(0, len(found), _ROWS):
            opened.write_table(pa.Table.from_pylist(found[start : start + _ROWS], schema=REFERENCES))
        count = len(found)
    return count, unread


def _embed(settings: EmbeddingSettings | None) -> Embed:
    """The columns of a picture's embedding. One picture at a time: hashing its windows takes as long."""
    if settings is None:
        return lambda _: {}
    from unicedit.scorers.embedding import Embedder

    embedder, digest = Embedder(settings), model_digest(settings.model, settings.revision)
    return lambda image: {"embedding": embedder.embed([image])[0], "embedder": digest}


def _of_records(records: Path, embed: Embed) -> Iterator[Row]:
    samples: dict[str, list[str]] = {}
    for row in rows(records, ["key", "picture"]):
        samples.setdefault(row["picture"], []).append(row["key"])
    for row in rows(records, ["picture", "image"]):
        if keys := samples.pop(row["picture"], None):
            yield _row(OWN, keys, row["picture"], decoded(row["image"]), embed)


def _of_folder(name: str, folder: Path, embed: Embed) -> tuple[list[Row], int]:
    found: dict[str, Row] = {}
    unread = 0
    for path, image in pictures_below(folder):
        if image is None:
            unread += 1
            continue
        digest = pixel_digest(image)[:SHORT]
        if digest in found:
            found[digest]["samples"].append(path)
        else:
            found[digest] = _row(name, [path], digest, image, embed)
    if not found:
        raise PipelineError(
            f"config: contamination.benchmarks: {name}: no readable picture below {str(folder)!r}; a folder with the benchmark's images is allowed ({', '.join(SUFFIXES)})"
        )
    return list(found.values()), unread


def _row(benchmark: str, samples: list[str], digest: str, image: Image.Image, embed: Embed) -> Row:
    small = grey(image)
    stream = io.BytesIO()
    small.save(stream, "PNG")
    return {
        "benchmark": benchmark,
        "samples": samples,
        "picture": digest,
        "hashes": hashes(small),
        "mirrored": hashes(mirrored(small))[WHOLE],
        "grey": stream.getvalue(),
        **embed(image),
    }
