"""Pages of the run report: tables, the record of a run, the scores."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from made_tables import assembled, shard_tables
from unicedit.config.model import Config, parse
from unicedit.report.page import from_markdown, title_of, write_page
from unicedit.report.record import changed, models, record
from unicedit.report.scores import BINS, SCORES, Score, histogram, plot_scores
from unicedit.sidecar import Identity, seal
from unicedit.tables.table import MEASURED

SHARDS = ("00000", "00001")
TITLE = "</pre><script>alert(1)</script>"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for number, shard in enumerate(SHARDS):
        shard_tables(folder, shard, images=24, offset=24 * number)
    assembled(folder, SHARDS)
    return folder


def test_markdown_becomes_a_table_and_html_in_it_stays_text() -> None:
    made = from_markdown(
        "# Title\n\n| a | b |\n| :--- | ---: |\n| <script>x</script> | 2 |\n\n![p](http://e.vil/p.png) [l](javascript:x)\n"
    )
    assert "<td" in made and "&lt;script&gt;" in made
    assert "<script" not in made and "<img" not in made and 'href="javascript' not in made


def test_page_stands_alone(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "<b>", from_markdown("text"))
    text = (tmp_path / "page.html").read_text()
    assert "<title>&lt;b&gt;</title>" in text and "<p>text</p>" in text
    assert "src=" not in text and "<link" not in text
    assert title_of("---\n# One: two\n# Three", "else") == "One: two" and title_of("none", "else") == "else"


def test_record_holds_rows_digests_versions_and_configuration(results: Path, tmp_path: Path) -> None:
    made = tmp_path / "table3.csv"
    made.write_text(MEASURED)
    sealed = seal(made, tmp_path / "table3.json", Identity("table3", "all", "c0de", "{}"), rows=1, rows_in=1, status={}, reasons={})
    config = parse({"dataset": {"card": {"title": TITLE}}, "world": {"images": 7}})
    out = tmp_path / "record.html"
    status = record(results, SHARDS, [tmp_path / "table3.json"], config, ["edit"], out)
    text = out.read_text()
    rows = sum(pq.read_metadata(results / "dataset" / "data" / f"shard-{shard}.parquet").num_rows for shard in SHARDS)
    assert status == {"ok": rows, "rejected": 0, "failed": 0} and rows > 10
    assert sealed["sha256"] in text and "c0de" in text
    assert "world.images" in text and "<td>7</td><td>240</td>" in text
    assert "simulated-a" in text and "Simulated" in text and "pyarrow" in text
    assert "<script" not in text and "&lt;script&gt;" in text


def test_models_are_found_wherever_the_configuration_names_them() -> None:
    config = Config().model_dump(mode="json")
    config["verify"]["vllm"] |= {"model": "org/name", "revision": "abc"}
    found = list(models(config))
    assert ("verify.vllm", "org/name", "abc") in found and ("edit.editors.1", "simulated-b", "1") in found
    assert not any(place.startswith("instruct") for place, *_ in found), "an engine without a model is none"


def test_changed_settings_are_those_that_differ() -> None:
    config = parse({"verify": {"engine": "ssim", "ssim": {"threshold": 0.5}}, "edit": {"editors": [{"name": "a", "engine": "simulated"}]}})
    found = {key: (value, default) for key, value, default in changed(config.model_dump(mode="json"), Config().model_dump(mode="json"))}
    assert set(found) == {"verify.engine", "verify.ssim.threshold", "edit.editors"}
    assert found["verify.engine"] == ('"ssim"', '"auto"')
    assert found["verify.ssim.threshold"] == ("0.5", "0.985")
    assert list(changed({}, {})) == []


def test_histogram_counts_every_finite_value_once(results: Path) -> None:
    edges, counts = histogram(results, SHARDS, SCORES[0])
    table = [row for shard in SHARDS for row in pq.read_table(results / "prefilter" / f"{shard}.parquet").to_pylist()]
    for status in ("ok", "rejected"):
        values = [row["quality"] for row in table if row["status"] == status]
        assert counts[status].sum() == len(values) > 0
        assert (counts[status] == np.histogram(values, edges)[0]).all()
    assert len(edges) == BINS + 1 and (edges[0], edges[-1]) == (0, 10)
    assert histogram(results, SHARDS, SCORES[1])[1] == {}, "what was not scored has no status"


def test_histogram_takes_its_limits_from_the_rows_where_none_are_known(tmp_path: Path) -> None:
    shard_tables(tmp_path, "00000", images=12)
    path = tmp_path / "verify" / "00000.parquet"
    table = pq.read_table(path)
    scores = [float(number) for number in range(table.num_rows - 2)] + [float("nan"), float("inf")]
    pq.write_table(table.set_column(table.schema.get_field_index("score"), "score", [scores]), path)
    edges, counts = histogram(tmp_path, ["00000"], Score("verify", "score", "t", None))
    assert (edges[0], edges[-1]) == (0, table.num_rows - 3)
    assert sum(count.sum() for count in counts.values()) == table.num_rows - 2


def test_scores_are_drawn(results: Path, tmp_path: Path) -> None:
    plot_scores(results, SHARDS, tmp_path / "scores.png")
    plot_scores(results, SHARDS, tmp_path / "again.png")
    assert (tmp_path / "scores.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    with Image.open(tmp_path / "scores.png") as image:
        assert image.width > 1000


def test_scores_of_a_library_without_any_say_so(tmp_path: Path) -> None:
    shard_tables(tmp_path, "00000", images=0)
    plot_scores(tmp_path, ["00000"], tmp_path / "scores.png")
    with Image.open(tmp_path / "scores.png") as image:
        assert image.width > 1000
