"""The reader of a shard: names of its pictures, and their bytes (issue 3, item 3)."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unicedit.map.stage import RowError

MAX_PICTURES = 1_000_000  # of one container
MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of the library before it is read: its name, what tells that it changed, origin and licence; ``fault`` when it cannot even be read."""

    name: str
    inputs: str
    origin: str
    licence: str
    fault: str | None = None


class Reader(ABC):
    """Entries of one shard, and the bytes of any of them."""

    def __init__(self, manifest: dict[str, Any], max_file_mb: float) -> None:
        self.manifest = manifest
        self.max_bytes = int(max_file_mb * 1e6)

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """The shard's pictures in order."""

    @abstractmethod
    def read(self, names: Sequence[str]) -> list[bytes | RowError]:
        """Their bytes, in the order asked."""

    def _entry(self, name: str, inputs: str, *, origin: str | None = None, licence: str | None = None, fault: str | None = None) -> Entry:
        return Entry(name, inputs, origin or self.manifest["origin"], licence or self.manifest["licence"], fault)

    def _removed(self, entry: dict[str, Any]) -> str | None:
        return "removed: no longer in the library" if entry.get("removed") else entry.get("fault")

    def _too_large(self, size: int) -> RowError:
        return RowError(f"too_large: {size / 1e6:.1f} MB > {self.max_bytes / 1e6:g} MB")


def text(value: Any) -> str | None:
    """A value of a stranger's file as text that can be stored: of bounded length, and valid where it held half a character."""
    return None if value is None else str(value)[:MAX_TEXT].encode("utf-8", "backslashreplace").decode("utf-8")
