"""No row is lost or made up: each stage accounts for every row the stage before it passed on (design section 3)."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bad_files import bad_library
from checkout import Checkout
from unicedit.sidecar import count, sealed
from unicedit.stages import SHARD_STAGES

pytestmark = pytest.mark.workflow


def rows(path: Path) -> list[dict[str, Any]]:
    """A table's rows without the pictures."""
    names = [field.name for field in pq.read_schema(path) if not pa.types.is_binary(field.type) and not pa.types.is_struct(field.type)]
    found: list[dict[str, Any]] = pq.read_table(path, columns=names).to_pylist()
    return found


def table(run: Checkout, stage: str, shard: str) -> list[dict[str, Any]]:
    name = f"dataset/data/shard-{shard}" if stage == "assemble" else f"{stage}/{shard}"
    return rows(run.path(f"results/{name}.parquet"))


def passed(found: list[dict[str, Any]]) -> list[str]:
    return [row["key"] for row in found if row["status"] == "ok"]


def check_conservation(run: Checkout) -> dict[str, Counter[str]]:
    """Assert that every stage accounts for every row; returns rows by status of each stage."""
    shards = json.loads(run.path("results/index/shards.json").read_text())["generations"]
    totals: dict[str, Counter[str]] = {}
    ingested: set[str] = set()
    for shard in [shard for generation in shards for shard in generation]:
        found = {stage: table(run, stage, shard) for stage in SHARD_STAGES}
        for stage, value in found.items():
            sidecar = run.sidecar(f"dataset/sidecars/shard-{shard}" if stage == "assemble" else f"{stage}/{shard}")
            assert sidecar["rows"] == len(value) == sum(sidecar["status"].values())
            if stage == "assemble":
                continue
            by_status, by_reason = count([row["status"] for row in value], [row["reason"] for row in value])
            assert (sidecar["status"], sidecar["reasons"]) == (by_status, by_reason)
            assert all((row["reason"] is None) == (row["status"] == "ok") for row in value), f"{stage}: what is not ok has a reason"
            assert len(set(passed(value))) == len(passed(value)) or stage == "ingest", f"{stage}: keys of good rows are unique"
            totals.setdefault(stage, Counter()).update(by_status)
        assert len({row["source"] for row in found["ingest"]}) == len(found["ingest"])
        ingested.update(passed(found["ingest"]))
        assert [row["key"] for row in found["prefilter"]] == passed(found["ingest"])
        assert {row["image"] for row in found["instruct"]} == set(passed(found["prefilter"]))
        assert Counter(row["instruction"] for row in found["edit"]) == Counter(passed(found["instruct"]))
        assert [row["key"] for row in found["verify"]] == passed(found["edit"])
        assert [row["key"] for row in found["assemble"]] == passed(found["verify"])
        for before, after in (("ingest", "prefilter"), ("prefilter", "instruct"), ("instruct", "edit"), ("edit", "verify")):
            assert run.sidecar(f"{after}/{shard}")["rows_in"] == len(passed(found[before]))
        totals.setdefault("assemble", Counter()).update(ok=len(found["assemble"]))
    listed = [
        key for path in run.folder.glob("results/duplicates/*.parquet") for key in pq.read_table(path, columns=["key"])["key"].to_pylist()
    ]
    assert set(listed) == ingested and len(listed) == totals["ingest"]["ok"]
    assert totals["edit"]["ok"] == pq.read_metadata(run.path("results/truth/truth.parquet")).num_rows
    assert totals["assemble"]["ok"] == pq.read_metadata(run.path("results/dataset/index.parquet")).num_rows
    # every sealed file says what it holds
    gathers = ("truth", "card", "gallery", "table3", "filter_truth")
    assert len(sealed(run.path("results"))) == len(shards) + sum(map(len, shards)) * len(SHARD_STAGES) + len(gathers)
    return totals


def test_every_stage_accounts_for_every_row(finished_run: Checkout) -> None:
    totals = check_conservation(finished_run)
    assert sum(totals["ingest"].values()) == 8
    assert totals["assemble"]["ok"] > 0 and totals["verify"]["rejected"] > 0


def test_folder_of_bad_files_ends_with_each_accounted_for(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    library = run.path("bad")
    library.mkdir()
    owed = bad_library(library)
    # the files are plain colours and noise: let them all in, so that the later stages see them too
    columns = "columns: {origin: url, licence: license}"
    run.path("test.yaml").write_text(
        f"library: {{kind: files, path: {library}, shard_size: 100, {columns}}}\nprefilter: {{min_quality: 0}}\nbenchmark: {{source: none}}\nmap: {{stop_after_failures: 1000}}\n"
    )
    run.snakemake("all")
    totals = check_conservation(run)
    found = {row["source"]: row for path in run.folder.glob("results/ingest/*.parquet") for row in rows(path)}
    assert sorted(found) == sorted(owed), "exactly one row for each"
    for name, (status, reason) in owed.items():
        row = found[name]
        assert row["status"] == status, (name, row["reason"])
        if reason is not None:
            assert row["reason"].split(":")[0] in reason.split("|"), (name, row["reason"])
    assert totals["ingest"]["failed"] + totals["ingest"]["rejected"] == sum(status != "ok" for status, _ in owed.values()) >= 30
    assert totals["assemble"]["ok"] > 20, "what is good in the folder came through"
    # Table 3 counts the very rows
    lines = [line.split(",") for line in run.path("results/tables/table3.csv").read_text().splitlines()]
    volumes = {line[1]: int(line[3]) for line in lines if line[2] == "data_volume" and line[-1] == "measured"}
    assert volumes["Library Images"] == len(found)
    assert volumes["Final Data"] == totals["assemble"]["ok"]


def test_rebuilding_from_clean_gives_the_same_bytes(finished_run: Checkout, tmp_path: Path) -> None:
    again = Checkout.fresh(tmp_path / "again")
    shutil.copytree(finished_run.path("photos"), again.path("photos"))
    # other batches, other processes, another order: none of it may show
    shutil.copy(finished_run.path("test.yaml"), again.path("test.yaml"))
    with again.path("test.yaml").open("a") as overlay:
        overlay.write("  workers: 2\nedit: {batch_size: 3}\nverify: {batch_size: 5}\ninstruct: {batch_size: 1}\n")
    again.snakemake("--cores", "1", "all")
    assert again.dataset() == finished_run.dataset()
    for name in ("dataset/index.parquet", "dataset/census.csv", "dataset/README.md", "tables/table3.csv", "tables/filter_truth.csv"):
        assert again.path(f"results/{name}").read_bytes() == finished_run.path(f"results/{name}").read_bytes(), name
