"""A declared library: planned as shards without files, and no real run begins with it."""

import json
from pathlib import Path

import pytest

from unicedit.config.library import LibrarySettings
from unicedit.errors import PipelineError
from unicedit.index.declared import shard_sizes
from unicedit.index.index import refresh
from unicedit.index.scan import LibraryError


def not_asked(shard: str, name: str) -> str | None:
    raise AssertionError("nothing was ingested")


def test_shards_hold_all_pictures() -> None:
    assert shard_sizes(10, 4) == [4, 4, 2]
    assert shard_sizes(8, 4) == [4, 4]
    assert shard_sizes(1, 4) == [1]
    with pytest.raises(PipelineError, match=r"library\.shard_size = 4: .* at least 50 is needed"):
        shard_sizes(5_000_000, 4)


def test_dry_run_has_shards_and_manifests_without_files(tmp_path: Path) -> None:
    settings = LibrarySettings(kind="files", path="/no/such/folder", declared=5_001_199, shard_size=4000, licence="cc0")
    index = refresh(settings, 240, tmp_path / "index", not_asked, overlay=tmp_path)
    assert len(index.shards) == 1251 and index.shards[-1] == "01250"
    assert index.generations == [index.shards]
    manifest = json.loads(index.overlaid["01250"].read_text())
    assert (manifest["kind"], manifest["entries"], manifest["licence"]) == ("declared", [], "cc0")
    assert not (tmp_path / "index").exists()


def test_real_run_stops_at_once_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"config: library\.declared = 100: .* set library\.declared: null"):
        refresh(LibrarySettings(declared=100), 240, tmp_path / "index", not_asked)
    assert not list(tmp_path.iterdir())
