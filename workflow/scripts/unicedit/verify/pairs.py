"""Anyone's own pairs of source and edit, from a folder or a table (``verify_pairs.py``).

A folder holds ``NAME_source.png``, ``NAME_edit.png`` (any picture format) and ``NAME.txt``: the instruction on its first line, a Chinese one on its second.
A table (.csv, .jsonl, .parquet) has the columns ``source``, ``edit``, ``instruction`` and, where there are such, ``instruction_cn`` and ``key``. Pictures are
paths beside the table, or, in Parquet, bytes (also as ``{bytes, path}``). A pair without an instruction is read blind.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unicedit.config.ingest import EncodingSettings
from unicedit.errors import PipelineError
from unicedit.files import appearing_whole, digest_of
from unicedit.ingest.decode import decode
from unicedit.map.stage import RowError
from unicedit.parquet import writer
from unicedit.pictures import bytes_digest, encoded
from unicedit.vlm.reply import clean

TABLES = (".csv", ".jsonl", ".parquet")
NEEDED = ("source", "edit")
KNOWN = (*NEEDED, "instruction", "instruction_cn", "key")
MAX_FILE_MB = 200.0
MAX_MEGAPIXELS = 150.0
MAX_INSTRUCTION = 2000  # characters

Picture = Path | bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One pair as it was found; a picture is None where there is none."""

    key: str
    source: Picture
    edit: Picture
    instruction_en: str
    instruction_cn: str

    @property
    def instruction(self) -> tuple[str, str] | None:
        """English and Chinese text; None where neither is given."""
        return (self.instruction_en, self.instruction_cn) if self.instruction_en or self.instruction_cn else None

    @property
    def digest(self) -> str:
        """Of pictures (a file by its name, size and time) and instruction."""
        return digest_of(_version(self.source), _version(self.edit), self.instruction_en, self.instruction_cn)


def read_pairs(place: Path) -> list[Entry]:
    """The pairs in a folder or table, in order. Raises ``PipelineError`` where it is neither, or where two have one key."""
    if place.is_dir():
        found = list(_of_folder(place))
    elif place.is_file() and place.suffix.lower() in TABLES:
        found = [_entry(number, row, place.parent) for number, row in enumerate(_of_table(place))]
    else:
        raise PipelineError(f"{place}: no such folder of pairs, and no table ({', '.join(TABLES)})")
    if not found:
        raise PipelineError(f"{place}: no pairs in it; a folder holds NAME_source.png, NAME_edit.png and NAME.txt")
    seen: set[str] = set()
    for entry in found:
        if entry.key in seen:
            raise PipelineError(f"{place}: two pairs have the key {entry.key!r}; give each its own, or none a key")
        seen.add(entry.key)
    return found


def load_pair(entry: Entry) -> tuple[bytes, bytes]:
    """Source and edit as PNG. Raises ``RowError`` with a reason."""
    return _loaded("source", entry.source), _loaded("edit", entry.edit)


def _loaded(name: str, picture: Picture) -> bytes:
    if picture is None:
        raise RowError(f"missing: no {name} picture")
    try:
        content = picture if isinstance(picture, bytes) else picture.read_bytes()
        image = decode(content, MAX_FILE_MB, MAX_MEGAPIXELS).image
    except OSError as error:
        raise RowError(f"missing: {name} picture {picture if isinstance(picture, Path) else ''}: {error.strerror or error}") from error
    except RowError as error:
        kind, _, rest = str(error).partition(":")
        raise RowError(f"{kind}: {name} picture:{rest}") from error
    return encoded(image, EncodingSettings(format="png", compress_level=1))


def _version(picture: Picture) -> Any:
    if not isinstance(picture, Path):
        return picture and bytes_digest(picture)
    try:
        found = picture.stat()
    except OSError:
        return str(picture)
    return [str(picture), found.st_size, found.st_mtime_ns]


def _of_folder(folder: Path) -> Iterator[Entry]:
    files: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        name, _, role = file.stem.rpartition("_")
        if file.is_file() and name and role in NEEDED:
            files.setdefault(name, {}).setdefault(role, file)
        elif file.is_file() and file.suffix == ".txt":
            files.setdefault(file.stem, {})["text"] = file
    for name, parts in sorted(files.items()):
        if not parts.keys() & set(NEEDED):
            continue  # a text that belongs to no picture: notes, a licence
        lines = parts["text"].read_text(encoding="utf-8", errors="replace").splitlines() if "text" in parts else []
        english, chinese = [*lines, "", ""][:2]
        yield Entry(clean(name), parts.get("source"), parts.get("edit"), _line(english), _line(chinese))


def _of_table(table: Path) -> Iterator[dict[str, Any]]:
    try:
        if table.suffix.lower() == ".parquet":
            with pq.ParquetFile(table) as file:
                _check(table, file.schema_arrow.names)
                for batch in file.iter_batches(batch_size=100, columns=[name for name in KNOWN if name in file.schema_arrow.names]):
                    yield from batch.to_pylist()
        elif table.suffix.lower() == ".csv":
            with table.open(encoding="utf-8-sig", newline="") as stream:
                read = csv.DictReader(stream)
                _check(table, read.fieldnames or ())
                yield from read
        else:
            for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise PipelineError(f"{table}, line {number}: not a JSON object")
                    _check(f"{table}, line {number}", row)
                    yield row
    except (pa.ArrowInvalid, csv.Error, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PipelineError(f"{table}: cannot be read: {' '.join(str(error).split())[:200]}") from error


def _check(place: Any, names: Any) -> None:
    if missing := [name for name in NEEDED if name not in names]:
        raise PipelineError(f"{place}: no column {' or '.join(missing)}; known are {', '.join(KNOWN)}")


def _entry(number: int, row: dict[str, Any], folder: Path) -> Entry:
    key = clean(str(row.get("key") or "")) or f"row-{number:06d}"
    source, edit = (_picture(row.get(name), folder) for name in NEEDED)
    return Entry(key, source, edit, _line(row.get("instruction")), _line(row.get("instruction_cn")))


def _picture(value: Any, folder: Path) -> Picture:
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    return folder / value if isinstance(value, str) and value and "\0" not in value else None


def _line(value: Any) -> str:
    return clean(value)[:MAX_INSTRUCTION] if isinstance(value, str) else ""


def write_verdicts(table: Path, out: Path) -> None:
    """Copy a table of verdicts to ``out`` as its suffix says. In CSV the list of differences is JSON."""
    found = pq.read_table(table)
    found = found.drop_columns(["recipe", "inputs"])
    with appearing_whole(out) as temporary:
        if out.suffix == ".parquet":
            with writer(temporary, found.schema) as parquet:
                parquet.write_table(found)
        elif out.suffix == ".jsonl":
            temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found.to_pylist()), encoding="utf-8")
        else:
            with temporary.open("w", encoding="utf-8", newline="") as stream:
                lines = csv.DictWriter(stream, found.column_names)
                lines.writeheader()
                for row in found.to_pylist():
                    differences = row["differences"]
                    lines.writerow({**row, "differences": None if differences is None else json.dumps(differences, ensure_ascii=False)})
