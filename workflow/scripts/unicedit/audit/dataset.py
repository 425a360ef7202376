"""The rows of any dataset, file by file, through a mapping of its columns."""

from collections.abc import Iterator
from pathlib import Path

from unicedit.audit.measure import LIMITS
from unicedit.audit.row import Row
from unicedit.errors import PipelineError
from unicedit.map.stage import RowError
from unicedit.triplets.draw import NoTriplet, content_of, files_of, open_records, text_of
from unicedit.triplets.mapping import Mapping, Part, Picture
from unicedit.triplets.records import Record, Records


class Dataset:
    """A dataset in a folder. Raises ``PipelineError`` where it has no file that the mapping names."""

    def __init__(self, root: Path, mapping: Mapping) -> None:
        self.root = root
        self.mapping = mapping
        self.files = files_of(root, mapping)
        if not self.files:
            patterns = ", ".join(part.files for part in mapping.parts)
            raise PipelineError(f"{root}: no file of {mapping.name} ({patterns}); name the folder that holds it, or another --mapping")

    @property
    def languages(self) -> list[str]:
        """Languages that some part has a column of instructions for."""
        return [one for one in ("en", "cn") if any(getattr(part.instruction, one) for part in self.mapping.parts)]

    def open(self, name: str, part: Part) -> tuple[int, Iterator[Row]]:
        """The number of rows of a file, and the rows. Raises ``PipelineError`` where it is not as the mapping says."""
        records = open_records(self.root / name, part, LIMITS)
        return len(records), self._rows(name, records)

    def _rows(self, name: str, records: Records) -> Iterator[Row]:
        for number, record in enumerate(records.read(range(len(records)))):
            yield self._row(name, number, records.part, record)

    def _row(self, name: str, number: int, part: Part, record: Record | RowError) -> Row:
        place = f"{name}::{number}"
        if isinstance(record, RowError):
            return Row(place, fault=str(record))
        texts = {column: text_of(record.get(column)) for column in part.texts}
        try:
            source, edit = (self._picture(name, picture, record) for picture in (part.source, part.edited))
        except NoTriplet as error:
            return Row(place, fault=str(error))
        return Row(
            place,
            key=texts.get(part.key or ""),
            task=texts.get(part.task or ""),
            subtask=texts.get(part.subtask or ""),
            instruction_en=texts.get(part.instruction.en or ""),
            instruction_cn=texts.get(part.instruction.cn or ""),
            source=source,
            edit=edit,
        )

    def _picture(self, name: str, picture: Picture, record: Record) -> bytes | RowError:
        try:
            return content_of(self.root, self.root / name, picture, record, LIMITS)
        except NoTriplet:
            raise
        except RowError as error:
            return error
