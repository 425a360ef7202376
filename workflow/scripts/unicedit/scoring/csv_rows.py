"""Rows of a CSV file that somebody else wrote, each with the place to name in an error."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from unicedit.errors import PipelineError


def csv_rows(path: Path, columns: Sequence[str], may_be_empty: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, str]]]:
    """Pairs of place (``file: line n``) and the row's ``columns``, stripped; other columns are ignored.

    Raises ``PipelineError`` for a file that cannot be read, a missing column, and an empty field that is not among ``may_be_empty``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise PipelineError(f"{path}: line 1: no column {missing[0]!r}; the columns are {','.join(columns)}")
            for row in reader:
                place = f"{path}: line {reader.line_num}"
                values = {name: (row[name] or "").strip() for name in columns}
                empty = [name for name, value in values.items() if not value and name not in may_be_empty]
                if empty:
                    raise PipelineError(f"{place}: {empty[0]} is empty: fill it, or leave the line out")
                yield place, values
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PipelineError(f"{path}: not a CSV file in UTF-8 ({error})") from error
