"""Sidecars whose tables are gone are hidden while Snakemake plans and runs, and put back where no new one was made."""

import os
from pathlib import Path

from unicedit.files import read_json
from unicedit.freshness import Freshness
from unicedit.sidecar import Identity, seal

STATUS = {"ok": 1, "rejected": 0, "failed": 0}


def made(folder: Path, name: str, *inputs: str) -> tuple[Path, Path]:
    table, sidecar = folder / f"{name}.parquet", folder / f"{name}.json"
    table.write_text(name)
    sources = tuple(folder / f"{one}.json" for one in inputs)
    seal(table, sidecar, Identity(name, "00000", "code", "{}", sources), rows=1, rows_in=1, status=STATUS, reasons={})
    return sidecar, table


def test_sidecar_of_a_table_that_is_gone_is_hidden_and_put_back(tmp_path: Path) -> None:
    edit, verify = made(tmp_path, "edit"), made(tmp_path, "verify", "edit")
    settings = read_json(edit[0])["settings"]
    before = edit[0].read_bytes(), edit[0].stat().st_mtime_ns
    edit[1].unlink()
    freshness = Freshness()
    freshness.settle([edit], "code", settings)
    freshness.settle([verify], "code", settings)
    assert not edit[0].exists()
    assert freshness.stale == [], "what was made from it is as fresh as before"
    freshness.unhide()
    assert (edit[0].read_bytes(), edit[0].stat().st_mtime_ns) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edit.json", "verify.json", "verify.parquet"]


def test_sidecar_that_was_made_again_is_kept(tmp_path: Path) -> None:
    edit = made(tmp_path, "edit")
    edit[1].unlink()
    freshness = Freshness()
    freshness.settle([edit], "code", read_json(edit[0])["settings"])
    edit[0].write_text("new")
    freshness.unhide()
    assert edit[0].read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["edit.json"]


def test_a_folder_is_as_old_as_the_stamp_that_snakemake_put_into_it(tmp_path: Path) -> None:
    edit, gallery = made(tmp_path, "edit"), made(tmp_path, "gallery", "edit")
    folder = tmp_path / "data"
    folder.mkdir()
    stamp = folder / ".snakemake_timestamp"
    stamp.touch()
    for number, path in enumerate((stamp, gallery[0], gallery[1], edit[1], edit[0])):  # as a copy may leave them: the input is the youngest
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    freshness = Freshness()
    settings = read_json(edit[0])["settings"]
    freshness.settle([edit], "code", settings)
    freshness.settle([(*gallery, folder)], "code", settings)
    assert freshness.stale == []
    assert stamp.stat().st_mtime_ns > edit[0].stat().st_mtime_ns
