"""The dataset as a folder to publish: what is in it, what readers of every kind get, and what happens to a release that is killed."""

import hashlib
import io
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from made_pictures import read_back
from made_tables import assembled, shard_tables
from unicedit.card.card import card
from unicedit.card.readme import Made
from unicedit.config.dataset import CardSettings
from unicedit.config.edit import EditSettings
from unicedit.config.instruct import InstructSettings
from unicedit.config.prefilter import PrefilterSettings
from unicedit.config.verify import VerifySettings
from unicedit.errors import PipelineError
from unicedit.ingest.hashes import pixel_digest
from unicedit.plan.rates import Power
from unicedit.release.energy import Energy, Rated
from unicedit.release.mark import SCHEME
from unicedit.release.marks import marking
from unicedit.release.plan import plan
from unicedit.release.release import Release, write_release
from unicedit.release.webdataset import sample_name
from unicedit.schema import DATASET
from unicedit.taxonomy import load

SHARDS = ("00000", "00001", "00002")
TAXONOMY = load(Path(__file__).parents[2] / "config" / "taxonomy.yaml")
MADE = Made(CardSettings(), PrefilterSettings(), InstructSettings(), EditSettings(), VerifySettings(engine="simulated"), "world")
ABOUT = Release(MADE, TAXONOMY, "me/edits", "2026-01-31", "c" * 32, row_group_rows=4)
TERMS: Mapping[str, Any] = {"simulated-a": "composite", "simulated-b": "compositeWithTrainedAlgorithmicMedia"}


