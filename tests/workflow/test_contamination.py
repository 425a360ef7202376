"""Pictures of a benchmark in the library: listed by one command, and rejected on demand without another row being touched."""

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from checkout import Checkout
from made_scorers import embedding_model
from unicedit.world.photos import PHOTOS, path_of

pytestmark = pytest.mark.workflow

CONFIG = """
library: {{kind: files, path: photos}}
benchmark: {{source: none}}
prefilter: {{min_quality: 0, exclude: [{excluded}]}}
contamination: {{benchmarks: [{{name: theirs, path: theirs}}, {{name: others, path: others}}]{embedding}}}
"""
EMBEDDING = ", embedding: {model: tower, device: cpu, min_cosine: 0.999}"
SHARD = "results/prefilter/00000.parquet"
PLANTED = {"astronaut": "near", "cat": "mirrored", "coffee": "crop"}


def again(image: Image.Image) -> Image.Image:
    """Made smaller and recompressed."""
    stream = io.BytesIO()
    image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(stream, "JPEG", quality=75)
    return Image.open(stream)


def prefiltered(run: Checkout) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in pq.read_table(run.path(SHARD)).to_pylist()}


def test_benchmark_pictures_are_listed_and_excluded_on_demand(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    run.path("test.yaml").write_text(CONFIG.format(excluded="", embedding=""))
    for name in ("photos", "theirs", "others"):
        run.path(name).mkdir()
    images = {name: Image.open(path_of(name)).convert("RGB") for name in PHOTOS}
    for name in [*PLANTED, "palace", "motorcycle"]:
        images[name].save(run.path(f"photos/{name}.png"))
    wide, high = images["coffee"].size
    again(images["astronaut"]).save(run.path("theirs/a.png"))
    again(images["cat"].transpose(Image.Transpose.FLIP_LEFT_RIGHT)).save(run.path("theirs/b.png"))
    again(images["coffee"].crop((wide // 20, high // 20, wide * 19 // 20, high * 19 // 20))).save(run.path("theirs/c.png"))
    images["flower"].save(run.path("theirs/d.png"))
    images["palace"].save(run.path("others/e.png"))

    run.snakemake(SHARD)
    before = prefiltered(run)
    assert {row["status"] for row in before.values()} == {"ok"}
    run.snakemake("contamination")
    with run.path("results/tables/contamination.csv").open() as stream:
        hits = {Path(line["source"]).stem: line for line in csv.DictReader(stream)}
    assert {name: line["how"] for name, line in hits.items()} == {**PLANTED, "palace": "exact"}
    assert (hits["coffee"]["benchmark"], hits["coffee"]["samples"], hits["palace"]["benchmark"]) == ("theirs", "c.png", "others")
    page = run.path("results/tables/contamination.md").read_text()
    assert "| theirs | 3 | 3 of 4 |" in page and "5 pictures of the library" in page

    run.path("test.yaml").write_text(CONFIG.format(excluded="theirs", embedding=""))
    run.forget_rows()
    assert run.planned(SHARD) == {"prefilter": 1}
    run.snakemake(SHARD)
    after = prefiltered(run)
    assert run.rows() == {}, "nothing is scored again"
    assert {Path(name).stem: row["reason"] for name, row in after.items() if row["status"] == "rejected"} == {
        "astronaut": "benchmark: near of theirs/a.png",
        "cat": "benchmark: mirrored of theirs/b.png",
        "coffee": "benchmark: crop of theirs/c.png",
    }
    assert {name: {**row, "status": "ok", "reason": None} for name, row in after.items()} == before, "all else stays as it was"

    # a benchmark's picture whose middle third is the library's: less than crops are found of by hash, all that the model's own crop sees
    embedding_model(run.path("tower"), "dinov2")
    wide, high = images["motorcycle"].size
    framed = images["rocket"].resize((3 * wide, high))
    framed.paste(images["motorcycle"], (wide, 0))
    framed.save(run.path("theirs/f.png"))
    run.path("test.yaml").write_text(CONFIG.format(excluded="theirs", embedding=EMBEDDING))
    run.forget_rows()
    run.snakemake(SHARD, "contamination")
    assert run.rows() == {"lookalikes": len(before)}
    with run.path("results/tables/contamination.csv").open() as stream:
        hits = {Path(line["source"]).stem: line for line in csv.DictReader(stream)}
    assert {name: line["how"] for name, line in hits.items()} == {**PLANTED, "palace": "exact", "motorcycle": "embedding"}
    assert all(-1 <= float(line["cosine"]) <= 1.00001 for line in hits.values()) and float(hits["motorcycle"]["cosine"]) >= 0.999
    rejected = {Path(name).stem: row["reason"] for name, row in prefiltered(run).items() if row["status"] == "rejected"}
    assert set(rejected) == {*PLANTED, "motorcycle"} and rejected["motorcycle"] == "benchmark: embedding of theirs/f.png"

    run.path("test.yaml").write_text(CONFIG.format(excluded="unheard", embedding=""))
    refused = run.snakemake("-n", SHARD, check=False)
    assert "config: prefilter.exclude = 'unheard': no such benchmark; known are theirs, others" in refused.stdout + refused.stderr
