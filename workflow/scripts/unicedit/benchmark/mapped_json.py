"""Another benchmark's samples in JSON files: an object of samples by key, pictures named in each, relative to the file's folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unicedit.benchmark.mapping import FOLDER, KEY
from unicedit.benchmark.record import BenchmarkError
from unicedit.vlm.reply import clean

MAX_MB = 100.0  # of a file of texts


def json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and columns of each sample of a file. Raises ``BenchmarkError`` for what is no object of objects, and for a key that is there twice: one of them would be lost."""
    if (size := path.stat().st_size) > MAX_MB * 1e6:
        raise BenchmarkError(f"{path}: {size / 1e6:.0f} MB, {MAX_MB:g} are allowed; this is no list of samples")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise BenchmarkError(
                f"{path}: {_short(next(name for name in names if names.count(name) > 1))!r} is there twice; fetch it again"
            )
        return found

    try:
        samples = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(f"{path}: no JSON ({' '.join(str(error).split())[:200]}); fetch it again") from error
    if not isinstance(samples, dict):
        raise BenchmarkError(
            f"{path}: an object of samples by key is expected, not {type(samples).__name__}; correct `files` in the mapping"
        )
    for key, sample in samples.items():
        place = f"{path}: {_short(key)}"
        if not isinstance(sample, dict):
            raise BenchmarkError(f"{place}: an object with the sample's columns is expected; correct `files` in the mapping")
        yield place, {**sample, KEY: key, FOLDER: path.resolve().parent.name}


def pictures_named(value: object, folder: Path, place: str) -> list[bytes]:
    """The files that a column names, one or a list, inside ``folder``; none for an empty name. Raises ``BenchmarkError`` where one is missing or would lie outside."""
    found = []
    for name in value if isinstance(value, list) else [value] if value else []:
        if not isinstance(name, str) or not name:
            raise BenchmarkError(f"{place}: a picture's name is expected, not {_short(str(name))!r}")
        picture = (folder / name).resolve()
        if not picture.is_relative_to(folder.resolve()):
            raise BenchmarkError(f"{place}: {_short(name)!r} leads out of {folder}; fetch the benchmark again")
        if not picture.is_file():
            raise BenchmarkError(f"{place}: no picture {picture}; fetch the benchmark's pictures, or name their folder in benchmark.images")
        found.append(picture.read_bytes())
    return found


def _short(text: str) -> str:
    return clean(text)[:60]
