"""The rows of a release as WebDataset tars: ``KEY.src.SUFFIX``, ``KEY.edit.SUFFIX`` and ``KEY.json`` with the other columns."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

from unicedit.files import appearing_whole

_PICTURES = {"src_image": "src", "edit_image": "edit"}


def write_tar(file: Path, out: Path) -> None:
    """Write the rows of a Parquet file of the release as a tar, whole or not at all; equal rows give equal bytes. Memory holds one row group."""
    with pq.ParquetFile(file) as opened, appearing_whole(out) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
        for group in range(opened.num_row_groups):
            for row in opened.read_row_group(group).to_pylist():
                _add(tar, row)


def sample_name(key: str) -> str:
    """A key as the name of a sample, which ends at its first dot: what is no letter, digit, ``_``, ``-`` or ``~`` becomes ``%XX``."""
    return quote(key, safe="").replace(".", "%2E")


def _add(tar: tarfile.TarFile, row: Mapping[str, Any]) -> None:
    name = sample_name(row["key"])
    for column, kind in _PICTURES.items():
        picture = row[column]
        _member(tar, f"{name}.{kind}{PurePosixPath(picture['path']).suffix}", picture["bytes"])
    light = {column: value for column, value in row.items() if column not in _PICTURES}
    _member(tar, f"{name}.json", json.dumps(light, ensure_ascii=False).encode())


def _member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(data))
