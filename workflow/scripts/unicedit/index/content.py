"""Whether a file's content changed, and how a container is cut into shards; read by the head process for files that are new or were touched."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def digest_of_file(path: str | os.PathLike[str]) -> str:
    """BLAKE2b-128 of a file's bytes: what ingest records for a picture file, and what a touched file is compared with."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def same_bytes(path: str, recorded: str) -> bool:
    """Whether a file has the recorded digest; one that cannot be read has not."""
    try:
        return digest_of_file(path) == recorded
    except OSError:
        return False


def fingerprint(path: str | os.PathLike[str]) -> str:
    """A digest of a tar's or Parquet file's size and of samples of its bytes: ends and 16 places between; ``unreadable`` for one that cannot be read.

    Tells a touched container from a rewritten one without reading gigabytes; the ends hold a Parquet file's footer and a tar's first headers.
    """
    try:
        size = os.path.getsize(path)
        digest = hashlib.blake2b(str(size).encode(), digest_size=16)
        places = [(0, 65_536), *((size * part // 17, 4_096) for part in range(1, 17)), (max(0, size - 65_536), 65_536)]
        with Path(path).open("rb") as stream:
            for start, length in places:
                stream.seek(start)
                digest.update(stream.read(length))
    except OSError:
        return "unreadable"
    return digest.hexdigest()


def row_ranges(path: str, shard_size: int) -> Iterator[dict[str, Any]]:
    """Ranges of whole row groups of about ``shard_size`` rows; a file that cannot be read is one range, whose job records it as failed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError):
        yield {"first_group": 0, "groups": 0, "first_row": 0, "rows": 0}
        return
    start = rows = row = 0
    for group in range(metadata.num_row_groups):
        rows += metadata.row_group(group).num_rows
        if rows >= shard_size or group == metadata.num_row_groups - 1:
            yield {"first_group": start, "groups": group + 1 - start, "first_row": row, "rows": rows}
            start, row, rows = group + 1, row + rows, 0
