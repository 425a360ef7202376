"""The dataset's card, index and census, and what readers of the dataset get."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from made_tables import assembled, shard_tables
from unicedit.card.card import card
from unicedit.card.census import STAGES, target_shares
from unicedit.card.readme import COLUMNS, Made
from unicedit.config.dataset import CardSettings, DatasetSettings
from unicedit.config.edit import EditSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.prefilter import PrefilterSettings
from unicedit.config.verify import VerifySettings
from unicedit.markdown import plain
from unicedit.schema import DATASET
from unicedit.taxonomy import load

SHARDS = ("00000", "00001")
TAXONOMY = load(Path(__file__).parents[2] / "config" / "taxonomy.yaml")


def made(title: str = DatasetSettings().card.title, library: str = "world") -> Made:
    return Made(
        CardSettings(title=title), PrefilterSettings(), InstructSettings(), EditSettings(), VerifySettings(engine="simulated"), library
    )


def results_in(folder: Path, text: str = "") -> Path:
    shard_tables(folder, "00000", images=24, text=text)
    shard_tables(folder, "00001", images=0)
    assembled(folder, SHARDS)
    card(folder, SHARDS, made(), TAXONOMY)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_in(tmp_path_factory.mktemp("results"))


def census_of(results: Path) -> list[dict[str, str]]:
    with (results / "dataset" / "census.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("streaming", [False, True])
def test_load_dataset_gives_decoded_pictures(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streaming: bool) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets
    from PIL import Image

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    loaded = datasets.load_dataset(str(results / "dataset"), split="train", streaming=streaming, cache_dir=str(tmp_path))
    rows = list(loaded)
    assert [row["key"] for row in rows] == pq.read_table(results / "dataset" / "data" / "shard-00000.parquet")["key"].to_pylist()
    assert all(isinstance(row[name], Image.Image) and row[name].size == (24, 16) for row in rows for name in ("src_image", "edit_image"))
    assert rows[0]["differences"] == ["one"]
    assert list(rows[0]) == DATASET.names


def test_every_row_of_every_stage_is_in_the_census(results: Path) -> None:
    census = census_of(results)
    for stage in STAGES[:-1]:
        rows = sum(pq.read_metadata(results / stage / f"{shard}.parquet").num_rows for shard in SHARDS)
        assert sum(int(row["n"]) for row in census if (row["stage"], row["dimension"]) == (stage, "all")) == rows
    for dimension in ("task", "subtask", "editor"):
        for stage in ("edit", "verify", "dataset"):
            counted = sum(int(row["n"]) for row in census if (row["stage"], row["dimension"]) == (stage, dimension))
            assert counted == sum(int(row["n"]) for row in census if (row["stage"], row["dimension"]) == (stage, "all"))
    assert {row["reason"] for row in census if row["stage"] == "ingest"} == {"", "truncated", "crop_loss"}


def test_index_says_where_each_key_lies(results: Path) -> None:
    index = pq.read_table(results / "dataset" / "index.parquet").to_pylist()
    file = pq.read_table(results / "dataset" / "data" / "shard-00000.parquet", columns=["key"])["key"].to_pylist()
    assert [(row["key"], row["shard"], row["row"]) for row in index] == [(key, "00000", number) for number, key in enumerate(file)]


def test_card_says_what_was_simulated_and_what_was_not_scored(results: Path) -> None:
    text = (results / "dataset" / "README.md").read_text()
    assert "simulated world" in text
    assert "simulated editor" in text
    assert "Aesthetics of the sources: **not scored**" in text
    assert set(COLUMNS) == set(DATASET.names)
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["configs"][0]["data_files"][0]["path"] == "data/*.parquet"
    assert front["task_categories"] == ["image-to-image"]
    assert (results / "dataset" / "census.png").read_bytes()[:4] == b"\x89PNG"


def test_a_real_library_is_not_called_simulated() -> None:
    assert not any("simulated world" in line for line in made(library="files").simulated())


def test_gathering_again_gives_the_same_bytes(results: Path, tmp_path: Path) -> None:
    again = results_in(tmp_path)
    for name in ("README.md", "index.parquet", "census.csv", "census.png"):
        assert (again / "dataset" / name).read_bytes() == (results / "dataset" / name).read_bytes(), name


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> | [x](http://e.vil) $\\frac{1}{2}$ \x1b[31m\n---\n# "
    shown = plain(hostile)
    assert not set("<>|[]`$\\#\n\x1b") & set(shown.replace("&#", "")), shown
    assert "://" not in shown
    assert plain("no_edit: 3 of a_b") == "no_edit: 3 of a_b"
    shard_tables(tmp_path, "00000", images=12, text=hostile)
    assembled(tmp_path)
    card(tmp_path, ["00000"], made(title="T: <b>x</b> | $y_{$"), TAXONOMY)
    text = (tmp_path / "dataset" / "README.md").read_text()
    assert "<b>" not in text.split("---\n", 2)[2]
    assert yaml.safe_load(text.split("---\n")[1])["pretty_name"] == "T: <b>x</b> | $y_{$"


def test_target_shares_follow_the_settings() -> None:
    assert target_shares(["a", "b", "c"], {"a": 2, "b": 0}) == {"a": 2 / 3, "b": 0, "c": 1 / 3}
