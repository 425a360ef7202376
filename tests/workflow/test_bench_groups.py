"""Another benchmark through the workflow: its rows edited and judged, each in its language, and its table made."""

import csv
from pathlib import Path

import pytest
from PIL import Image

from checkout import Checkout
from made_benchmarks import gedit_rows, write_gedit
from openai_server import MODEL, asked, served

pytestmark = pytest.mark.workflow

CONFIG = """
world: {{images: 6}}
benchmark:
  source: mapped
  path: gedit
  mapping: config/benchmarks/gedit.yaml
  models:
    - {{name: finished, engine: images, images: {{folder: finished}}}}
  judges:
    - {{name: server, engine: openai, openai: {{model: {model}, base_url: '{url}'}}}}
"""


def test_each_row_is_edited_and_judged_in_its_language(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(log) as url:
        run = Checkout.fresh(tmp_path / "checkout")
        run.path("test.yaml").write_text(CONFIG.format(model=MODEL, url=url))
        rows = gedit_rows()
        write_gedit(run.path("gedit"), rows)
        run.path("finished").mkdir()
        for number, row in enumerate(rows[1:], 1):
            Image.new("RGB", (24, 16), (0, number, 99)).save(run.path(f"finished/{row['key']}-{row['instruction_language']}.png"))
        assert run.planned("bench_groups") == {"records": 1, "bench_edit": 2, "bench_viescore": 2, "bench_groups": 1}
        run.snakemake("bench_groups")
    assert len(asked(log)) == 2 * (len(rows) - 1), "SC and PQ of each edit that is there, and of no other"
    with run.path("results/tables/bench_groups.csv").open() as stream:
        figures = {(line["row"], line["metric"]): line for line in csv.DictReader(stream)}
    counts = [(one["n"], one["expected"]) for lang in ("en", "cn") if (one := figures[f"finished, {lang}, all, average", "Overall"])]
    assert counts == [("22", "23"), ("23", "23")]
    assert 4 <= float(figures["finished, cn, intersection, average", "Overall"]["value"]) <= 10
    page = run.path("results/tables/bench_groups.md").read_text()
    assert "# GEdit-Bench" in page and "server, en, intersection samples" in page