def results_in(folder: Path) -> Path:
    for number, shard in enumerate(SHARDS):
        shard_tables(folder, shard, images=24 if number != 1 else 0, offset=24 * number)
    assembled(folder, SHARDS)
    card(folder, SHARDS, MADE, TAXONOMY)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_in(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def whole(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with everything, in several files."""
    about = replace(ABOUT, shard_bytes=12_000, webdataset=True, terms=TERMS)
    return write_release(results, SHARDS, tmp_path_factory.mktemp("out") / "release", about)


def rows_of(results: Path) -> list[dict[str, Any]]:
    return [row for shard in SHARDS for row in pq.read_table(results / "dataset" / "data" / f"shard-{shard}.parquet").to_pylist()]


def files_of(release: Path) -> list[Path]:
    return sorted((release / "data").glob("*.parquet"))


def pixels(data: bytes) -> str:
    return pixel_digest(Image.open(io.BytesIO(data)).convert("RGB"))


def test_rows_and_order_are_the_datasets(results: Path, whole: Path) -> None:
    files = files_of(whole)
    assert [file.name for file in files] == [f"train-{number:05d}-of-{len(files):05d}.parquet" for number in range(len(files))]
    assert len(files) > 2
    released = [row for file in files for row in pq.read_table(file).to_pylist()]
    for ours, theirs in zip(released, rows_of(results), strict=True):
        assert {**ours, "edit_image": None} == {**theirs, "edit_image": None}
        assert pixels(ours["edit_image"]["bytes"]) == pixels(theirs["edit_image"]["bytes"])
    index = pq.read_table(whole / "index.parquet").to_pylist()
    assert [(row["file"], row["row"]) for row in index] == [
        (file.name, number) for file in files for number in range(pq.read_metadata(file).num_rows)
    ]
    assert [row["key"] for row in index] == [row["key"] for row in released]


def test_files_are_of_about_one_size_and_row_groups_full(results: Path, tmp_path: Path) -> None:
    files = [results / "dataset" / "data" / f"shard-{shard}.parquet" for shard in SHARDS]
    shared = plan(files, 12_000)
    sizes = [sum(group.bytes for group in one) for one in shared]
    assert max(sizes) - min(sizes) <= 2 * max(group.bytes for one in shared for group in one)
    assert [group for one in shared for group in one] == plan(files, 10**9)[0], "a small dataset is one file"
    out = write_release(results, SHARDS, tmp_path / "out", ABOUT)
    (file,) = files_of(out)
    metadata = pq.read_metadata(file)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert set(groups[:-1]) == {4}
    assert file.name == "train-00000-of-00001.parquet"


@pytest.mark.parametrize("streaming", [False, True])
def test_load_dataset_reads_the_folder(
    results: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streaming: bool
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    loaded = datasets.load_dataset(str(whole), split="train", streaming=streaming, cache_dir=str(tmp_path))
    rows = list(loaded)
    assert [row["key"] for row in rows] == [row["key"] for row in rows_of(results)]
    assert list(rows[0]) == DATASET.names
    assert all(row["src_image"].size == row["edit_image"].size == (24, 16) for row in rows)


def test_webdataset_reads_the_tars(results: Path, whole: Path) -> None:
    import webdataset

    tars = [str(path) for path in sorted((whole / "webdataset").glob("*.tar"))]
    assert len(tars) == len(files_of(whole))
    samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode("pil"))
    for sample, row in zip(samples, rows_of(results), strict=True):
        assert sample["__key__"] == sample_name(row["key"])
        assert sample["json"] == {name: value for name, value in row.items() if name not in ("src_image", "edit_image")}
        assert sample["src.png"].size == sample["edit.jpg"].size == (24, 16)


def test_only_edited_pictures_are_marked_in_parquet_and_tars_alike(results: Path, whole: Path) -> None:
    import webdataset

    rows = [row for file in files_of(whole) for row in pq.read_table(file).to_pylist()]
    samples = list(webdataset.WebDataset([str(path) for path in sorted((whole / "webdataset").glob("*.tar"))], shardshuffle=False))
    assert {row["editor"] for row in rows} == set(TERMS)
    for row, sample, original in zip(rows, samples, rows_of(results), strict=True):
        assert read_back(row["edit_image"]["bytes"]) == SCHEME + TERMS[row["editor"]]
        assert sample["edit.jpg"] == row["edit_image"]["bytes"]
        assert sample["src.png"] == row["src_image"]["bytes"] == original["src_image"]["bytes"]
        assert b"xmp" not in sample["src.png"]


def test_a_picture_that_cannot_be_marked_is_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"its editor 'simulated-[ab]' is not in the configuration"):
        write_release(results, SHARDS, tmp_path / "out", replace(ABOUT, terms={"another": "composite"}))
    picture = {"bytes": b"\xff\xd8\xff", "path": "a.jpg"}
    row = {"key": "00-a", "editor": "simulated-a", "edit_image": picture}
    with pytest.raises(PipelineError, match=r"^00-a: its edited picture cannot be marked: it is cut off; release without --mark"):
        marking(TERMS)(pa.Table.from_pylist([row]))


def test_a_sample_name_has_no_dot_or_slash_and_tells_keys_apart() -> None:
    names = [sample_name(key) for key in ("00-flux.1", "00-flux_1", "00-flux%2E1", "../etc")]
    assert len(set(names)) == 4
    assert not any(letter in name for name in names for letter in "./")


def test_mlcroissant_reads_records_and_pictures(results: Path, whole: Path) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(whole / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    records = list(dataset.records("default"))
    rows = rows_of(results)
    assert [record["default/key"].decode() for record in records] == [row["key"] for row in rows]
    assert pixel_digest(records[0]["default/edit_image"].convert("RGB")) == pixels(rows[0]["edit_image"]["bytes"])
    assert [bytes(one).decode() for one in records[0]["default/differences"]] == rows[0]["differences"]
    assert {one.sha256 for one in dataset.metadata.file_objects} == {
        hashlib.sha256(file.read_bytes()).hexdigest() for file in files_of(whole)
    }


def test_checksums_cover_every_other_file(whole: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=whole, check=True)
    listed = {line.split("  ", 1)[1] for line in (whole / "SHA256SUMS").read_text().splitlines()}
    assert listed == {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()} - {"SHA256SUMS"}


def test_crate_names_every_file_and_leads_from_library_to_data(whole: Path) -> None:
    graph = {one["@id"]: one for one in json.loads((whole / "ro-crate-metadata.json").read_text())["@graph"]}
    assert graph["ro-crate-metadata.json"]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    parts = {one["@id"] for one in graph["./"]["hasPart"]}
    files = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    assert parts == files - {"SHA256SUMS", "ro-crate-metadata.json"}

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [value["@id"]] if set(value) == {"@id"} else [one for inner in value.values() for one in references(inner)]
        return [one for inner in value for one in references(inner)] if isinstance(value, list) else []

    assert {one for entity in graph.values() for one in references(entity)} <= set(graph) | {"https://w3id.org/ro/crate/1.1"}
    made, stages = min(one for one in parts if one.startswith("data/")), []
    while made != "#library":
        (action,) = [one for one in graph.values() if one["@type"] == "CreateAction" and {"@id": made} in _several(one["result"])]
        stages.append(action["name"])
        made = action["object"][0]["@id"]
    assert stages == ["release", "assemble", "verify", "edit", "instruct", "prefilter", "ingest"]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_card_says_what_is_simulated_marked_measured_and_not(results: Path, whole: Path, tmp_path: Path) -> None:
    text = (whole / "README.md").read_text()
    for said in (
        "**Simulated.**",
        "simulated editor",
        "not to train a model",
        "Intended use",
        "CC0-1.0",
        "Energy was not measured, and no record",
        "`composite` for simulated-a",
        "No record of the jobs' time",
        "`src_image` bears no such mark",
        'load_dataset("me/edits"',
    ):
        assert said in text, said
    results = Path(shutil.copytree(results, tmp_path / "results"))
    (results / "benchmarks" / "edit").mkdir(parents=True)
    for shard in SHARDS:
        record = "s\th:m:s\tmax_rss\tcpu_time\n1800\t0:30:00\t10\t3600\n"
        (results / "benchmarks" / "edit" / f"{shard}.tsv").write_text(record)
    (results / "usage" / "verify").mkdir(parents=True)
    (results / "usage" / "verify" / "a.json").write_text(json.dumps({"sent": 12, "tokens_in": 900, "tokens_out": 100, "money": 1.5}))
    real = replace(MADE, library="files")
    metered = [Energy("metered", 2.5, "a | meter")]
    rated = Rated({"cpu": Power(device="cpu", hardware="a core", watts=10, source="a data sheet", ours=False)}, {})
    text = (
        write_release(results, SHARDS, tmp_path / "out", replace(ABOUT, made=real, energy=metered, rated=rated, grid_grams=400))
        / "README.md"
    ).read_text()
    assert "| edit | 3 | 1.500 | 3.000 | none | none |" in text
    assert "| verify | 0 | 0.000 | not measured | 12 | 1,000 |" in text
    assert "cost 1.50" in text and "\n\n| energy | kWh | kg CO2 | of what |\n" in text
    assert "| metered | 2.5 | 1 | a &#124; meter |" in text
    assert "| **estimate** | 0.03 | 0.012 | processor hours times rated power: 10 W a core (a core; a data sheet)" in text, (
        "3 hours of 10 W"
    )
    assert "without verify, whose time or power is not known" in text and "with 400 g a kWh" in text
    assert "carry no mark" in text


def test_a_killed_release_goes_on_and_ends_the_same(results: Path, whole: Path, tmp_path: Path) -> None:
    about = replace(ABOUT, shard_bytes=12_000, webdataset=True, terms=TERMS)

    def die(done: int, _: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_release(results, SHARDS, tmp_path / "release", about, die)
    assert not (tmp_path / "release").exists()
    first = next((tmp_path / ".release.partial" / "data").glob("train-00000-*"))
    inode = first.stat().st_ino
    out = write_release(results, SHARDS, tmp_path / "release", about)
    assert (out / "data" / first.name).stat().st_ino == inode, "what was written is kept"
    assert not (tmp_path / ".release.partial").exists()
    for path in [*files_of(whole), *(whole / "webdataset").glob("*.tar"), whole / "index.parquet"]:
        assert (out / path.relative_to(whole)).read_bytes() == path.read_bytes()


def test_other_wishes_begin_anew(results: Path, tmp_path: Path) -> None:
    partial = tmp_path / ".release.partial" / "data"
    partial.mkdir(parents=True)
    (partial / "train-00000-of-00001.parquet").write_text("of another release")
    (partial.parent / "plan.json").write_text('{"release": "another"}')
    (file,) = files_of(write_release(results, SHARDS, tmp_path / "release", ABOUT))
    assert pq.read_metadata(file).num_rows == len(rows_of(results))


def test_nothing_is_released_over_something_or_of_a_damaged_run(tmp_path: Path) -> None:
    results = results_in(tmp_path / "results")
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("")
    with pytest.raises(PipelineError, match="not empty"):
        write_release(results, SHARDS, out, ABOUT)
    (out / "old").unlink()
    file = results / "dataset" / "data" / "shard-00002.parquet"
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    with pytest.raises(PipelineError, match=r"shard-00002.parquet: is not what its sidecar says"):
        write_release(results, SHARDS, out, ABOUT)
    (results / "verify" / "00000.json").unlink()
    with pytest.raises(PipelineError, match=r"00000.json: not sealed; finish the run"):
        write_release(results, SHARDS, out, ABOUT)
    assert list(out.iterdir()) == []


def test_a_key_that_is_there_twice_is_not_released(tmp_path: Path) -> None:
    results = tmp_path / "results"
    for shard in SHARDS[:2]:
        shard_tables(results, shard, images=12)
    assembled(results, SHARDS[:2])
    card(results, SHARDS[:2], MADE, TAXONOMY)
    with pytest.raises(PipelineError, match="is there 2 times"):
        write_release(results, SHARDS[:2], tmp_path / "out", ABOUT)
    assert not (tmp_path / "out").exists()
