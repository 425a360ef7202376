"""Table 2 through the workflow: two small datasets, a judge behind a server, and only what changed is made again."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from checkout import Checkout
from made_datasets import MADE, ROWS
from openai_server import MODEL, asked, served

pytestmark = pytest.mark.workflow

DRAWN = 2
CONFIG = """
library: {{shard_size: 6}}
world: {{images: 6}}
table2:
  samples: {samples}
  datasets:
    - {{name: ours, mapping: config/datasets/ours.yaml, root: '{data}/ours'}}
    - {{name: nano, mapping: config/datasets/nano_consistent.yaml, root: '{data}/nano_consistent'}}
  judges:
    - {{name: server, openai: {{model: {model}, base_url: '{url}', longest_wait: 0.05}}}}
"""


def test_datasets_are_drawn_scored_and_tabled_and_a_larger_sample_asks_only_for_the_rest(tmp_path: Path) -> None:
    for name in ("ours", "nano_consistent"):
        MADE[name](tmp_path / "data" / name)
    log = tmp_path / "log"
    with served(log) as url:
        run = Checkout.fresh(tmp_path / "checkout")

        def configure(samples: int) -> None:
            run.path("test.yaml").write_text(CONFIG.format(samples=samples, data=tmp_path / "data", model=MODEL, url=url))

        configure(DRAWN)
        run.snakemake("table2")
        tables = sorted(run.path("results/viescore").glob("*.parquet"))
        assert [path.stem for path in tables] == ["server@nano", "server@ours"]
        assert all(pq.read_table(path).num_rows == DRAWN * 2 * 3 for path in tables), "SC and PQ in three runs"
        assert len(asked(log)) == 2 * DRAWN * 2 * 3
        with run.path("results/tables/table2.csv").open(newline="") as stream:
            figures = {(line["row"], line["metric"], line["source"]): line for line in csv.DictReader(stream)}
        for name in ("Ours", "Nano-consistent-150k"):
            assert figures[name, "Overall", "measured by server"]["n"] == str(DRAWN)
        assert figures["UnicEdit-10M", "Overall", "reported"]["value"] == "8.08"
        assert run.path("results/tables/table2.png").stat().st_size > 5000
        assert run.planned("table2") == {}, "made is made"

        configure(DRAWN + 1)
        run.snakemake("table2")
        assert len(asked(log)) == 2 * (DRAWN + 1) * 2 * 3, "the smaller sample is the beginning of the larger one"
    assert DRAWN + 1 <= ROWS // 2
    run.path("test.yaml").write_text(run.path("test.yaml").read_text().replace("data/ours'", "data/gone'"))
    refused = run.snakemake("table2", check=False)
    assert refused.returncode != 0 and "table2.datasets: ours: root = " in refused.stdout + refused.stderr
