"""Samples of a WebDataset tar: members whose names agree up to the first dot of the file name."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from unicedit.errors import PipelineError
from unicedit.ingest.tar_stream import TarStream, TooMuch, members
from unicedit.map.stage import RowError
from unicedit.triplets.mapping import Part
from unicedit.triplets.records import MAX_LINE_BYTES, Record, Records

JSON = "json"
Sample = dict[str, tuple[int, int]]


class TarRecords(Records):
    """A WebDataset tar. A row has the fields of the sample's .json member, and its pictures' bytes by what follows the key in their names.

    Its headers are read once to count the samples, and again to read some: a dataset has more samples than are to be held.
    """

    def __init__(self, path: Path, part: Part, max_bytes: int) -> None:
        super().__init__(path, part)
        self._max_bytes = max_bytes
        self._count = len(self._samples())

    def _samples(self) -> list[Sample]:
        """Where each sample's wanted members lie, by what follows the key in their names."""
        wanted = {JSON, self.part.source.column, self.part.edited.column}
        found: dict[str, Sample] = {}
        try:
            for member in members(TarStream(str(self.path))):
                folder, _, file = member.name.rpartition("/")
                stem, _, suffix = file.partition(".")
                if member.isreg() and not member.issparse() and suffix in wanted:
                    found.setdefault(f"{folder}/{stem}", {})[suffix] = (member.offset_data, member.size)
        except OSError as error:
            raise PipelineError(f"{self.path}: cannot be read ({error.strerror})") from error
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            what = f"{type(error).__name__}: {error}"
            raise PipelineError(f"{self.path}: not a whole tar ({what}); fetch it again, or leave it out of `files`") from error
        return list(found.values())

    def __len__(self) -> int:
        return self._count

    def read(self, rows: Sequence[int]) -> Iterator[Record | RowError]:
        samples, stream = self._samples(), TarStream(str(self.path))
        for row in rows:
            try:
                yield self._read(stream, samples[row])
            except RowError as error:
                yield error
            except TooMuch as error:
                yield RowError(f"too_large: {error}")

    def _read(self, stream: TarStream, sample: Sample) -> Record:
        record: Record = {}
        if JSON in sample:
            place, size = sample[JSON]
            if size > MAX_LINE_BYTES:
                raise RowError(f"too_large: a .json member of {size} bytes")
            try:
                found = json.loads(stream.content(place, size))
            except (ValueError, RecursionError) as error:
                raise RowError(f"not_json: {' '.join(str(error).split())[:200]}") from error
            record.update(found if isinstance(found, dict) else {})
        for suffix, (place, size) in sample.items():
            if suffix != JSON:
                if size > self._max_bytes:
                    raise RowError(f"too_large: {size / 1e6:.1f} MB > {self._max_bytes / 1e6:g} MB")
                record[suffix] = stream.content(place, size)
        return record
