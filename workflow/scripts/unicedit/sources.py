"""Source pictures and light columns of sealed tables, read when they are needed, wherever the stage runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unicedit.lookup import Lookup
from unicedit.provenance import Provenance


class KeyedTable:
    """A sealed table by key, opened at the first question; a copy sent to a worker process opens its own."""

    def __init__(self, path: Path, key_column: str = "key") -> None:
        self.path = Path(path)
        self.key_column = key_column
        self._lookup: Lookup | None = None

    def get(self, keys: Sequence[str], *columns: str) -> list[dict[str, Any]]:
        """One dictionary of ``columns`` a key, in order."""
        if self._lookup is None:
            self._lookup = Lookup(self.path, self.key_column)
        return self._lookup.get(keys, columns)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "key_column": self.key_column, "_lookup": None}


class Sources:
    """The source pictures of an ingest table."""

    def __init__(self, ingest: Path) -> None:
        self._table = KeyedTable(ingest)

    def digest(self, key: str) -> str:
        """Digest of the stored picture: it changes when crop, size or encoding do, where the digest of the library's pixels would not."""
        return str(self._table.get([key], "image_digest")[0]["image_digest"])

    def pictures(self, keys: Sequence[str]) -> list[tuple[bytes, Provenance]]:
        """Encoded picture and provenance of each key, in order."""
        columns = (
            "key",
            "source",
            "width",
            "height",
            "crop_left",
            "crop_top",
            "crop_right",
            "crop_bottom",
            "image_width",
            "image_height",
            "image",
        )
        return [(row["image"], _provenance(row)) for row in self._table.get(keys, *columns)]


def _provenance(row: dict[str, Any]) -> Provenance:
    return Provenance(
        key=row["key"],
        source=row["source"],
        width=row["width"],
        height=row["height"],
        crop=(row["crop_left"], row["crop_top"], row["crop_right"], row["crop_bottom"]),
        image_width=row["image_width"],
        image_height=row["image_height"],
    )
