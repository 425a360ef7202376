"""results/report.html over a finished run, made by Snakemake itself."""

import re

import pytest

from checkout import Checkout
from made_report import holds, make_report

pytestmark = pytest.mark.workflow


def test_report_holds_every_table_picture_and_the_record(run: Checkout) -> None:
    said = make_report(run)
    assert "results/report.html: " in said
    path = run.path("results/report.html")
    assert path.stat().st_size < 20_000_000
    report = path.read_text(encoding="utf-8")
    tables = sorted(run.path("results/tables").glob("*.md"))
    assert {table.stem for table in tables} == {"table3", "filter_truth"}
    for table in tables:
        page = run.path(f"results/report/tables/{table.stem}.html")
        assert page.read_text().count("<tr>") > 5
        assert holds(report, page) and holds(report, table.with_suffix(".png"))
    for name in ("report/record.html", "report/scores.png", "dataset/census.png"):
        assert holds(report, run.path(f"results/{name}")), name
    record = run.path("results/report/record.html").read_text()
    assert "library.shard_size" in record and run.sidecar("tables/table3")["sha256"] in record
    assert "Table 3: funnel" in report and "how much each step lets pass" in report, "labels and captions"
    loaded = re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+""", report)
    assert loaded == [], "it opens without a network"
    assert run.planned() == {}, "a report makes nothing stale"


def test_report_recomputes_no_stage(run: Checkout) -> None:
    sealed = run.path("results/verify/00000.json").read_bytes()
    with run.path("test.yaml").open("a") as overlay:
        overlay.write("verify: {simulated: {miss: 0.5}}\n")
    make_report(run)
    assert run.path("results/verify/00000.json").read_bytes() == sealed
    assert "verify.simulated.miss" in run.path("results/report/record.html").read_text()


def test_without_a_finished_run_it_says_what_to_do(run: Checkout) -> None:
    run.path("results/tables/table3.json").unlink()
    said = make_report(run, check=False)
    assert "error: results/tables/table3.json is not there: there is no finished run to report on; `make all` makes one" in said
    assert "Traceback" not in said
