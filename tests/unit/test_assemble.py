"""One dataset file a shard: rows, order, bytes, and how readers see it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from made_tables import assembled, shard_tables
from unicedit.schema import DATASET

STAGES = ("ingest", "prefilter", "instruct", "edit", "verify")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    shard_tables(tmp_path, images=24)
    assembled(tmp_path)
    return tmp_path


def dataset_file(results: Path, shard: str = "00000") -> Path:
    return results / "dataset" / "data" / f"shard-{shard}.parquet"


def test_rows_are_the_accepted_edits_in_the_order_of_verify(results: Path) -> None:
    verdicts = pq.read_table(results / "verify" / "00000.parquet").to_pylist()
    accepted = [row["key"] for row in verdicts if row["status"] == "ok"]
    table = pq.read_table(dataset_file(results))
    assert table["key"].to_pylist() == accepted
    assert 0 < len(accepted) < len(verdicts)
    assert table.schema.equals(DATASET)


def test_every_column_comes_from_its_own_row(results: Path) -> None:
    edits = {row["key"]: row for row in pq.read_table(results / "edit" / "00000.parquet").to_pylist()}
    sources = {row["key"]: row for row in pq.read_table(results / "ingest" / "00000.parquet").to_pylist()}
    instructions = {row["key"]: row for row in pq.read_table(results / "instruct" / "00000.parquet").to_pylist()}
    for row in pq.read_table(dataset_file(results)).to_pylist():
        edit = edits[row["key"]]
        source, instruction = sources[edit["image"]], instructions[edit["instruction"]]
        assert row["edit_image"] == {"bytes": edit["edit_image"], "path": f"{row['key']}.jpg"}
        assert row["src_image"] == {"bytes": source["image"], "path": f"{edit['image']}.png"}
        assert (row["edit_subtask"], row["instruction_en"]) == (instruction["subtask"], instruction["instruction_en"])
        assert (row["editor"], row["seed"], row["licence"], row["source"]) == (edit["editor"], edit["seed"], "CC0-1.0", source["source"])
        assert row["shard"] == "00000"


def test_row_groups_pictures_and_page_index(results: Path) -> None:
    metadata = pq.ParquetFile(dataset_file(results)).metadata
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert set(sizes[:-1]) == {5}
    columns = {
        metadata.row_group(0).column(number).path_in_schema: metadata.row_group(0).column(number) for number in range(metadata.num_columns)
    }
    for name in ("src_image.bytes", "edit_image.bytes"):
        assert columns[name].compression == "UNCOMPRESSED"
        assert columns[name].statistics is None
    assert columns["prompt_en"].compression == "ZSTD"
    assert columns["prompt_en"].has_offset_index


def test_equal_tables_give_equal_bytes(results: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    again = tmp_path_factory.mktemp("again")
    shard_tables(again, images=24)
    assembled(again)
    assert dataset_file(again).read_bytes() == dataset_file(results).read_bytes()


def test_a_shard_without_accepted_edits_is_a_valid_empty_file(tmp_path: Path) -> None:
    shard_tables(tmp_path, images=0)
    assembled(tmp_path)
    table = pq.read_table(dataset_file(tmp_path))
    assert table.num_rows == 0
    assert table.schema.equals(DATASET)


def test_a_missing_edit_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    shard_tables(tmp_path, images=12)
    shard_tables(tmp_path / "other", images=12, offset=12)
    (tmp_path / "other" / "edit" / "00000.parquet").replace(tmp_path / "edit" / "00000.parquet")
    with pytest.raises(KeyError, match="edit"):
        assembled(tmp_path)
    assert not list((tmp_path / "dataset").rglob("*.*"))
