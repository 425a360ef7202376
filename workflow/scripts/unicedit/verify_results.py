"""Check every sealed file against the SHA-256 its sidecar recorded (design section 5)."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unicedit.files import read_json, sha256_of_file
from unicedit.sidecar import sealed, set_aside


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not what was sealed."""

    path: Path
    what: str


def check(results: Path) -> Iterator[tuple[Path, Fault | None]]:
    """Yield every sealed table with its fault, if it has one. Nothing is changed."""
    for sidecar in sealed(results):
        value = read_json(sidecar)
        table = sidecar.parent / value["table"]
        if "set_aside" in value:
            continue
        if not table.exists():
            yield table, Fault(table, "is missing")
        elif table.stat().st_size != value["bytes"]:
            yield table, Fault(table, f"has {table.stat().st_size} bytes, sealed were {value['bytes']}")
        elif sha256_of_file(table) != value["sha256"]:
            yield table, Fault(table, "has other content than was sealed")
        else:
            yield table, None


def repair(results: Path, fault: Fault) -> Path:
    """Move a faulty table out of the way and mark its sidecar, so that the next run makes it again; returns where it lies now.

    The kept copy of the last run goes too: it is usually a hard link to the same damaged bytes, and only whole files may be reused.
    """
    for sidecar in sealed(results):
        value = read_json(sidecar)
        if (sidecar.parent / value["table"]) == fault.path:
            target: Path = results / ".corrupt" / value["stage"] / fault.path.name
            set_aside(sidecar, fault.what, target)
            kept = results / ".kept" / value["stage"] / str(value["shard"])
            kept_table, kept_sidecar = kept.with_name(f"{kept.name}.parquet"), kept.with_name(f"{kept.name}.json")
            if kept_table.exists() and sha256_of_file(kept_table) != read_json(kept_sidecar)["sha256"]:
                with suppress(FileNotFoundError):
                    kept_table.unlink()
                    kept_sidecar.unlink()
            return target
    raise FileNotFoundError(f"{fault.path}: no sidecar under {results} speaks of it")
